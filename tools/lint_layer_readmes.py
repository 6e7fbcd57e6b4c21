#!/usr/bin/python3
"""Every layer folder that exists has a README.md of at most 80 lines that names each of its components."""
import lintlib
from lintlib import Finding

LIMIT = 80


def check(root):
    layers: dict[str, list] = {}
    for layer, path in lintlib.public_headers(root):
        if layer:
            layers.setdefault(layer, []).append(path)
    for layer, headers in layers.items():
        page = root / "include" / "ashlar" / layer / "README.md"
        here = lintlib.name(root, page)
        if not page.is_file():
            yield Finding(here, 1, f"layer {layer} has no README.md")
            continue
        content = lintlib.text(page)
        count = len(content.splitlines())
        if count > LIMIT:
            yield Finding(here, LIMIT, f"{count} lines; a layer's README has at most {LIMIT}")
        if not content.startswith(f"# {layer}"):
            yield Finding(here, 1, f"does not begin with '# {layer}'")
        for header in headers:
            if header.name not in content:
                yield Finding(here, 1, f"does not name {header.name}")


if __name__ == "__main__":
    lintlib.main(check)
