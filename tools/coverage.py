#!/usr/bin/python3
"""Tells which branches of each layer's headers and sources the unit tests of that layer took: ./dev coverage [LAYER...].

gcov counts for each instantiation of a template; a branch counts as taken if it was taken in one of them. Left out are branches that
lead to an exception of the C++ runtime; lines of contracts and invariants, and functions that tell whether the invariants hold, whose
failing side no right program takes. The tree inlines nothing: gcov would count each copy of a function as branches of its own.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

import lintlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
LEFT_OUT = re.compile(r"\bASHLAR_(PRE|POST|INVARIANT|UNREACHABLE|ASSERT)\b|std::unreachable|static_assert|ASHLAR_ALWAYS")


def counted(tree, layer):
    """{file: {line: [[taken of each branch] of each instantiation]}}, {file: {line: times}}: of one layer's test program."""
    branches = collections.defaultdict(lambda: collections.defaultdict(list))
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    ours = re.compile(rf"(?:^|/)((?:include/ashlar|src)/{layer}/[\w/.]+)$")
    folders = [tree / f"tests/CMakeFiles/test-{layer}.dir", tree / f"CMakeFiles/ashlar-{layer}.dir"]
    for data in sorted(d for folder in folders if folder.exists() for d in folder.rglob("*.gcda")):
        done = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", str(data)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True, cwd=data.parent)
        for document in done.stdout.splitlines():
            for file in json.loads(document)["files"]:
                found = ours.search(file["file"])  # by its end: what stands before depends on how it was compiled
                if found is None:
                    continue
                name = found[1]
                for line in file["lines"]:
                    lines[name][line["line_number"]] += line["count"]
                    taken = [b["count"] for b in line["branches"] if not b["throw"]]
                    if taken:
                        branches[name][line["line_number"]].append(taken)
    return branches, lines


def merged(instances):
    """[taken or not] of a line: of instantiations that have the same branches one is enough."""
    by_shape = collections.defaultdict(list)
    for taken in instances:
        by_shape[len(taken)].append(taken)
    widest = max(by_shape)  # what an instantiation leaves out at compile time, another has
    return [any(column) for column in zip(*by_shape[widest])]


def measured(tree, layer):
    """{branches, taken, lines, run, missed: [(file, line, text, taken, all)]} of a layer."""
    branches, lines = counted(tree, layer)
    result = {"branches": 0, "taken": 0, "lines": 0, "run": 0, "missed": []}
    for name, by_line in sorted(lines.items()):
        whole = (ROOT / name).read_text()
        text, checks = whole.splitlines(), lintlib.lines_of_self_checks(whole)
        for number, times in sorted(by_line.items()):
            source = text[number - 1] if number <= len(text) else ""
            if number in checks or LEFT_OUT.search(source):
                continue
            result["lines"] += 1
            result["run"] += times > 0
            taken = merged(branches[name][number]) if branches[name].get(number) else []
            result["branches"] += len(taken)
            result["taken"] += sum(taken)
            if not all(taken) or times == 0:
                result["missed"].append((name, number, source.strip(), sum(taken), len(taken)))
    return result


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def as_markdown(results):
    rows = "".join(f"| {layer} | {r['run']} of {r['lines']} | {percent(r['run'], r['lines'])} | {r['taken']} of {r['branches']} | "
                   f"{percent(r['taken'], r['branches'])} |\n" for layer, r in results.items())
    page = f"""# Which branches the unit tests take

`./dev coverage {" ".join(results)} --markdown FILE`, by g++'s `--coverage` without optimisation: each layer by its own tests alone, `tests/<layer>/`.
Nothing is inlined, for gcov would count each copy of a function anew. A branch of a template counts as taken if one instantiation took it.
Left out: branches into exceptions of the C++ runtime, lines of contracts and invariants, and functions that tell whether the invariants
hold (`consistent`), whose failing side no right program takes.

| layer | lines run | | branches taken | |
|---|---:|---:|---:|---:|
{rows}
"""
    for layer, r in results.items():
        page += f"\n## {layer}: not all taken\n\n" + "".join(
            f"- `{name}:{number}`, {taken} of {of}: `{text[:110].replace('`', ' ')}`\n" for name, number, text, taken, of in r["missed"])
    return page


def main():
    parser = argparse.ArgumentParser(prog="./dev coverage", description=__doc__)
    parser.add_argument("layers", nargs="*", metavar="LAYER")
    parser.add_argument("--tree", default=str(ROOT / "out/build/coverage"), help="the build tree, whose tests have run")
    parser.add_argument("--markdown", metavar="FILE", help="write the page")
    arguments = parser.parse_args()
    results = {layer: measured(pathlib.Path(arguments.tree), layer) for layer in arguments.layers}
    for layer, r in results.items():
        if not r["lines"]:
            sys.exit(f"coverage: nothing was counted of {layer}; have its tests run?")
        print(f"{layer:12} lines {percent(r['run'], r['lines']):>8}   branches {percent(r['taken'], r['branches']):>8} "
              f"({r['taken']} of {r['branches']})")
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(as_markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
