"""bench/run.py edges - what each malloc answers at its edges, beside the rules of docs/malloc.md."""
import json
import os
import pathlib
import subprocess
import sys

from . import machine, peers, rounds, table
from .build import PROGRAMS, build


def add_arguments(commands):
    """The command line of `bench/run.py edges`."""
    p = rounds.add_command(commands, run, "what each malloc answers at its edges")
    p.add_argument("--peers", default=",".join(peers.LIBRARIES), metavar="A,B", help="which mallocs (default: %(default)s)")


def run(arguments):
    """0 unless ours breaks a rule."""
    found = peers.chosen(arguments.peers)
    build("bench-edges")
    result = {"machine": machine.describe(), "mallocs": {p.name: p.version for p in found}, "answers": {}}
    for peer in found:
        for question, answer in answers(peer):
            result["answers"].setdefault(question, {})[peer.name] = answer
    print(table.text(*cells(result, plain=True)))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(as_markdown(result))
    broken = [q for q, by_name in result["answers"].items() if by_name.get(peers.OURS, "").startswith("!")]
    for question in broken:
        print(f"bench: ours breaks its rule: {question}", file=sys.stderr)
    return 1 if broken else 0


def answers(peer):
    """[question, answer] as the program tells them."""
    environment = {**os.environ, "LD_PRELOAD": peer.library, "ASHLAR_OPTIONS": peer.options, "LIBC_FATAL_STDERR_": "1"}
    done = subprocess.run([str(PROGRAMS / "edges")], stdout=subprocess.PIPE, env=environment, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: the questions themselves fail under {peer.name}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def cells(result, plain):
    """(header, rows); what breaks a rule is marked."""
    names = list(result["mallocs"])
    shown = (lambda a: a) if plain else (lambda a: f"**{a[1:]}**" if a.startswith("!") else a)
    rows = [[question, *(shown(by_name[name]) for name in names)] for question, by_name in result["answers"].items()]
    broken = [sum(by_name[name].startswith("!") for by_name in result["answers"].values()) for name in names]
    return ["asked", *names], [*rows, ["rules broken", *map(str, broken)]]


def as_markdown(result):
    versions = ", ".join(f"{name} {version}" for name, version in result["mallocs"].items())
    return f"""# What each malloc answers at its edges

`./dev bench edges --markdown FILE`. {machine.sentence(result["machine"])}. {versions}.
Each question is asked in a process of its own (`bench/faults/edges.cpp`). In **bold** what breaks a rule of [the malloc's edges](../../malloc.md#the-edges);
those rules are ours, stricter than the standards in places: C leaves `realloc(p, 0)` to the library, and POSIX lets
`posix_memalign` change `errno`. *abort*: the program was ended with a word; the rule is that misuse is told.
The last three rows ask of the lives of threads and processes. How the address space comes back after it was all taken: `./dev bench faults`.

{table.markdown(*cells(result, plain=False))}
"""
