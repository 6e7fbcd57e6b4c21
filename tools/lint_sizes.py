#!/usr/bin/python3
"""Files stay small: past 300 lines they say why on top ('Long:'), never past 500; functions have at most 60 lines."""
import ast
import re

import lintlib
from lintlib import Finding

SAY_WHY, NEVER_PAST, FUNCTION = 300, 500, 60
PAGES = {"docs/decisions": 60}  # pages with a limit of their own; layer READMEs: lint_layer_readmes
LONG = re.compile(r"^\s*(//|#|\*)?\s*Long:\s+\S")
SUFFIXES = (*lintlib.CODE, ".py", ".js", ".sh", ".cmake", ".css", "")
OUTER = re.compile(r"^(?:\s|\[\[[^\]]*\]\]|template\s*<[^{}]*>|export|inline|typedef|static|const|constexpr)*"
                   r"(namespace|class|struct|union|enum|extern\s*\")")


def cpp_functions(source: str):
    """(line, number of lines) of every function body; lambdas and blocks count as part of the function around them."""
    clean = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                   lintlib.without_code_noise(source), flags=re.M)
    stack, head_start, line = [], 0, 1
    for at, sign in enumerate(clean):
        if sign == "\n":
            line += 1
        elif sign == "{":
            head = clean[head_start:at]
            inside = any(kind != "outer" for kind, _ in stack)
            if inside:
                kind = "block"
            elif OUTER.match(head):
                kind = "outer"
            else:
                kind = "function" if ")" in head and not re.search(r"\bconcept\b", head) else "block"
            stack.append((kind, line - head.lstrip().count("\n")))
            head_start = at + 1
        elif sign == "}":
            if stack:
                kind, first = stack.pop()
                if kind == "function":
                    yield first, line - first + 1
            head_start = at + 1
        elif sign == ";":
            head_start = at + 1


def python_functions(source: str):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check_file(root, path):
    here, source = lintlib.name(root, path), lintlib.text(path)
    count = len(source.splitlines())
    if count > NEVER_PAST:
        yield Finding(here, NEVER_PAST, f"{count} lines; no file has more than {NEVER_PAST}: split it by idea")
    elif count > SAY_WHY and not any(LONG.match(line) for line in source.splitlines()[:40]):
        yield Finding(here, SAY_WHY, f"{count} lines; past {SAY_WHY} a line 'Long: ...' on top says why")
    functions = ()
    if path.suffix in lintlib.CODE:
        functions = cpp_functions(source)
    elif path.suffix == ".py":
        functions = python_functions(source)
    for line, length in functions:
        if length > FUNCTION:
            yield Finding(here, line, f"a function of {length} lines; the limit is {FUNCTION}")


def check(root):
    for path in lintlib.files(root, *SUFFIXES):
        if path.suffix or lintlib.text(path).startswith("#!"):
            yield from check_file(root, path)
    for folder, limit in PAGES.items():
        for path in lintlib.files(root, ".md", under=folder):
            count = len(lintlib.text(path).splitlines())
            if count > limit:
                yield Finding(lintlib.name(root, path), limit, f"{count} lines; a page of {folder} has at most {limit}")


if __name__ == "__main__":
    lintlib.main(check)
