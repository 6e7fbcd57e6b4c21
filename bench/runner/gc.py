"""bench/run.py gc - programs on the collected heap, on libgc and on malloc and free; the steps of a collection; compaction.

Every program runs as a process of its own, in interleaved rounds: CPU time and peak resident memory, medians. The heap is
given 1.5, 2, 3 and 6 times what the program keeps alive, and collects all of it each time, or mostly what is young. libgc cannot be told a size, so it runs with divisors from 1 to
24, and is compared where its peak memory is ours: between two of its divisors by the line that joins them.
"""
import json
import subprocess
import sys

from . import machine, plot, report, rounds
from .build import PROGRAMS, build
from .figures import geometric_mean, median

WORKLOADS = ("gcbench", "binary-trees", "splay", "quads", "lists", "arrays", "interning")
FACTORS = (1.5, 2, 3, 6)
OURS = {"ashlar": "full collections", "generational": "generational"}
DIVISORS = (1, 2, 3, 6, 12, 24)
TIGHT = 256 * 1024  # headroom with which the peak is little more than what is alive
MIB = 1024.0


def add_arguments(commands):
    """The command line of `bench/run.py gc`."""
    p = rounds.add_command(commands, run, "the collected heap against libgc and malloc", 5, plots="a plot of the times as SVG")
    p.add_argument("--live", type=rounds.positive, default=1024, metavar="MIB", help="live memory of the steps (default 1024)")


def run(arguments):
    """0 when every program gave the same result on every memory."""
    build("bench-collected_programs", "bench-collected_pauses")
    empty = once("nothing", "ashlar", TIGHT)["peak_kib"]
    live = {w: once(w, "ashlar", TIGHT)["peak_kib"] - empty for w in WORKLOADS}
    figures = measured(arguments.rounds, live)
    pauses = [json.loads(line) for line in output([str(PROGRAMS / "collected_pauses"), str(arguments.live)]).splitlines()]
    rows = {w: {key: [median(f[q] for f in figures[w][key]) for q in ("seconds", "peak_kib")] for key in figures[w]} for w in WORKLOADS}
    sections = [times(rows, live, empty, "ashlar"), times(rows, live, empty, "generational"), against(rows, "ashlar"),
                against(rows, "generational"), *of_pauses(pauses)]
    described = machine.sentence(rounds=arguments.rounds, load=f"{machine.load():.1f}")
    kept = {"programs": {w: {f"{m} {s}": runs for (m, s), runs in by.items()} for w, by in figures.items()}, "pauses": pauses}
    report.tell(arguments, described, sections, kept, drawings={"programs": drawing(rows)})
    return 0


def once(workload, memory, size):
    """What one process reports of itself."""
    return json.loads(output([str(PROGRAMS / "collected_programs"), workload, memory, str(int(size))]))


def output(command):
    """What a program printed; the end of the run where it failed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=600)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command[1:])} ended with status {done.returncode}")
    return done.stdout


def has_libgc():
    """Whether the programs were built with it."""
    done = subprocess.run([str(PROGRAMS / "collected_programs"), "nothing", "libgc", "3"], stdout=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def measured(times_each, live):
    """{workload: {(memory, size): [figures of a round]}}."""
    cases = [("malloc", 0), *((m, k) for k in FACTORS for m in OURS), *(("libgc", d) for d in DIVISORS if has_libgc())]
    made = {w: {case: [] for case in cases} for w in WORKLOADS}
    for _ in range(times_each):
        for w in WORKLOADS:
            for memory, size in cases:
                made[w][memory, size].append(once(w, memory, (size - 1) * live[w] * 1024 if memory in OURS else size))
    for w, by in made.items():
        if len({f["sum"] for runs in by.values() for f in runs}) != 1:
            sys.exit(f"bench: {w} gave different results on different memories")
    return made


def at_peak(row, kib):
    """libgc's seconds where its peak is `kib`: on the lines between its runs; its nearest run beyond them."""
    curve = sorted((peak, seconds) for (memory, _), (seconds, peak) in row.items() if memory == "libgc")
    for (low, slow), (high, fast) in zip(curve, curve[1:]):
        if low <= kib <= high:
            return slow + (fast - slow) * (kib - low) / ((high - low) or 1)
    return curve[0][1] if kib < curve[0][0] else min(seconds for _, seconds in curve)


def times(rows, live, empty, memory):
    """CPU time over that of malloc, and peak memory, of every program and heap size."""
    header = ["program", "live MiB", "malloc s", "malloc peak", *(f"{k}x" for k in FACTORS), *(f"peak {k}x" for k in FACTORS)]
    lines = []
    for w, row in rows.items():
        base, peak = row["malloc", 0]
        lines.append([w, f"{live[w] / MIB:.1f}", f"{base:.3f}", f"{(peak - empty) / MIB:.1f}", *(row[memory, k][0] / base for k in FACTORS),
                      *(f"{(row[memory, k][1] - empty) / MIB:.1f}" for k in FACTORS)])
    return (f"CPU time over that of malloc and free, and peak MiB above an empty process, by heap size over live size: {OURS[memory]}",
            header, lines)


def against(rows, memory):
    """libgc's CPU time over ours where the peaks are equal."""
    lines = [[w, *(at_peak(row, row[memory, k][1]) / row[memory, k][0] if ("libgc", 1) in row else None for k in FACTORS)]
             for w, row in rows.items()]
    lines.append(["all", *(geometric_mean([line[i + 1] for line in lines]) for i in range(len(FACTORS)))])
    return f"CPU time of libgc over ours at the same peak memory: {OURS[memory]}", ["program", *(f"{k}x" for k in FACTORS)], lines


def of_pauses(pauses):
    """The tables of steps and of compaction."""
    steps = [[f"{p['live'] / 2**20:.0f}", f"{p['budget_us']:.0f}", str(p["steps"]), *(f"{p[q]:.0f}" for q in ("p50", "p90", "p99", "p999", "max"))]
             for p in pauses if p["what"] == "steps"]
    yield ("CPU time of the steps of three collections (microseconds)",
           ["live MiB", "budget", "steps", "median", "p90", "p99", "p99.9", "longest"], steps)
    slides = [[str(p["object"]), f"{p['live'] / 2**20:.0f}", f"{p['collect_us'] / 1000:.1f}", f"{p['compact_us'] / 1000:.1f}",
               f"{p['memmove_us'] / 1000:.1f}", p["compact_us"] / p["memmove_us"],
               (p["compact_us"] - p["collect_us"]) / p["memmove_us"], p["before"] / p["live"], p["after"] / p["live"], p["resident"] / p["live"]]
              for p in pauses if p["what"] == "compaction"]
    yield ("Compaction of a heap of which half is free (milliseconds of CPU time)",
           ["object bytes", "live MiB", "collect", "compact", "memmove", "compact over memmove", "slide alone over memmove",
            "footprint over live before", "after", "resident after"], slides)
    marking = [[p["shape"], f"{p['live'] / 2**20:.1f}", *(f"{p[k] / 1000:.2f}" for k in ("one_us", "two_us", "one_least_us", "two_least_us")),
                p["one_us"] / p["two_us"]] for p in pauses if p["what"] == "marking"]
    yield ("Collections by one thread and by two at most, in turns (milliseconds of wall time)",
           ["shape", "live MiB", "one: median", "two", "one: least", "two", "one over two"], marking)
    sparse = [[p["what"], f"{p['live'] / 2**20:.0f}", f"{p['collect_us'] / 1000:.1f}", f"{p['us'] / 1000:.1f}",
               p["resident_before"] / p["live"], p["resident_after"] / p["live"]] for p in pauses if p["what"] in ("compact", "evacuate")]
    yield ("A heap of which every other MiB is sparse: all of it slid together, and its sparse tiles alone (milliseconds of CPU time)",
           ["", "live MiB", "collect", "the whole", "resident over live before", "after"], sparse)


def drawing(rows):
    """An SVG: time over malloc's, by program."""
    groups = []
    for w, row in rows.items():
        base = row["malloc", 0][0]
        bars = {f"{k}x": row["ashlar", k][0] / base for k in FACTORS}
        bars.update({f"generational {k}x": row["generational", k][0] / base for k in (1.5, 2)})
        if ("libgc", 1) in row:
            bars.update({f"libgc at the peak of {k}x": at_peak(row, row["ashlar", k][1]) / base for k in (2, 6)})
        groups.append((w, bars))
    return plot.bars("Programs on a collected heap", "CPU time over that of malloc and free; the line at 1 is that",
                     list(groups[0][1]), groups, 5)
