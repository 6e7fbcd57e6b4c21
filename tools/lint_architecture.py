#!/usr/bin/python3
"""The table of layers in ARCHITECTURE.md says what layers.toml says."""
import re

import lintlib
from lintlib import Finding

PAGE = "ARCHITECTURE.md"
ROW = re.compile(r"^\| ([a-z]+) \| ([a-z, -]*) \| .+ \|$")


def check(root):
    graph = lintlib.configuration(root).get("layers", {})
    if not (root / PAGE).is_file():
        yield Finding(PAGE, 1, "does not exist")
        return
    rows, inside = {}, False
    for number, line in lintlib.lines(root / PAGE):
        inside = line.startswith("|") and (inside or line.startswith("| layer | may include |"))
        match = ROW.match(line) if inside else None
        if match and match.group(1) != "layer":
            rows[match.group(1)] = (number, re.findall(r"[a-z]+", match.group(2)))
    for layer, below in graph.items():
        if layer not in rows:
            yield Finding(PAGE, 1, f"the table of layers lacks {layer}")
        elif rows[layer][1] != below:
            yield Finding(PAGE, rows[layer][0], f"layers.toml lets {layer} include: {', '.join(below) or '-'}")
    for layer, (number, _) in rows.items():
        if layer not in graph:
            yield Finding(PAGE, number, f"layers.toml has no layer {layer}")


if __name__ == "__main__":
    lintlib.main(check)
