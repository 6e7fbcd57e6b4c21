#!/usr/bin/python3
"""Claims resolve both ways: paths after 'Checked by:' exist, a cited invariant is defined, a defined one is cited."""
import re

import lintlib
from lintlib import Finding

INVARIANT = re.compile(r"\b(?!name\.)([a-z][a-z0-9_]*)\.I(\d+)\b")
PATH = re.compile(r"[A-Za-z0-9_./-]+/[A-Za-z0-9_./*-]+")
CITING = (*lintlib.CODE, ".py", ".md", ".tla", ".cfg", ".lean", ".smt2")


def definitions(root):
    """(name, file, line) of every invariant: the lines under 'Invariants:' that begin with one."""
    for path in lintlib.files(root, ".hpp", ".cpp"):
        for number, value in lintlib.comment_keys(path).get("Invariants", (0, []))[1]:
            match = INVARIANT.match(value)
            if match:
                yield match.group(0), path, number


def check_paths(root):
    for path in lintlib.files(root, ".hpp", ".cpp"):
        for number, value in lintlib.comment_keys(path).get("Checked by", (0, []))[1]:
            for named in PATH.findall(value):
                if not list(root.glob(named.rstrip(".,"))):
                    yield Finding(lintlib.name(root, path), number, f"'Checked by:' names {named}, which does not exist")
    proofs = root / "proofs"
    for folder in sorted(proofs.glob("*/*")) if proofs.is_dir() else ():
        header = root / "include" / "ashlar" / folder.parent.name / (folder.name + ".hpp")
        claim = f"proofs/{folder.parent.name}/{folder.name}"
        if folder.is_dir() and header.is_file() and claim not in lintlib.text(header):
            yield Finding(lintlib.name(root, header), 1, f"'Checked by:' does not name {claim}")


def check(root):
    yield from check_paths(root)
    defined, cited = {}, set()
    for invariant, path, number in definitions(root):
        here = lintlib.name(root, path)
        if invariant in defined:
            yield Finding(here, number, f"{invariant} is also defined in {defined[invariant][0]}")
        if not invariant.startswith(path.stem + "."):
            yield Finding(here, number, f"{invariant} does not begin with the file's name, {path.stem}")
        defined[invariant] = (here, number)
    for path in lintlib.files(root, *CITING):
        here = lintlib.name(root, path)
        if here == "STYLE.md" or here.startswith(("tools/", "tests/lint/")):
            continue  # they show the notation
        for number, line in lintlib.lines(path):
            for match in INVARIANT.finditer(line):
                if defined.get(match.group(0)) == (here, number):
                    continue
                cited.add(match.group(0))
                if match.group(0) not in defined:
                    yield Finding(here, number, f"cites {match.group(0)}, which no opening comment defines")
    for invariant, (here, number) in defined.items():
        if invariant not in cited:
            yield Finding(here, number, f"{invariant} is cited nowhere: name it where a check or a test relies on it")


if __name__ == "__main__":
    lintlib.main(check)
