#!/usr/bin/python3
"""docs_index.py ROOT OUT: writes the index of all that is written down, derived from the tree: pages, decisions, the
layers with their components and what each is, the invariants, and what is unreleased."""
import os
import pathlib
import sys

import lintlib


def title_of(path: pathlib.Path) -> str:
    for _, line in lintlib.lines(path):
        if line.startswith("# "):
            return line[2:].strip()
    return path.name


def link(root, out, path) -> str:
    return f"[{title_of(path)}]({os.path.relpath(path, out.parent)})"


def pages(root, out):
    yield "## Pages"
    for path in lintlib.files(root, ".md"):
        parts = path.relative_to(root).parts
        if parts[0] not in ("changes", "include") and "decisions" not in parts:
            yield f"- {link(root, out, path)} - `{lintlib.name(root, path)}`"
    yield "\n## Decisions"
    for path in lintlib.files(root, ".md", under="docs/decisions"):
        yield f"- {link(root, out, path)}"


def components(root, out):
    graph = lintlib.configuration(root).get("layers", {})
    by_layer: dict[str, list] = {}
    for layer, path in lintlib.public_headers(root):
        by_layer.setdefault(layer, []).append(path)
    yield "\n## Layers and components"
    for layer, below in graph.items():
        if layer not in by_layer:
            continue
        yield f"\n### {layer} (may include: {', '.join(below) or 'std only'})\n"
        yield "| component | what it does | costs |\n|---|---|---|"
        for path in by_layer[layer]:
            purpose = lintlib.opening_comment(path)[0][1].partition(" - ")[2]
            cost = " ".join(v for _, v in lintlib.comment_keys(path).get("Complexity", (0, []))[1])
            yield f"| [{path.stem}]({os.path.relpath(path, out.parent)}) | {purpose} | {cost} |".replace("||", "\\|\\|")


def invariants(root):
    yield "\n## Invariants\n"
    for _, path in lintlib.public_headers(root):
        for _, value in lintlib.comment_keys(path).get("Invariants", (0, []))[1]:
            yield f"- {value}" if value.startswith(path.stem + ".") else f"  {value}"


def unreleased(root):
    yield "\n## Unreleased changes\n"
    for path in lintlib.files(root, ".md", under="changes"):
        yield lintlib.text(path).rstrip()


def main() -> None:
    root, out = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    parts = ["# Everything that is written down\n\nWritten by `./dev docs`; do not edit.\n",
             *pages(root, out), *components(root, out), *invariants(root), *unreleased(root)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
