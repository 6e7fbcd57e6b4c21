#!/usr/bin/python3
"""No test is switched off or asserts nothing: no skips, hidden tags, expected failures or assertions of a constant."""
import re

import lintlib
from lintlib import Finding

IDLE = re.compile(r"DISABLED_|GTEST_SKIP|\bSKIP\s*\(|\bSUCCEED\s*\(|\b(?:CHECK|REQUIRE)(?:_FALSE)?\(\s*(?:true|false)\s*\)|"
                  r"\[!(?:mayfail|shouldfail)\]|\"\[\.|\]\[\.|@unittest\.skip\(|pytest\.mark\.skip|DISABLED\s+TRUE|WILL_FAIL")


def check(root):
    for path in lintlib.files(root, *lintlib.CODE, ".py", ".txt", ".cmake", under="tests"):
        here = lintlib.name(root, path)
        if here == "tests/lint/idle_tests_test.py":
            continue
        for number, line in lintlib.lines(path):
            if match := IDLE.search(line):
                yield Finding(here, number, f"'{match.group(0)}': a test that is switched off or asserts nothing; mend it or remove it")


if __name__ == "__main__":
    lintlib.main(check)
