#!/usr/bin/python3
"""Every public header opens with the block of STYLE.md: its path and purpose, then the keys in their order."""
import re

import lintlib
from lintlib import Finding

ORDER = ["Layer", "Source", "Picture", "Complexity", "Failure", "Threads", "Invariants", "Checked by", "Long"]
ALWAYS = ["Layer", "Complexity", "Failure", "Threads", "Checked by"]
# An algorithm has an origin and invariants: the allocators of the layers that hold algorithms must name them.
ALSO = {"strategy": ["Source", "Invariants"], "gc": ["Source", "Invariants"]}


def check_keys(here, also, keys):
    for key, (number, _) in keys.items():
        if key not in ORDER:
            yield Finding(here, number, f"unknown key '{key}:'; the keys are {', '.join(ORDER)}")
    known = [key for key in keys if key in ORDER]
    if known != sorted(known, key=ORDER.index):
        yield Finding(here, keys[known[0]][0], f"keys stand in this order: {', '.join(k for k in ORDER if k in known)}")
    for key in ALWAYS + also:
        if key not in keys:
            yield Finding(here, 1, f"the opening comment lacks '{key}:'")
        elif not any(value for _, value in keys[key][1]):
            yield Finding(here, keys[key][0], f"'{key}:' says nothing")


def check_header(root, layer, path):
    here = lintlib.name(root, path)
    block = lintlib.opening_comment(path)
    expected = here.removeprefix("include/")
    if not block or not re.match(rf"^ {re.escape(expected)} - \S.*[.]$", block[0][1]):
        yield Finding(here, 1, f"the first line is not '// {expected} - one sentence.'")
        return
    keys = lintlib.comment_keys(path)
    yield from check_keys(here, ALSO.get(layer, []) if lintlib.is_allocator(path) else [], keys)
    if "Layer" in keys and keys["Layer"][1][0][1] != layer:
        yield Finding(here, keys["Layer"][0], f"'Layer:' says {keys['Layer'][1][0][1]}, the folder says {layer}")
    after = [line for number, line in lintlib.lines(path) if number > len(block) and line.strip()]
    if not after or after[0] != "#pragma once":
        yield Finding(here, len(block) + 1, "#pragma once does not follow the opening comment")


def opens_well(path) -> bool:
    """A comment says what the file is; or its header does, included first; or the header that the test mirrors."""
    first = lintlib.text(path).partition("\n")[0]
    own_header = rf'#include ["<](\S*/)?{re.escape(path.stem)}\.hpp[">]'
    return first.startswith("// ") or re.fullmatch(own_header, first) is not None or path.name.endswith("_test.cpp")


def check(root):
    for layer, path in lintlib.public_headers(root):
        if layer:
            yield from check_header(root, layer, path)
        else:
            yield Finding(lintlib.name(root, path), 1, "a header stands in the folder of its layer")
    for under in ("src", "apps", "tests", "bench", "examples"):
        for path in lintlib.files(root, ".cpp", ".hpp", under=under):
            if not opens_well(path):
                yield Finding(lintlib.name(root, path), 1, "the file does not open with a comment that says what it is")


if __name__ == "__main__":
    lintlib.main(check)
