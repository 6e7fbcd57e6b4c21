#!/usr/bin/python3
"""Every public header has its test: tests/<layer>/<name>_test.cpp, which includes the header and is named by it."""
import re

import lintlib
from lintlib import Finding


def with_support(test) -> str:
    """The test's text and that of the headers beside it that it includes."""
    source = lintlib.text(test)
    beside = [test.parent / named for named in re.findall(r'#include "([^"]+)"', source)]
    return source + "".join(lintlib.text(path) for path in beside if path.is_file())


def check(root):
    for layer, path in lintlib.public_headers(root):
        here = lintlib.name(root, path)
        inside = path.relative_to(root / "include" / "ashlar")
        test = root / "tests" / inside.with_name(inside.stem + "_test.cpp")
        test_name = lintlib.name(root, test)
        if not test.is_file():
            yield Finding(here, 1, f"has no test {test_name}")
            continue
        if f'ashlar/{inside.as_posix()}' not in with_support(test):
            yield Finding(test_name, 1, f"does not include ashlar/{inside.as_posix()}")
        number, values = lintlib.comment_keys(path).get("Checked by", (1, []))
        if test_name not in " ".join(value for _, value in values):
            yield Finding(here, number, f"'Checked by:' does not name {test_name}")


if __name__ == "__main__":
    lintlib.main(check)
