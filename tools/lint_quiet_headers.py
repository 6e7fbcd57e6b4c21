#!/usr/bin/python3
"""Nothing in include/ prints or ends the process: what it has to say is a value, an event or the contract handler's."""
import re

import lintlib
from lintlib import Finding

LOUD = re.compile(r"#\s*include\s*<(iostream|ostream|print|cstdio|syslog\.h)>|"
                  r"\b(?:std::)?(printf|fprintf|puts|fputs|perror|abort|exit|_Exit|quick_exit|terminate)\s*\(")


def check(root):
    for _, path in lintlib.public_headers(root):
        code = lintlib.without_code_noise(lintlib.text(path))
        for number, line in enumerate(code.splitlines(), 1):
            if match := LOUD.search(line):
                yield Finding(lintlib.name(root, path), number, f"'{match.group(1) or match.group(2)}': nothing in include/ "
                              "prints or ends the process")


if __name__ == "__main__":
    lintlib.main(check)
