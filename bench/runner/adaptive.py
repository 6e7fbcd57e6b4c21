"""bench/run.py adaptive - programs whose phases differ: the adaptive allocator beside each of its candidates alone.

Times are medians of interleaved rounds; instructions are counted by callgrind, once, where valgrind is installed.
"""
import pathlib
import re
import subprocess
import tempfile

from . import machine, plot, report, rounds
from .build import PROGRAMS
from .figures import median
from .workloads import system_program

OURS, CANDIDATES = "adaptive", ("arena", "pools", "best fit")
MOST_HELD = 8  # times what is live at the peak: what holds more is no choice for a program that goes on


def add_arguments(commands):
    """The command line of `bench/run.py adaptive`."""
    p = rounds.add_command(commands, run, "the adaptive allocator against its candidates", 9, plots="a plot of the times as SVG")
    p.add_argument("--no-count", action="store_true", help="times only, no instructions")


def run(arguments):
    """0 when every heap served every program."""
    figures = rounds.figures("adaptive", arguments.rounds)
    heaps, rows = by_workload(figures, lambda f: median(f["ns"]))
    held = by_workload(figures, lambda f: f["over_live"])[1]
    changes = {f["workload"]: f["changes"] for f in figures if f["heap"] == OURS}
    sections = [("CPU time per operation (ns, median), and what adaptive takes of the best candidate's", *ratios(heaps, rows, held, changes)),
                ("Peak of held memory over live bytes", ["program", *heaps], [[w, *row.values()] for w, row in held.items()])]
    counted = {} if arguments.no_count or not system_program("valgrind") else count()
    if counted:
        sections.append(("Instructions per operation (callgrind)",
                         *ratios(heaps, {w: {h: counted[w, h] / operations(figures, w) for h in heaps} for w in rows}, held, changes)))
    described = machine.sentence(rounds=arguments.rounds, load=f"{machine.load():.1f}")
    report.tell(arguments, described, sections, figures, drawings={"phases": drawing(heaps, rows)})
    return 0


def by_workload(figures, value):
    """(heaps, {workload: {heap: value}}) in the order in which they were printed."""
    rows = {}
    for f in figures:
        rows.setdefault(f["workload"], {})[f["heap"]] = value(f)
    return list(next(iter(rows.values()))), rows


def operations(figures, workload):
    """How many there are in a program."""
    return next(f["operations"] for f in figures if f["workload"] == workload)


def ratios(heaps, rows, held, changes):
    """A table: each heap's figure, adaptive over the best candidate, and over the best of those that hold little enough."""
    lines = []
    for workload, row in rows.items():
        little = [h for h in CANDIDATES if held[workload][h] <= MOST_HELD]
        lines.append([workload, *(f"{v:.1f}" for v in row.values()), row[OURS] / min(row[h] for h in CANDIDATES),
                      row[OURS] / min(row[h] for h in little) if little else None, str(changes[workload])])
    return ["program", *heaps, "over the best", f"that holds at most {MOST_HELD} times", "changes"], lines


def drawing(heaps, rows):
    """An SVG of the times over adaptive's."""
    groups = [(w, {h: row[h] / row[OURS] for h in heaps if h != OURS}) for w, row in rows.items()]
    return plot.bars("Programs of several phases", "CPU time over that of the adaptive allocator; the line at 1 is that",
                     [h for h in heaps if h != OURS], groups, 5)


def count():
    """{(workload, heap): instructions}, from one dump each."""
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "counted")
        subprocess.run([system_program("valgrind"), "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}",
                        str(PROGRAMS / "adaptive"), "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        for dump in sorted(pathlib.Path(folder).glob("counted.*"), key=lambda path: int(path.suffix[1:])):
            text = dump.read_text()
            name = re.search(r"^desc: Trigger: Client Request: (.*)\|(.*)$", text, re.MULTILINE)
            total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
            if name and total:
                counts[name.group(1), name.group(2)] = int(total.group(1))
    return counts
