#!/usr/bin/python3
"""Misuse fails to compile: each tests/must_not_compile/<layer>/*.cpp fails with the diagnostic that it expects, and
compiles once the misuse is taken out by -DASHLAR_FIXED."""
import re

import compiling
import lintlib
from lintlib import Finding

EXPECT = re.compile(r"^// expect: (.+)$", re.M)


def check(root):
    units, expected = [], {}
    for path in lintlib.files(root, ".cpp", under="tests/must_not_compile"):
        here, source = lintlib.name(root, path), lintlib.text(path)
        found = EXPECT.search(source)
        if not found:
            yield Finding(here, 1, "has no line '// expect: <regular expression of the diagnostic>'")
            continue
        if "ASHLAR_FIXED" not in source:
            yield Finding(here, 1, "has no branch for ASHLAR_FIXED, the same without the misuse")
            continue
        copy = compiling.write(compiling.workspace(root, "must_not_compile") / here.replace("/", "-"),
                               f'#include "{path}"\n')
        expected[copy] = (here, found.group(1).strip())
        for compiler in compiling.compilers():
            units += [compiling.Unit("misuse", compiler, copy), compiling.Unit("fixed", compiler, copy, ["-DASHLAR_FIXED"])]
    for outcome in compiling.compile_all(root, units):
        here, diagnostic = expected[outcome.unit.file]
        by = f"by {outcome.unit.compiler}"
        if outcome.unit.label == "fixed":
            if not outcome.succeeded:
                yield Finding(here, 1, f"does not compile {by} without the misuse: {compiling.first_error(outcome.output)}")
        elif outcome.succeeded:
            yield Finding(here, 1, f"compiles {by}, and must not")
        elif not re.search(diagnostic, outcome.output):
            yield Finding(here, 1, f"fails {by} without '{diagnostic}'; it says: {compiling.first_error(outcome.output)}")


if __name__ == "__main__":
    lintlib.main(check)
