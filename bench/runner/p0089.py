"""bench/run.py p0089 - the experiments of "On Quantifying Memory-Allocation Strategies" with our parts and std::pmr's."""
import json
import pathlib

from . import machine, plot, report, rounds
from .figures import geometric_mean, median

REFERENCE = "new and delete"
QUESTIONS = {
    "growth": "I: one container grows in a memory of its own, again and again",
    "locality": "II: lists are filled in turns, their nodes move, then each is walked",
    "utilisation": "III: a random block is given back for each that is taken; 4 MiB are held",
    "contention": "IV: each thread takes and gives back 64 blocks at a time",
}
INTRODUCTION = """# The experiments of P0089

Lakos, Mendelsohn, Meredith and Myers measured when an allocator of one's own pays ("On Quantifying Memory-Allocation
Strategies", P0089R1, 2016). These are their four experiments at a desk's scale, with our parts and those of `std::pmr` and
Boost.Container. Every cell is a process of its own; its figure is the median of its processor times in percent of that of
`new` and `delete`: below 100 is less. All memories take theirs from the host's malloc, and are asked through one virtual call.
*Dropped* means that the container is not destroyed, only its memory. In the first experiment each small container has a memory
of its own: `segregated` then takes 64 KiB from the host for each size class, dozens to hundreds of times what `new` costs;
`arena` is the one for that. A dash: 16,384 memories of `segregated` would take a gigabyte; `std::pmr`'s synchronized pool takes
a key for thread-specific data each, of which a process has 1,024; and a monotonic memory never uses a block again, so that it
has no part in the fourth. The same again: `./dev bench p0089 --markdown p0089.md --plots p0089`."""


def add_arguments(commands):
    """The command line of `bench/run.py p0089`."""
    p = rounds.add_command(commands, run, "growth, locality, utilisation and contention, as P0089 measured them", 3,
                           each="cell is run", plots="a plot of each experiment as SVG")
    p.add_argument("--again", metavar="FILE", help="print the tables of such a file; run nothing")


def run(arguments):
    """0 when every cell was measured."""
    measured = json.loads(pathlib.Path(arguments.again).read_text()) if arguments.again else _measure(arguments.rounds)
    sections = _sections(measured["figures"])
    names = [e for e in QUESTIONS if any(f["experiment"] == e for f in measured["figures"])]
    report.tell(arguments, machine.sentence(measured["machine"]), sections, measured, opening=[INTRODUCTION],
                drawings={name: _plot(name, measured["figures"]) for name in names})
    return 0


def _measure(times):
    figures = rounds.figures("p0089", times)
    return {"machine": {**machine.describe(), "load": f"{machine.load():.1f}", "rounds": times}, "figures": figures}


def _rows(figures, experiment, value):
    """(memories, {case: {memory: value}}) in the order in which they were printed."""
    rows, names = {}, []
    for f in figures:
        if f["experiment"] == experiment:
            rows.setdefault(f["case"], {})[f["memory"]] = value(f)
            if f["memory"] not in names:
                names.append(f["memory"])
    return names, rows


def _ratios(figures, experiment):
    """The same, of times over those of new and delete."""
    names, rows = _rows(figures, experiment, lambda f: median(f["ms"]))
    return names, {case: {n: (v / row[REFERENCE] if row[REFERENCE] else None) for n, v in row.items()} for case, row in rows.items()}


def _sections(figures):
    """A table of times for each experiment, in percent of new and delete, and one of footprints."""
    made = []
    for experiment, question in QUESTIONS.items():
        names, ratios = _ratios(figures, experiment)
        if not ratios:
            continue
        times = _rows(figures, experiment, lambda f: median(f["ms"]))[1]
        others = [n for n in names if n != REFERENCE]
        rows = [[case, f"{times[case][REFERENCE]:.0f}", *(_percent(row.get(n)) for n in others)] for case, row in ratios.items()]
        means = [geometric_mean([row.get(n) for row in ratios.values()]) for n in others]
        rows.append(["mean", "", *(_percent(m) for m in means)])
        made.append((f"{question} (percent of the processor time of new and delete)",
                     ["case", f"{REFERENCE}, ms", *others], rows))
    names, rows = _rows(figures, "utilisation", lambda f: f["peak"] or None)
    known = [n for n in names if any(row.get(n) for row in rows.values())]
    if known:
        made.append(("III: the most that was held of malloc, over what was live",
                     ["case", *known], [[case, *(f"{row[n]:.2f}" if row.get(n) else None for n in known)] for case, row in rows.items()]))
    return made


def _percent(ratio):
    return None if ratio is None else f"{100 * ratio:.0f}"


def _plot(experiment, figures):
    names, ratios = _ratios(figures, experiment)
    others = [n for n in names if n != REFERENCE and (" on " not in n or n == "segregated on arena")]
    subtitle, groups = "processor time over that of new and delete; lower is better", list(ratios.items())
    if experiment == "locality":
        subtitle += "; lists, moves a node, walks"
        groups = [(case.replace(" moves a node", "").replace(" walks", ""), row) for case, row in groups]
    return plot.bars(f"P0089, {QUESTIONS[experiment]}", subtitle, others, groups, 2.0)
