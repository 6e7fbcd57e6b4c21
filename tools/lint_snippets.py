#!/usr/bin/python3
"""Every ```cpp block of a page or a public header's comment compiles. ```cpp sketch marks what is not meant to.

A block that defines something at its left margin, or has a main, is a file; another is the body of a function."""
import re

import compiling
import lintlib
from lintlib import Finding

FENCE = re.compile(r"^\s*```(.*)$")
DEFINITION = re.compile(r"^(template\b|struct\b|class\b|namespace\b|enum\b|TEST_CASE|int main\(|static |extern |inline |void \w+\()")


def blocks(path):
    """(line, info string, code) of every fenced block; in a header those inside // comments."""
    inside = None
    for number, line in lintlib.lines(path):
        if path.suffix == ".hpp":
            match = re.match(r"^\s*///?( ?)(.*)$", line)
            if not match:
                inside = None
                continue
            line = match.group(2)
        fence = FENCE.match(line)
        if fence and inside is None:
            inside = (number, fence.group(1).strip(), [])
        elif fence:
            yield inside[0], inside[1], inside[2]
            inside = None
        elif inside is not None:
            inside[2].append(line)


def unit(path_name: str, number: int, code: list[str]) -> str:
    includes = [line for line in code if line.startswith("#include")]
    rest = [line for line in code if not line.startswith("#include")]
    if not any(DEFINITION.match(line) for line in code):
        rest = ["[[maybe_unused]] static void snippet() {", *rest, "}"]
        includes += ["#pragma GCC diagnostic ignored \"-Wunused-variable\""]
    return "\n".join([f"// {path_name}:{number}", *includes, *rest, ""])


def check(root):
    pages = [*lintlib.files(root, ".md"), *(path for _, path in lintlib.public_headers(root))]
    folder, units, origin = compiling.workspace(root, "snippets"), [], {}
    for path in pages:
        here = lintlib.name(root, path)
        for number, info, code in blocks(path):
            if info not in ("cpp", "c++"):
                continue
            file = compiling.write(folder / f"{here.replace('/', '-')}-{number}.cpp", unit(here, number, code))
            origin[file] = (here, number)
            units.append(compiling.Unit("", compiling.compilers()[0], file))
    for outcome in compiling.compile_all(root, units):
        if not outcome.succeeded:
            yield Finding(*origin[outcome.unit.file], f"this code does not compile: {compiling.first_error(outcome.output)}")


if __name__ == "__main__":
    lintlib.main(check)
