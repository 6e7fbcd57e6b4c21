"""bench/run.py instructions - instructions per operation of every malloc, counted by callgrind.

The counts are exact and do not depend on what else the machine does; they say nothing of cache misses. Start-up and
warm-up are not counted; the loop and the call itself are subtracted. `bench/run.py malloc` prints the same table.
"""
import os
import re
import subprocess
import sys
import tempfile

from . import machine, peers, report, rounds
from .build import PROGRAMS, build
from .workloads import system_program

KIB = 1024
# operation, sizes, what the row is called. Each bracket that is counted is one malloc, one free, or one of both.
OPERATIONS = [
    ("malloc", (16, 64, KIB, 8 * KIB, 64 * KIB), "malloc"),
    ("free", (16, 64, KIB, 8 * KIB, 64 * KIB), "free"),
    ("new", (64,), "new"),
    ("delete", (64,), "delete"),
    ("sized_delete", (64, KIB), "sized delete"),
    ("calloc", (64, KIB), "calloc"),
    ("realloc_in_place", (64, KIB, 64 * KIB), "realloc in place, an eighth less and more"),
    ("realloc", (64,), "malloc, realloc to twice and free"),
    ("aligned", (256,), "aligned_alloc(64) and free"),
    ("pair", (64, KIB * KIB), "malloc and free"),
    ("batch", (16, 256, 4 * KIB), "malloc and free, a thousand held"),
    ("malloc_remote", (64, KIB), "malloc, a thousand that another thread frees"),
    ("free_remote", (64, KIB), "remote free, of a thousand"),
    ("free_only", (64,), "remote free, by a thread that only frees"),
]
HALF, WHOLE = "nothing_half", "nothing"
BASE = {"realloc": WHOLE, "aligned": WHOLE, "pair": WHOLE,
        "batch": None, "malloc_remote": None, "free_remote": None, "free_only": None}  # else one call: HALF
COUNT = 4000  # a multiple of the batch's thousand


def add_arguments(commands):
    """The command line of `bench/run.py instructions`."""
    p = rounds.add_command(commands, run, "instructions per malloc and free")
    p.add_argument("--peers", default=",".join(peers.LIBRARIES), metavar="A,B", help="default: %(default)s")
    p.add_argument("--add", action="append", default=[], metavar="NAME=PATH", help="another library as well")
    p.add_argument("--only", default="", metavar="A,B", help=f"operations, of {', '.join(o for o, _, _ in OPERATIONS)}")


def run(arguments):
    """0 when everything was counted."""
    if not countable():
        sys.exit("bench: valgrind is not installed, and only it can count instructions")
    found = peers.chosen(arguments.peers, arguments.add)
    operations = [o for o in OPERATIONS if not arguments.only or o[0] in arguments.only.split(",")]
    if not operations:
        sys.exit(f"bench: no such operation; known are {', '.join(o for o, _, _ in OPERATIONS)}")
    build()
    counts = count(found, operations)
    header, rows = report.instruction_rows(counts, [p.name for p in found])
    report.tell(arguments, machine.sentence(), [(report.INSTRUCTIONS, header, rows)], counts)
    return 0


def countable():
    """Whether there is a valgrind."""
    return system_program("valgrind") is not None


def count(found, operations=tuple(OPERATIONS)):
    """{row: {peer: instructions}}. One run of valgrind for each peer, a forked process in it for each operation."""
    counts = {}
    for peer in found:
        if sys.stderr.isatty():
            print(f"\r\033[Kcounting instructions: {peer.name}", end="", file=sys.stderr, flush=True)
        collected = _collected(peer, operations)
        for name, sizes, title in operations:
            base = collected.get((BASE.get(name, HALF), 1), 0)
            for size in sizes:
                counts.setdefault(f"{title}, {_bytes(size)}", {})[peer.name] = round(collected[name, size] - base, 1)
    if sys.stderr.isatty():
        print("", file=sys.stderr)
    return counts


def _bytes(size):
    return f"{size} B" if size < KIB else f"{size // KIB} KiB" if size < KIB * KIB else f"{size // KIB // KIB} MiB"


def _collected(peer, operations):
    """{(operation, size): instructions of one, brackets included}."""
    wanted = [(HALF, 1), (WHOLE, 1), *((name, size) for name, sizes, _ in operations for size in sizes)]
    with tempfile.TemporaryFile("w+") as log:  # a file, not a pipe: the processes write to it at their own places
        command = [system_program("valgrind"), "--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null",
                   str(PROGRAMS / "operations"), str(COUNT), *(f"{name}:{size}" for name, size in wanted)]
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "LD_PRELOAD": peer.library, "ASHLAR_OPTIONS": peer.options})
        log.seek(0)
        words = log.read()
    if done.returncode == 77:
        sys.exit("bench: the programs were built without valgrind/callgrind.h; install valgrind and build again")
    by_process = {process: int(n) for process, n in re.findall(r"==(\d+)== Collected : (\d+)", words)}
    processes = {(name, int(size)): process for name, size, process in re.findall(r"operation (\w+) (\d+) (\d+)", words)}
    if done.returncode != 0 or any(processes.get(each) not in by_process for each in wanted):
        sys.exit(f"bench: counting under {peer.name} failed in valgrind:\n{words[-2000:]}")
    return {each: by_process[processes[each]] / COUNT for each in wanted}
