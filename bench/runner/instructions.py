"""bench/run.py instructions - instructions per operation of every malloc, counted by callgrind.

The counts are exact and do not depend on what else the machine does; they say nothing of cache misses. Start-up and
warm-up are not counted; the loop and the call itself are subtracted.
"""
import os
import re
import subprocess
import sys

from . import machine, peers, report, rounds
from .build import PROGRAMS, build
from .workloads import system_program

# operation, sizes, what the row is called. Each bracket that is counted is one malloc, one free, or one of both.
OPERATIONS = [
    ("malloc", (16, 64, 1024), "malloc"),
    ("free", (16, 64, 1024), "free"),
    ("delete", (64,), "delete"),
    ("sized_delete", (64,), "sized delete"),
    ("pair", (8, 64, 1024, 8192, 65536, 1 << 20), "malloc and free"),
    ("batch", (16, 256, 4096), "malloc and free, a thousand held"),
    ("calloc", (64,), "calloc and free"),
    ("realloc", (64,), "malloc, realloc to twice and free"),
    ("aligned", (256,), "aligned_alloc(64) and free"),
]
BASE = {"malloc": "nothing_half", "free": "nothing_half", "delete": "nothing_half", "sized_delete": "nothing_half",
        "batch": None}
COUNT = 4000  # a multiple of the batch's thousand


def add_arguments(commands):
    """The command line of `bench/run.py instructions`."""
    p = rounds.add_command(commands, run, "instructions per malloc and free")
    p.add_argument("--peers", default=",".join(peers.LIBRARIES), metavar="A,B", help="default: %(default)s")
    p.add_argument("--add", action="append", default=[], metavar="NAME=PATH", help="another library as well")
    p.add_argument("--only", default="", metavar="A,B", help=f"operations, of {', '.join(o for o, _, _ in OPERATIONS)}")


def run(arguments):
    """0 when everything was counted."""
    if not system_program("valgrind"):
        sys.exit("bench: valgrind is not installed, and only it can count instructions")
    found = peers.chosen(arguments.peers, arguments.add)
    operations = [o for o in OPERATIONS if not arguments.only or o[0] in arguments.only.split(",")]
    if not operations:
        sys.exit(f"bench: no such operation; known are {', '.join(o for o, _, _ in OPERATIONS)}")
    build()
    bases = {base: _each(base, 1, found[0]) for base in ("nothing", "nothing_half")}
    rows = []
    for name, sizes, title in operations:
        for size in sizes:
            if sys.stderr.isatty():
                print(f"\r\033[K{title}, {size} bytes", end="", file=sys.stderr, flush=True)
            base = bases.get(BASE.get(name, "nothing"), 0)
            rows.append([f"{title}, {size} B", *(round(_each(name, size, p) - base, 1) for p in found)])
    print("", file=sys.stderr)
    _show(found, rows, arguments)
    return 0


def _each(operation, size, peer):
    """Instructions per operation, brackets included."""
    command = [system_program("valgrind"), "--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null",
               str(PROGRAMS / "operations"), operation, str(size), str(COUNT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env={**os.environ, "LD_PRELOAD": peer.library})
    found = re.search(r"Collected : (\d+)", done.stdout)
    if done.returncode == 77:
        sys.exit("bench: the programs were built without valgrind/callgrind.h; install valgrind and build again")
    if done.returncode != 0 or not found:
        sys.exit(f"bench: {operation} under {peer.name} failed in valgrind:\n{done.stdout[-2000:]}")
    return int(found.group(1)) / COUNT


def _show(found, rows, arguments):
    header = ["instructions per operation", *(p.name for p in found)]
    shown = [[row[0], *(f"{v:.0f}" for v in row[1:])] for row in rows]
    counts = {row[0]: dict(zip((p.name for p in found), row[1:])) for row in rows}
    report.tell(arguments, machine.sentence(), [("Instructions of each malloc", header, shown)], counts)
