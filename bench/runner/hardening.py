"""bench/run.py hardening - what the tiers of checks and the guarded blocks cost real programs, in interleaved rounds."""
import dataclasses
import json
import os
import pathlib
import sys

from . import figures, launch, machine, peers, rounds, table, workloads
from .build import ROOT, build

HARDENED = ROOT / "out" / "lib" / "libashlar-malloc-hardened.so"
VARIANTS = {"none": "guard_samples=0", "default": "", "hardened": "", "harden = 1": "harden=1", "harden = 2": "harden=2"}
PROGRAMS = ("compiler", "python", "lua", "sqlite", "redis")
QUANTITIES = {"CPU time": ("cpu", figures.median), "CPU time, the least of the rounds": ("cpu", min), "peak RSS": ("max_rss_kib", figures.median)}


def add_arguments(commands):
    """The command line of `bench/run.py hardening`."""
    p = rounds.add_command(commands, run, "what the tiers of checks cost", 5)
    p.add_argument("--scale", type=float, default=.5, help="times the usual work (default %(default)s)")
    p.add_argument("--only", default=",".join(PROGRAMS), metavar="A,B", help="these workloads (default: %(default)s)")
    p.add_argument("--timeout", type=int, default=120, help="seconds that one run may take (default %(default)s)")


def run(arguments):
    """0 when every program ran under every tier."""
    ours = peers.chosen(peers.OURS)[0]
    build()
    names = arguments.only.split(",")
    every = {w.name: w for w in workloads.every(arguments.scale, len(os.sched_getaffinity(0)))}
    chosen = [every[n] for n in names if n in every and not every[n].missing()]
    runs = {w.name: {v: [] for v in VARIANTS} for w in chosen}
    for turn in range(arguments.rounds):
        for workload in chosen:
            order = list(VARIANTS)[turn % len(VARIANTS):] + list(VARIANTS)[:turn % len(VARIANTS)]
            for variant in order:
                library = str(HARDENED) if variant == "hardened" else ours.library
                cost = launch.once(workload, dataclasses.replace(ours, library=library, options=VARIANTS[variant]), arguments.timeout)
                runs[workload.name][variant].append({"cpu": cost["user"] + cost["sys"], "max_rss_kib": cost["max_rss_kib"]})
        print(f"bench: round {turn + 1} of {arguments.rounds}", file=sys.stderr)
    result = {"machine": machine.describe(), "rounds": arguments.rounds, "scale": arguments.scale, "runs": runs}
    for title in QUANTITIES:
        print(f"{title} over that without any of it\n" + table.text(["program", *VARIANTS], rows(result, title)) + "\n")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(as_markdown(result))
    return 0


def rows(result, title):
    """A row for each program: over the figure without any of it; the last is the geometric mean."""
    key, of_all = QUANTITIES[title]
    made = []
    for name, variants in result["runs"].items():
        known = {v: of_all([r[key] for r in each]) for v, each in variants.items()}
        made.append([name, *(known[v] / known["none"] for v in VARIANTS)])
    means = [figures.geometric_mean([row[i] for row in made]) for i in range(1, len(VARIANTS) + 1)]
    return [*made, ["geometric mean", *means]]


def as_markdown(result):
    """The page."""
    text = f"""# What the tiers of checks cost programs

`./dev bench hardening --rounds {result["rounds"]} --scale {result["scale"]}`: medians of interleaved rounds, over the first
column, which is `harden = 0, guard_samples = 0`. *default* has guarded blocks; *hardened* is `libashlar-malloc-hardened.so`,
`harden = 1` the same checks in the usual library.
"""
    for title in QUANTITIES:
        text += f"\n**{title}**\n\n{table.markdown(['program', *VARIANTS], rows(result, title))}\n"
    return text
