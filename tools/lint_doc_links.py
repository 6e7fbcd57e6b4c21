#!/usr/bin/python3
"""Links of the pages lead somewhere, and paths of this tree that a page names in backticks exist."""
import re

import lintlib
from lintlib import Finding

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
NAMED = re.compile(r"`([A-Za-z0-9_.-]+/[A-Za-z0-9_./-]*)`")
PLACEHOLDER = re.compile(r"NAME|NNNN")
TOP = ("include/", "src/", "apps/", "tests/", "bench/", "docs/", "tools/", "cmake/", "examples/", "proofs/", "changes/")


def anchors(path) -> set[str]:
    """The anchors of a page's headings as the common renderers make them."""
    found = set()
    for _, line in lintlib.lines(path):
        if line.startswith("#"):
            title = re.sub(r"[`*]", "", line.lstrip("#").strip()).lower()
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def check_link(root, path, number, link):
    here = lintlib.name(root, path)
    if re.match(r"^[a-z]+:", link):
        return
    target, _, anchor = link.partition("#")
    file = (path.parent / target).resolve() if target else path
    if not file.exists():
        yield Finding(here, number, f"links to {link}, which does not exist")
    elif root not in file.parents and file != root:
        yield Finding(here, number, f"links to {link}, outside of the tree")
    elif anchor and file.suffix == ".md" and anchor not in anchors(file):
        yield Finding(here, number, f"links to {link}; the page has no such heading")


def check(root):
    for path in lintlib.files(root, ".md"):
        fenced = False
        for number, line in lintlib.lines(path):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            if fenced:
                continue
            for link in LINK.findall(line):
                yield from check_link(root, path, number, link)
            if path.parent.name == "changes" or path.name == "STYLE.md":
                continue  # changes/ tells what was, STYLE.md shows by examples
            for named in NAMED.findall(line):
                if named.startswith(TOP) and not PLACEHOLDER.search(named) and not (root / named).exists():
                    yield Finding(lintlib.name(root, path), number, f"names {named}, which does not exist")


if __name__ == "__main__":
    lintlib.main(check)
