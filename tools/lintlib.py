"""What every lint shares: the tree's files, the layers, and how a finding is printed.

A lint is a file tools/lint_NAME.py with a function check(root) that yields findings; `lint_NAME.py [ROOT]` prints
them as file:line: sentence and ends with 1 when there are any. tests/lint/NAME_test.py shows that it finds.
"""
import pathlib
import re
import sys
import tomllib
from typing import Callable, Iterable, Iterator, NamedTuple

CODE = (".hpp", ".cpp", ".h", ".c")
SKIPPED = {"out", ".git", "__pycache__", "third_party"}


class Finding(NamedTuple):
    path: str
    line: int
    sentence: str


def files(root: pathlib.Path, *suffixes: str, under: str = "") -> Iterator[pathlib.Path]:
    """Files below root/under with one of the suffixes (all files without any), in a fixed order."""
    top = root / under
    if not top.is_dir():
        return
    for path in sorted(top.rglob("*")):
        parts = path.relative_to(root).parts
        if SKIPPED.intersection(parts) or not path.is_file() or path.is_symlink():
            continue
        if not suffixes or path.suffix in suffixes:
            yield path


def name(root: pathlib.Path, path: pathlib.Path) -> str:
    return path.relative_to(root).as_posix()


def text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def lines(path: pathlib.Path) -> list[tuple[int, str]]:
    return list(enumerate(text(path).splitlines(), 1))


def configuration(root: pathlib.Path) -> dict:
    """layers.toml; a tree without one has no layers, which lint_layers reports."""
    path = root / "layers.toml"
    return tomllib.loads(text(path)) if path.is_file() else {}


def public_headers(root: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """(layer, path) of every header that is installed."""
    base = root / "include" / "ashlar"
    for path in files(root, ".hpp", under="include/ashlar"):
        parts = path.relative_to(base).parts
        yield (parts[0] if len(parts) > 1 else "", path)


def is_allocator(path: pathlib.Path) -> bool:
    """Whether the header offers blocks itself; a policy or a part of an allocator does not."""
    return re.search(r"result<block> allocate\(", text(path)) is not None


def opening_comment(path: pathlib.Path) -> list[tuple[int, str]]:
    """The // lines that a file opens with, without their slashes."""
    block = []
    for number, line in lines(path):
        if not line.startswith("//"):
            break
        block.append((number, line[2:]))
    return block


KEY = re.compile(r"^ ([A-Z][a-z]*(?: by)?):(?:\s+(.*))?$")


def comment_keys(path: pathlib.Path) -> dict[str, tuple[int, list[tuple[int, str]]]]:
    """The keys of an opening comment: key -> (its line, the lines of its value)."""
    keys, current = {}, None
    for number, line in opening_comment(path):
        match = KEY.match(line)
        if match:
            current = match.group(1)
            keys.setdefault(current, (number, []))[1].append((number, match.group(2) or ""))
        elif not line.strip():
            current = None
        elif current and line.startswith("   "):
            keys[current][1].append((number, line.strip()))
        else:
            current = None
    return keys


def without_code_noise(source: str) -> str:
    """C++ source with comments and the insides of literals blanked; line numbers and lengths stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z_])\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match: re.Match) -> str:
        kept = match.group(0)
        if kept.startswith("/"):
            return re.sub(r"[^\n]", " ", kept)
        return kept[0] + re.sub(r"[^\n]", " ", kept[1:-1]) + kept[-1]
    return pattern.sub(blank, source)


# A function that tells whether the invariants hold is itself a check, as a contract is: no right program shows it a structure that it must refuse.
SELF_CHECK = re.compile(r"^( +)(?:\[\[nodiscard\]\] )?(?:static )?bool (?:\w+_)?(?:consistent|longest_right)\(.*\{(.*\})?$")


def lines_of_self_checks(source: str) -> set[int]:
    """The numbers of the lines of such functions, from 1."""
    found, end = set(), None
    for number, line in enumerate(source.splitlines(), 1):
        begins = SELF_CHECK.match(line)
        if begins:
            found.add(number)
            end = None if begins[2] else begins[1] + "}"
        elif end is not None:
            found.add(number)
            end = None if line == end else end
    return found


def main(check: Callable[[pathlib.Path], Iterable[Finding]]) -> None:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    if not root.is_dir():
        sys.exit(f"{sys.argv[0]}: {root} is not a folder")
    findings = sorted(set(check(root)))
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.sentence}")
    sys.exit(1 if findings else 0)
