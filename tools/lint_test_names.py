#!/usr/bin/python3
"""Test names are sentences: TEST_CASE("component: four words or more", "[folder][component]")."""
import re

import lintlib
from lintlib import Finding

CASE = re.compile(r'\b(?:TEMPLATE_(?:LIST_)?|TEMPLATE_PRODUCT_)?TEST_CASE(?:_SIG)?\(\s*"((?:\\.|[^"\\])*)"\s*(?:,\s*"([^"]*)")?')


def check(root):
    for path in lintlib.files(root, ".cpp", under="tests"):
        if not path.name.endswith("_test.cpp"):
            continue
        here, source = lintlib.name(root, path), lintlib.text(path)
        stem = path.stem.removesuffix("_test")
        for match in CASE.finditer(source):
            number = source.count("\n", 0, match.start()) + 1
            subject, colon, sentence = match.group(1).partition(": ")
            if not colon or len(sentence.split()) < 3:
                yield Finding(here, number, f"'{match.group(1)}' is no sentence of the form 'component: what holds when'")
            tags = re.match(r"\[(\w+)\]\[(\w+)\]", match.group(2) or "")
            if not tags or tags.group(1) != path.parent.name or not (stem + "_").startswith(tags.group(2) + "_"):
                yield Finding(here, number, f"the tags do not begin with [{path.parent.name}][{stem}]")
        if not CASE.search(source):
            yield Finding(here, 1, "holds no test case")


if __name__ == "__main__":
    lintlib.main(check)
