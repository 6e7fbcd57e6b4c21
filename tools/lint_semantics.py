#!/usr/bin/python3
"""docs/semantics.md and the code agree: the laws are the kit's, with its names; every strategy states when it refuses, and
every allocator of it is enrolled in the laws by its own test; a law that is cited is one of the page's; the rules of the malloc's edge are cited where
they are kept and where they are tested."""
import re

import lintlib
from lintlib import Finding

PAGE = "docs/semantics.md"
KIT = "include/ashlar/testing/law.hpp"
ROW = re.compile(r"^\| ([CA]\d+) (\w[\w ]*?) \|")
ENTRY = re.compile(r'\{"([CA]\d+)", "([^"]+)"')
CITED = re.compile(r"\b([CA]\d)\b")
COMMENT = {**dict.fromkeys(lintlib.CODE, "//"), ".v": "(*"}  # where one begins; elsewhere the whole line may cite
HEADING = "### What each strategy states for C4"


def laws(path, pattern) -> dict[str, tuple[str, int]]:
    """id -> (name, line)."""
    found = {}
    for number, line in lintlib.lines(path):
        for match in pattern.finditer(line):
            found.setdefault(match.group(1), (match.group(2), number))
    return found


def stated(path) -> dict[str, int]:
    """The strategies of the table's first column -> line."""
    found, inside = {}, False
    for number, line in lintlib.lines(path):
        inside = line == HEADING if line.startswith("#") else inside
        if inside and line.startswith("| "):
            for name in re.findall(r"\b[a-z][a-z_]+\b", line.split("|")[1].replace(" with ", " ").replace(" or ", " ").replace(" and ", " ")):
                found.setdefault(name, number)
    return found


def is_policy(path) -> bool:
    """Whether it chooses a free block for free_list."""
    return re.search(r"\bfind\(const fit_request& \w+\) const", lintlib.text(path)) is not None and not lintlib.is_allocator(path)


def check_strategies(root, page):
    table = stated(page)
    for layer, path in lintlib.public_headers(root):
        if layer != "strategy" or not (lintlib.is_allocator(path) or is_policy(path)):
            continue
        if path.stem not in table:
            yield Finding(PAGE, 1, f"the table under '{HEADING.strip('# ')}' does not say when {path.stem} refuses")
        test = root / "tests" / "strategy" / f"{path.stem}_test.cpp"
        if lintlib.is_allocator(path) and test.is_file() and path.stem != "free_list" and "ASHLAR_ENROL" not in lintlib.text(test):
            yield Finding(lintlib.name(root, test), 1, f"{path.stem} is not enrolled in the laws: ASHLAR_ENROL of support/enrol.hpp")
    for name, number in table.items():
        if name != "strategy" and not (root / "include/ashlar/strategy" / f"{name}.hpp").is_file():
            yield Finding(PAGE, number, f"states when {name} refuses, which is no header of strategy")


def check_edge(root, page):
    """Every rule of the malloc's edge is cited where it is kept and where it is tested; a cited one is stated."""
    rules = {match.group(1): number for number, line in lintlib.lines(page) if (match := re.match(r"^\| (E\d+) \|", line))}
    for under, verb in (("src/malloc", "kept"), ("tests/malloc", "tested")):
        cited = set()
        for path in lintlib.files(root, *lintlib.CODE, ".py", under=under):
            for number, line in lintlib.lines(path):
                comment = line.partition("//")[2] if path.suffix in lintlib.CODE else line
                for rule in re.findall(r"\bE\d\b", comment):
                    cited.add(rule)
                    if rule not in rules:
                        yield Finding(lintlib.name(root, path), number, f"cites {rule}, which {PAGE} does not state")
        for rule in rules.keys() - cited:
            yield Finding(PAGE, rules[rule], f"{rule} is cited nowhere in {under}, where it is {verb}")


def check(root):
    page, kit = root / PAGE, root / KIT
    if not page.is_file() or not kit.is_file():
        return
    said, kept = laws(page, ROW), laws(kit, ENTRY)
    for law, (name, number) in said.items():
        if law not in kept:
            yield Finding(PAGE, number, f"{law} is no law of {KIT}")
        elif kept[law][0] != name:
            yield Finding(PAGE, number, f"{law} is called {name} here and {kept[law][0]} in {KIT}")
    for law, (name, number) in kept.items():
        if law not in said:
            yield Finding(KIT, number, f"{law} {name} is not stated in {PAGE}")
    yield from check_strategies(root, page)
    yield from check_edge(root, page)
    for under in ("include", "src", "tests", "proofs"):
        for path in lintlib.files(root, *lintlib.CODE, ".pml", ".v", ".toml", under=under):
            if path.name == "utf8.hpp":
                continue  # bytes in hexadecimal
            for number, line in lintlib.lines(path):
                comment = line.partition(COMMENT[path.suffix])[2] if path.suffix in COMMENT else line
                for law in CITED.findall(comment):
                    if law not in said:
                        yield Finding(lintlib.name(root, path), number, f"cites {law}, which {PAGE} does not state")


if __name__ == "__main__":
    lintlib.main(check)
