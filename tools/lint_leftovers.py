#!/usr/bin/python3
"""Nothing is left behind: no reminders without a number, no commented-out code, no machine paths, no old_ names."""
import re

import lintlib
from lintlib import Finding

REMINDER = re.compile(r"\b(TO" r"DO(?!\(#\d+\))|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_./])/(?:work|farm|home/\w+|tmp/[a-z]+|root)/")
OLD_CODE = re.compile(r"^\s*//(?!/)\s*(#\s*(include|if|endif|define)\b|(return|if|for|while|auto|const|std::)\b.*[;{]$|"
                      r"[\w:.>\-\[\]]+\s*(=|\+=|-=)\s*[^=].*;$|[\w:.>\-]+\(.*\);$|}$)")
OLD_NAME = re.compile(r"(^old_|_old\.|_copy\.|_v\d+\.|-new\.|\.orig$|\.rej$|~$)")
READ = (*lintlib.CODE, ".py", ".md", ".cmake", ".txt", ".json", ".toml", ".js", ".sh", ".html", ".css", ".apt", "")


def check(root):
    for path in lintlib.files(root):
        here = lintlib.name(root, path)
        if OLD_NAME.search(path.name):
            yield Finding(here, 1, "the name says that it is a leftover; one file has one lasting name")
        if path.suffix not in READ or here.startswith("tests/lint/"):
            continue
        for number, line in lintlib.lines(path):
            if (match := REMINDER.search(line)) and here not in ("STYLE.md", "CONTRIBUTING.md"):
                yield Finding(here, number, f"{match.group(1)}: settle it, or write the number of its issue: TO" "DO(#12)")
            if MACHINE_PATH.search(line):
                yield Finding(here, number, "names a path of one machine")
            if path.suffix in lintlib.CODE and OLD_CODE.match(line):
                yield Finding(here, number, "commented-out code: version control remembers it")


if __name__ == "__main__":
    lintlib.main(check)
