"""bench/run.py pools - blocks of one size: Ashlar's pools beside those of others, in interleaved rounds."""
from . import machine, plot, report, rounds
from .figures import geometric_mean, median

ALONE = "client alone"
COMPARED = ("pool", "slab", "object_pool")
OURS = (*COMPARED, "locked pool")
DRAWN = ("slab", "Boost.Pool", "foonathan", "Boost.Container pool", "pmr pool")


def add_arguments(commands):
    """The command line of `bench/run.py pools`."""
    rounds.add_command(commands, run, "pool, slab and object_pool against the pools of others", 15, plots="a plot of the times as SVG")


def run(arguments):
    """0 when every pool served every order."""
    figures = rounds.figures("pools", arguments.rounds)
    heaps, rows = by_order(figures)
    sections = [("CPU time per operation (ns, median)", ["order, size in bytes", *heaps],
                 [[f"{order} {size}", *row.values()] for (order, size), row in rows.items()]),
                *[(f"Time over that of {ours}", *over(heaps, rows, ours)) for ours in COMPARED]]
    described = machine.sentence(rounds=arguments.rounds, load=f"{machine.load():.1f}")
    report.tell(arguments, described, sections, figures, drawings={"pools": drawing(rows)})
    return 0


def by_order(figures):
    """(heaps, {(order, size): {heap: ns}}) in the order in which they were printed."""
    rows = {}
    for f in figures:
        rows.setdefault((f["order"], f["size"]), {})[f["heap"]] = median(f["ns"])
    return list(next(iter(rows.values()))), rows


def over(heaps, rows, ours):
    """A table: the time of every other heap over ours, per order the geometric mean over the sizes."""
    others = [h for h in heaps if h not in OURS and h != ALONE]
    orders = list(dict.fromkeys(order for order, _ in rows))
    lines = [[order, *(geometric_mean([row[h] / row[ours] for (o, _), row in rows.items() if o == order]) for h in others)]
             for order in orders]
    lines.append(["all", *(geometric_mean([row[h] / row[ours] for row in rows.values()]) for h in others)])
    return ["order", *others], lines


def drawing(rows):
    """An SVG of ratios over the time of pool."""
    groups = [(f"{order} {size}", {h: row[h] / row["pool"] for h in DRAWN if h in row})
              for (order, size), row in rows.items()]
    names = [h for h in DRAWN if any(h in ratios for _, ratios in groups)]
    return plot.bars("Blocks of one size", "CPU time over that of pool; the line at 1 is pool", names, groups, 5)
