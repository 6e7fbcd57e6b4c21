#!/usr/bin/python3
"""CHANGELOG.md has an Unreleased section; what is unreleased stands in changes/, one small file per change."""
import re

import lintlib
from lintlib import Finding

RELEASE = re.compile(r"^## \d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}$")


def check(root):
    page = root / "CHANGELOG.md"
    if not page.is_file():
        yield Finding("CHANGELOG.md", 1, "does not exist")
        return
    headings = [(number, line) for number, line in lintlib.lines(page) if line.startswith("## ")]
    if not headings or headings[0][1] != "## Unreleased":
        yield Finding("CHANGELOG.md", headings[0][0] if headings else 1, "the first section is not '## Unreleased'")
    for number, line in headings[1:]:
        if not RELEASE.match(line):
            yield Finding("CHANGELOG.md", number, "a release is headed '## 1.2.3 - 2026-01-31'")
    told = lintlib.text(page)
    for path in lintlib.files(root, ".md", under="changes"):
        content = lintlib.text(path)
        told += content
        if not re.fullmatch(r"- \S[^\n]*\.\n(  \S[^\n]*\n)*|- \S[^\n]*\n(  \S[^\n]*\n)+", content):
            yield Finding(lintlib.name(root, path), 1, "is not one list item: '- sentence.', continued lines indented by two")
    for layer, path in lintlib.public_headers(root):
        if layer == "strategy" and lintlib.is_allocator(path) and not re.search(rf"\b{re.escape(path.stem)}\b", told):
            yield Finding(lintlib.name(root, path), 1, f"changes/ has no line about {layer}/{path.stem}")


if __name__ == "__main__":
    lintlib.main(check)
