#!/usr/bin/python3
"""Contract tags in /// comments stand in the order @pre @post @returns @throws @complexity @source and say something."""
import re

import lintlib
from lintlib import Finding

ORDER = ["@pre", "@post", "@returns", "@throws", "@complexity", "@source"]
TAG = re.compile(r"(?<![\w.])(@[a-z]+)\b[ \t]*(.*)")


def check_comment(here, comment):
    """comment: the lines of one run of /// lines."""
    last = -1
    for number, line in comment:
        match = TAG.search(line)
        if not match:
            continue
        tag, rest = match.groups()
        if tag not in ORDER:
            yield Finding(here, number, f"{tag} is no contract tag; the tags are {' '.join(ORDER)}")
            continue
        if not rest.strip():
            yield Finding(here, number, f"{tag} says nothing; leave it out or say it")
        if ORDER.index(tag) < last:
            yield Finding(here, number, f"{tag} stands after {ORDER[last]}; the order is {' '.join(ORDER)}")
        last = max(last, ORDER.index(tag))


def check(root):
    for path in lintlib.files(root, ".hpp", ".cpp"):
        comment: list[tuple[int, str]] = []
        for number, line in [*lintlib.lines(path), (0, "")]:
            if line.lstrip().startswith("///"):
                comment.append((number, line.lstrip()[3:]))
            elif comment:
                yield from check_comment(lintlib.name(root, path), comment)
                comment = []


if __name__ == "__main__":
    lintlib.main(check)
