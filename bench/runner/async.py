"""bench/run.py async - coroutine frames by the thread's cache, malloc and Asio's recycler, and what acquiring from a pool costs.

All run in the same interleaved rounds, in a handler of Asio; instructions are counted by callgrind.
"""
import json
import re
import subprocess
import sys
import tempfile

from . import instructions, machine, plot, report, rounds
from .build import PROGRAMS, build
from .figures import median
from .workloads import system_program

OURS, PEERS = "ashlar", ("glibc", "asio")
COUNTED = {"cache": OURS, "malloc": "glibc", "recycler": "asio"}  # a function of the program: whose it is
COUNTED_SIZES, COUNTED_AT_ONCE, TIMES = (64, 1024, 4096), 8, 1000
ACQUIRE = "co_await acquire"


def add_arguments(commands):
    """The command line of `bench/run.py async`."""
    rounds.add_command(commands, run, "coroutine frames and awaitable pools, next to malloc and Asio", 25, plots="plots of the times as SVG")


def run(arguments):
    """0 when everything was measured."""
    build("bench-async")
    done = subprocess.run([str(PROGRAMS / "async"), str(arguments.rounds)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: async ended with status {done.returncode}")
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    frames = by_source(figures, "frames", lambda f: (f["size"], f["live"]))
    whole = by_source(figures, "coroutine", lambda f: f["local"])
    pools = {f["pool"]: median(f["ns"]) for f in figures if "pool" in f}
    counts = counted() if instructions.countable() else {}
    header = [OURS, *PEERS, *(f"{p} / {OURS}" for p in PEERS)]
    sections = [
        ("A frame created and destroyed (ns of the thread, median)", ["bytes, alive at once", *header],
         [[f"{size} B, {live}", *compared(of)] for (size, live), of in frames.items()]),
        ("A coroutine created, resumed twice and destroyed (ns of the thread, median)", ["bytes of its local variable", *header],
         [[f"{local} B", *compared(of)] for local, of in whole.items()]),
        (f"Instructions of a frame created, written to and destroyed, {COUNTED_AT_ONCE} alive (callgrind)", ["bytes", OURS, *PEERS],
         [[f"{size} B", *(counts[source, size] for source in COUNTED)] for size in COUNTED_SIZES if counts]),
        ("An object acquired and released (ns of the thread, median)", ["way", "ns", f"over {ACQUIRE}"],
         [[name, ns, ns / pools[ACQUIRE]] for name, ns in pools.items()])]
    described = machine.sentence(rounds=arguments.rounds, load=f"{machine.load():.1f}")
    counted_figures = [{"instructions": f"{source} {size}", "mean": n} for (source, size), n in counts.items()]
    report.tell(arguments, described, sections, figures + counted_figures, drawings={"frames": drawing(frames)})
    return 0


def by_source(figures, kind, key):
    """{key: {source: ns}} in the order in which they were printed."""
    found = {}
    for f in figures:
        if kind in f:
            found.setdefault(key(f), {})[f[kind]] = median(f["ns"])
    return found


def compared(of):
    """The cells of a row."""
    return [of[OURS], *(of[p] for p in PEERS), *(of[p] / of[OURS] for p in PEERS)]


def counted():
    """{(source, bytes): instructions of a frame}, the loop around it included."""
    found = {}
    for source in COUNTED:
        for size in COUNTED_SIZES:
            with tempfile.NamedTemporaryFile() as out:
                subprocess.run([system_program("valgrind"), "-q", "--tool=callgrind", f"--callgrind-out-file={out.name}",
                                f"--toggle-collect=count_{source}_{size}", str(PROGRAMS / "async"), "count", str(TIMES)],
                               check=True, stdout=subprocess.DEVNULL)
                total = re.search(r"^totals: (\d+)", out.read().decode(), re.M).group(1)
            found[source, size] = round(int(total) / TIMES / COUNTED_AT_ONCE, 1)
    return found


def drawing(frames):
    """An SVG of times over ours."""
    groups = [(f"{size} B, {live} alive", {p: of[p] / of[OURS] for p in PEERS}) for (size, live), of in frames.items()]
    return plot.bars("A coroutine's frame", f"Time over that of {OURS}; the line at 1 is {OURS}", list(PEERS), groups, 20)
