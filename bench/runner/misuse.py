"""bench/run.py misuse - what each malloc does when a program misuses it: finds it out, faults, or goes on.

Each cell is programs that were stopped of those that were run: one for each size, from a small block to a large one.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys

from . import machine, peers, rounds, table
from .build import PROGRAMS, build

SIZES = {"small": 40, "medium": 6000, "larger": 40000, "large": 300000}
CLASSES = [
    ("interior free", ("interior-free", "unaligned-free", "interior-free-by-thread", "aligned-interior-free")),
    ("stack, static and foreign free", ("stack-free", "static-free", "foreign-free")),
    ("double free, at once", ("double-free", "double-free-by-thread")),
    ("double free, after another", ("double-free-later",)),
    ("realloc of what is not live", ("realloc-freed", "realloc-interior")),
    ("delete with a wrong size", ("mismatched-delete",)),
    ("overflow by 1", ("overflow-1",)),
    ("overflow by 16", ("overflow-16",)),
    ("overflow by a page and more", ("overflow-page",)),
    ("underflow", ("underflow-1", "underflow-16")),
    ("write after free, at the start", ("write-after-free-first",)),
    ("write after free, in the middle", ("write-after-free",)),
    ("read after free", ("read-after-free",)),
]
TIERS = {"ashlar": "guard_samples=0", "ashlar, harden 1": "harden=1,guard_samples=0",
         "ashlar, harden 2": "harden=2,guard_samples=0"}
WORDS = {"found": "stopped and said why", "crashed": "stopped by a fault", "went on": "went on",
         "harmed": "went on, and other blocks were harmed"}


def add_arguments(commands):
    """The command line of `bench/run.py misuse`."""
    p = rounds.add_command(commands, run, "what each malloc makes of misuse")
    p.add_argument("--peers", default=",".join(peers.LIBRARIES), metavar="A,B", help="which mallocs (default: %(default)s)")
    p.add_argument("--costs", metavar="FILE", help="add to the page what `bench/run.py hardening --json` wrote there")


def run(arguments):
    """0: what peers let pass is no failure of ours."""
    found = peers.chosen(arguments.peers)
    build()
    result = {"machine": machine.describe(), "mallocs": {}, "cells": {}}
    for name, library, options in _mallocs(found):
        print(f"bench: misuse under {name}", file=sys.stderr)
        result["mallocs"][name] = options
        for title, cases in CLASSES:
            result["cells"].setdefault(title, {})[name] = [
                outcome(library, options, case, size) for case in cases for size in SIZES.values()]
    print(as_text(result))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1))
    if arguments.markdown:
        costs = json.loads(pathlib.Path(arguments.costs).read_text()) if arguments.costs else None
        pathlib.Path(arguments.markdown).write_text(as_markdown(result, costs))
    return 0


def _mallocs(found):
    for peer in found:
        if peer.name == peers.OURS:
            yield from ((name, peer.library, options) for name, options in TIERS.items())
        else:
            yield peer.name, peer.library, ""


def outcome(library, options, case, size):
    """One of WORDS."""
    environment = {**os.environ, "LD_PRELOAD": library, "ASHLAR_OPTIONS": options, "LIBC_FATAL_STDERR_": "1"}
    try:
        done = subprocess.run([str(PROGRAMS / "misuses"), case, str(size)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "harmed"  # a list that leads into itself
    if done.returncode == 0:
        return done.stdout.decode().strip() or "harmed"
    told = done.returncode == -signal.SIGABRT or done.stderr.strip() or done.returncode == 1
    return "found" if told else "crashed"


def _rows(result):
    for title, cells in result["cells"].items():
        yield [title, *(_cell(outcomes) for outcomes in cells.values())]


def _cell(outcomes):
    """What was found of all; then faults and harm where there were some."""
    counts = {word: outcomes.count(word) for word in WORDS}
    words = [f"{counts['found']} of {len(outcomes)}"]
    words += [f"{counts['crashed']} faults"] if counts["crashed"] else []
    words += [f"{counts['harmed']} harmed"] if counts["harmed"] else []
    return ", ".join(words)


def as_text(result):
    return table.text(["misuse", *result["mallocs"]], list(_rows(result)))


def as_markdown(result, costs):
    sizes = ", ".join(str(s) for s in SIZES.values())
    page = f"""# What misuse comes to{", and what finding it costs" if costs else ""}

`./dev bench misuse --markdown FILE`. {machine.sentence(result["machine"])}. Each cell: programs that were stopped with
a message, of all that were run (blocks of {sizes} bytes; some misuses in several ways); *faults* were stopped by a signal and
no word; *harmed*: the program went on, and blocks that it holds were changed or overlap. The rest went on unharmed as
far as it could tell. `guard_samples` is off here: what it finds is a matter of chance.

{table.markdown(["misuse", *result["mallocs"]], list(_rows(result)))}
"""
    if costs:
        from . import hardening
        page += "\n" + hardening.section(costs)
    return page
