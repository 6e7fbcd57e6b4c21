#!/usr/bin/python3
"""Holds every #include to layers.toml: direction, no cycle, nothing includes an application, no system header leaks."""
import posixpath
import re

import lintlib
from lintlib import Finding

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
UNBOUND_FOLDERS = ("apps", "bench", "examples", "proofs")  # may include every layer


def cycle(graph: dict[str, list[str]]) -> list[str]:
    """A cycle of the graph, first node repeated at the end; empty when there is none."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return []
        for below in graph.get(node, []):
            found = visit(below, path + [node])
            if found:
                return found
        done.add(node)
        return []
    for start in graph:
        found = visit(start, [])
        if found:
            return found
    return []


def allowed(place: tuple[str, ...], graph: dict[str, list[str]], tests: dict[str, list[str]]) -> set[str] | None:
    """The layers that a file at this path may include; None for all of them."""
    if place[0] == "include" and len(place) > 3:
        layer = place[2]
    elif place[0] in ("src", "tests") and len(place) > 2:
        layer = place[1]
    else:
        return None
    if layer not in graph:
        return None
    reach = {layer, *graph[layer]}
    if place[0] == "tests":
        for extra in [*tests.get("every", []), *tests.get(layer, [])]:
            reach |= {extra, *graph.get(extra, [])}
    return reach


def target_of(root, path, bracket: str, included: str) -> str:
    """The included file's path in the tree as far as it can be told: include/ashlar/..., apps/..., or ''."""
    if included.startswith("ashlar/"):
        return "include/" + included
    if bracket == '"':
        near = posixpath.normpath(posixpath.join(posixpath.dirname(lintlib.name(root, path)), included))
        if (root / near).is_file():
            return near
        for base in ("", "src/", "tests/"):
            if (root / (base + included)).is_file():
                return posixpath.normpath(base + included)
    return ""


def layer_of(target: str) -> str:
    parts = target.split("/")
    if parts[:2] == ["include", "ashlar"] and len(parts) > 3:
        return parts[2]
    return parts[1] if parts[0] == "src" and len(parts) > 2 else ""


def check_include(root, path, configuration, number, bracket, included):
    graph, system = configuration["layers"], configuration.get("system", {})
    place = path.relative_to(root).parts
    target = target_of(root, path, bracket, included)
    here = lintlib.name(root, path)
    if target.startswith("apps/") and place[0] != "apps" and place[:2] != ("tests", "apps"):
        yield Finding(here, number, f"includes {target}, but nothing may include an application")
    if place[0] == "include":
        if not target and not re.fullmatch(r"[a-z_0-9]+", included):
            layer = place[2] if len(place) > 3 else ""
            if not any(included.startswith(prefix) for prefix in system.get(layer, [])):
                yield Finding(here, number, f"public headers include std and ashlar headers only, not {included}; "
                              "layers.toml [system] lists the exceptions")
        if target.count("/") == 2:
            yield Finding(here, number, f"includes the umbrella {included}; include the component instead")
    layer, reach = layer_of(target), allowed(place, graph, configuration.get("tests", {}))
    if layer and layer not in graph:
        yield Finding(here, number, f"includes {included}, but layers.toml has no layer {layer}")
    elif layer and reach is not None and layer not in reach:
        own = place[2] if place[0] == "include" else place[1]
        yield Finding(here, number, f"{own} may not include {layer} (it may include: {', '.join(sorted(reach))})")


def check(root):
    configuration = lintlib.configuration(root)
    graph = configuration.get("layers", {})
    if not graph:
        yield Finding("layers.toml", 1, "there is no [layers] table")
    for layer, below in graph.items():
        for unknown in set(below) - set(graph):
            yield Finding("layers.toml", 1, f"{layer} names {unknown}, which is no layer")
    for layer, more in configuration.get("tests", {}).items():
        for unknown in ({*more, layer} - {"every"}) - set(graph):
            yield Finding("layers.toml", 1, f"[tests] names {unknown}, which is no layer")
    found = cycle(graph)
    if found:
        yield Finding("layers.toml", 1, "the layers have a cycle: " + " -> ".join(found))
    for path in lintlib.files(root, *lintlib.CODE):
        place = path.relative_to(root).parts
        if place[0] in ("include", "src") and len(place) > (3 if place[0] == "include" else 2):
            layer = place[2] if place[0] == "include" else place[1]
            if layer not in graph:
                yield Finding(lintlib.name(root, path), 1, f"layers.toml has no layer {layer}")
        for number, line in lintlib.lines(path):
            match = INCLUDE.match(line)
            if match:
                yield from check_include(root, path, configuration, number, *match.groups())


if __name__ == "__main__":
    lintlib.main(check)
