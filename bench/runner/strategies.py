"""bench/run.py strategies - Ashlar's strategies against the resources of std::pmr and Boost.Container, in interleaved rounds."""
from . import machine, plot, report, rounds
from .figures import geometric_mean, median

REFERENCES = ("pmr new_delete", "pmr pool", "pmr monotonic")
DRAWN = ("bump", "arena", "best fit", "tlsf", "buddy", "segregated", "pmr monotonic", "boost monotonic", "pmr pool", "boost pool")


def add_arguments(commands):
    """The command line of `bench/run.py strategies`."""
    rounds.add_command(commands, run, "the toolkit's strategies against std::pmr and Boost.Container", 9, plots="plots of times and footprints as SVG")


def run(arguments):
    """0 when every strategy served every order."""
    figures = rounds.figures("strategies", arguments.rounds)
    sections = [("CPU time per operation (ns, median)", *_times(figures)),
                ("Peak footprint over live bytes", *_footprints(figures))]
    described = machine.sentence(rounds=arguments.rounds, load=f"{machine.load():.1f}")
    report.tell(arguments, described, sections, figures, drawings=_drawings(figures))
    return 0


def _times(figures):
    heaps, rows = _by_order(figures, lambda f: median(f["ns"]))
    shown = [[order, *(None if v is None else f"{v:.1f}" if v < 1000 else f"{v:.0f}" for v in row.values())]
             for order, row in rows.items()]
    for reference in REFERENCES:
        means = [geometric_mean([row[h] / row[reference] for row in rows.values() if row[h] and row[reference]]) for h in heaps]
        shown.append([f"over {reference}", *means])
    return ["order, size in bytes", *heaps], shown


def _footprints(figures):
    heaps, rows = _by_order(figures, lambda f: f["over_live"] or None)
    shown = [[order, *(None if v is None else f"{v:.2f}" if v < 100 else f"{v:.0f}" for v in row.values())]
             for order, row in rows.items() if not order.startswith("single")]  # one block says nothing of footprints
    known = [h for h in heaps if any(row[h] for row in rows.values())]
    places = [0, *(1 + heaps.index(h) for h in known)]
    return ["order, size in bytes", *known], [[row[i] for i in places] for row in shown]


def _drawings(figures):
    """Times over new and delete's, those of objects over the monotonic resource's, and footprints over what was live."""
    times, held = (_by_order(figures, value)[1] for value in (lambda f: median(f["ns"]), lambda f: f["over_live"] or None))
    over = lambda row, reference: {h: row[h] / row[reference] for h in DRAWN if row.get(h) and h != reference}
    orders = [(order, over(row, "pmr new_delete")) for order, row in times.items() if row["pmr new_delete"]]
    objects = [(order, over(row, "pmr monotonic")) for order, row in times.items() if order.startswith("objects")]
    footprints = [(order, {h: row[h] for h in DRAWN if row.get(h)}) for order, row in held.items() if not order.startswith("single")]
    return {name: plot.bars(title, subtitle, [h for h in DRAWN if any(h in row for _, row in groups)],
                            [group for group in groups if group[1]], cap)
            for name, title, subtitle, groups, cap in (
                ("orders", "Blocks in four orders, and of mixed sizes",
                 "CPU time over that of std::pmr's new and delete, the line at 1; lower is better", orders, 2),
                ("objects", "Objects that all end at once", "CPU time over that of std::pmr's monotonic resource", objects, 2.5),
                ("footprints", "What is held of the source, at its peak", "over live bytes; the line at 1 is nothing lost", footprints, 4))}


def _by_order(figures, value):
    """(heaps, {order: {heap: value}}) in the order in which they were printed; None where a heap does not serve an order."""
    rows = {}
    for f in figures:
        rows.setdefault(f["order"] + (f" {f['size']}" if f["size"] else ""), {})[f["heap"]] = value(f)
    heaps = list(dict.fromkeys(f["heap"] for f in figures))
    return heaps, {order: {h: row.get(h) for h in heaps} for order, row in rows.items()}
