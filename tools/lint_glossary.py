#!/usr/bin/python3
"""One word per idea: docs/glossary.md lists each word and, in its last column, the words that are not used for it."""
import re

import lintlib
from lintlib import Finding

PAGE = "docs/glossary.md"
READ = (*lintlib.CODE, ".md", ".py", ".js")


def entries(root):
    """(line, word, unwanted words) of every row of the glossary's tables."""
    for number, line in lintlib.lines(root / PAGE):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and not set(cells[0]) <= set("-: ") and cells[0] != "word":
            yield number, cells[0], [w.strip() for w in cells[2].split(",") if w.strip() not in ("", "-")]


def pattern(word: str) -> re.Pattern:
    """The word as a whole, in any case, with its parts joined by a blank, a hyphen or an underscore."""
    parts = [re.escape(part) for part in re.split(r"[ _-]", word)]
    return re.compile(r"(?<![a-z0-9])" + "[ _-]".join(parts) + r"(?:s|es)?(?![a-z0-9])", re.I)


def check(root):
    if not (root / PAGE).is_file():
        yield Finding(PAGE, 1, "the glossary does not exist")
        return
    unwanted, words = [], {}
    for number, word, others in entries(root):
        if word.lower() in words:
            yield Finding(PAGE, number, f"'{word}' has two entries")
        words[word.lower()] = number
        unwanted += [(pattern(other), other, word) for other in others]
    if not unwanted:
        yield Finding(PAGE, 1, "the glossary has no rows of the form | word | meaning | not |")
    for _, other, word in unwanted:
        if other.lower() in words:
            yield Finding(PAGE, words[other.lower()], f"'{other}' is an entry and is unwanted under '{word}'")
    for path in lintlib.files(root, *READ):
        here = lintlib.name(root, path)
        if here == PAGE or here.startswith(("tools/lint_", "tests/lint/")):
            continue
        for number, line in lintlib.lines(path):
            for expression, other, word in unwanted:
                if expression.search(line):
                    yield Finding(here, number, f"says '{other}'; our word is '{word}' ({PAGE})")


if __name__ == "__main__":
    lintlib.main(check)
