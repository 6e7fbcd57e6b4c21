"""bench/run.py realtime - the worst operation of heaps with a bound, and what fixed pools cost several threads.

Of each operation of a deterministic replay the least of all rounds counts; instructions are counted by callgrind, call by
call. The pools run in the same interleaved rounds.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
from html import escape

from . import instructions, machine, plot, report, rounds
from .build import PROGRAMS, build
from .figures import median
from .workloads import system_program

HEAPS = ("tlsf", "half_fit")
COUNTED = 3000
SHARES = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100)
PERCENTILES = ("mean", "p50", "p99", "p99.9", "p99.99", "max")


def add_arguments(commands):
    """The command line of `bench/run.py realtime`."""
    rounds.add_command(commands, run, "the worst operation of heaps with a bound, and fixed pools of several threads", 25,
                       plots="plots of the times as SVG")


def run(arguments):
    """0 when everything was measured."""
    build("bench-realtime")
    done = subprocess.run([str(PROGRAMS / "realtime"), str(arguments.rounds)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: realtime ended with status {done.returncode}")
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    replays = [f for f in figures if "replay" in f]
    pools = {(f["pool"], f["threads"]): median(f["ns"]) for f in figures if "pool" in f}
    counts = counted() if instructions.countable() else []
    sections = [("Time of an operation (ticks of the processor's counter, least of the rounds)", ["heap, operation", *PERCENTILES],
                 [[f"{f['replay']} {f['operation']}", *(f[p] for p in PERCENTILES)] for f in replays]),
                ("Instructions of an operation (callgrind)", ["heap, operation", "mean", "max", "max over mean"],
                 [[f"{c['heap']} {c['operation']}", c["mean"], c["max"], c["max"] / c["mean"]] for c in counts]),
                ("A block of 64 bytes taken and given back (ns of the thread, median)", ["pool", "1 thread", "2 threads"],
                 [[name, pools[name, 1], pools.get((name, 2), "-")] for name in dict.fromkeys(n for n, _ in pools)])]
    described = machine.sentence(rounds=arguments.rounds, load=f"{machine.load():.1f}")
    report.tell(arguments, described, sections, figures + counts,
                drawings={"operations": curves(replays), "pools": bars(pools)})
    return 0


def counted():
    """[{heap, operation, mean, max}] of the instructions of each of so many calls, the call of a function included."""
    found = []
    for heap in HEAPS:
        for operation in ("allocate", "free"):
            name = f"{heap}_{operation}"
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([system_program("valgrind"), "-q", "--tool=callgrind", "--combine-dumps=yes",
                                f"--callgrind-out-file={folder}/out", f"--toggle-collect={name}", f"--dump-after={name}",
                                str(PROGRAMS / "realtime"), "count", heap, str(COUNTED)], check=True, stdout=subprocess.DEVNULL)
                costs = [int(line.split()[1]) for path in pathlib.Path(folder).iterdir() for line in path.read_text().splitlines()
                         if line.startswith("totals:")]
            costs = [c for c in costs if c != 0]
            found.append({"heap": heap, "operation": operation, "mean": round(sum(costs) / len(costs), 1), "max": max(costs)})
    return found


def bars(pools):
    """An SVG of times over that of a magazine."""
    names = [n for n in dict.fromkeys(n for n, _ in pools) if n != "magazine"]
    groups = [(f"{t} thread{'s' * (t > 1)}", {n: pools[n, t] / pools["magazine", t] for n in names if (n, t) in pools})
              for t in (1, 2)]
    return plot.bars("A fixed pool and its threads", "Time over that of a magazine; the line at 1 is the magazine", names, groups, 12)


def curves(replays):
    """An SVG: the time of an operation, over the share of operations that took no longer; each doubling is one line up."""
    left, top, width, line = 60, 60, 560, 26
    most = max(f["max"] for f in replays)
    doublings = max(most.bit_length() - 3, 1)
    base = top + doublings * line

    def height(ticks):
        return base - line * max(0.0, (ticks.bit_length() - 4 + (ticks / (1 << (ticks.bit_length() - 1)) - 1)) if ticks else 0)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 30} {base + 60}" width="{left + width + 30}" '
             f'height="{base + 60}" font-family="Helvetica, Arial, sans-serif" font-size="12">',
             "<title>The time of an operation</title>", f'<rect width="{left + width + 30}" height="{base + 60}" fill="white"/>',
             f'<text x="{left}" y="20" font-size="16" font-weight="bold">The time of an operation</text>']
    for step in range(doublings + 1):
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{base - step * line}" y2="{base - step * line}" stroke="#dfe4e8"/>'
                     f'<text x="{left - 8}" y="{base - step * line + 4}" text-anchor="end" fill="#555">{8 << step}</text>')
    places = [left + width * i / (len(SHARES) - 1) for i in range(len(SHARES))]
    for x, share in zip(places, SHARES):
        parts.append(f'<text x="{x:.0f}" y="{base + 18}" text-anchor="middle" fill="#555">{share:g}%</text>')
    parts.append(f'<text x="{left}" y="{base + 40}" fill="#555">ticks, over the share of operations that took no longer; dashed: free</text>')
    names = list(dict.fromkeys(f["replay"] for f in replays))
    for index, name in enumerate(names):
        parts.append(f'<text x="{left + 90 * index}" y="42" fill="{plot.colour(names, name)}">{escape(name)}</text>')
    for f in replays:
        dashes = ' stroke-dasharray="5 4"' if f["operation"] == "free" else ""
        points = " ".join(f"{x:.1f},{height(t):.1f}" for x, t in zip(places, f["curve"]))
        parts.append(f'<polyline fill="none" stroke="{plot.colour(names, f["replay"])}" stroke-width="2"{dashes} points="{points}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"
