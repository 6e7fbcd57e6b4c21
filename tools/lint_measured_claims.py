#!/usr/bin/python3
"""Measure before claiming: a comment or page that calls something of ours fast or faster names the benchmark beside it."""
import re

import lintlib
from lintlib import Finding

CLAIM = re.compile(r"\b(fast(?:er|est)?)\b(?![ -](?:path|bin|pool|memory|tier))", re.I)
EVIDENCE = re.compile(r"bench/|docs/benchmarks|\./dev bench")
QUOTED = re.compile(r"\"[^\"]*\"|`[^`]*`")


def paragraphs(path):
    """Runs of comment lines of code, or of text lines of a page, as (line, text) lists; Source: keys are titles, not claims."""
    run, source = [], False
    for number, line in [*lintlib.lines(path), (0, "")]:
        comment = re.match(r"^\s*///?(.*)$", line) if path.suffix != ".md" else re.match(r"^(.*\S.*)$", line)
        if comment:
            body = comment.group(1)
            key = lintlib.KEY.match(body)
            source = bool(key and key.group(1) == "Source") or (source and not key and body.startswith("    "))
            if not source:
                run.append((number, body))
        elif run:
            yield run
            run, source = [], False


def check(root):
    for path in lintlib.files(root, *lintlib.CODE, ".md"):
        here = lintlib.name(root, path)
        if here.startswith(("bench/", "docs/benchmarks", "STYLE.md", "CONTRIBUTING.md")):
            continue
        for run in paragraphs(path):
            whole = " ".join(line for _, line in run)
            if EVIDENCE.search(whole) or not CLAIM.search(QUOTED.sub("", whole)):
                continue
            for number, line in run:
                if match := CLAIM.search(QUOTED.sub("", line)):
                    yield Finding(here, number, f"'{match.group(1)}' without its benchmark in the same paragraph (bench/... or docs/benchmarks)")


if __name__ == "__main__":
    lintlib.main(check)
