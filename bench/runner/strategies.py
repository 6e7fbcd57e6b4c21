"""bench/run.py strategies - Ashlar's strategies against the resources of std::pmr, in interleaved rounds."""
from . import machine, report, rounds
from .figures import geometric_mean, median

REFERENCES = ("pmr new_delete", "pmr pool", "pmr monotonic")


def add_arguments(commands):
    """The command line of `bench/run.py strategies`."""
    rounds.add_command(commands, run, "the toolkit's strategies against std::pmr", 9)


def run(arguments):
    """0 when every strategy served every order."""
    figures = rounds.figures("strategies", arguments.rounds)
    sections = [("CPU time per operation (ns, median)", *_times(figures)),
                ("Peak footprint over live bytes", *_footprints(figures))]
    report.tell(arguments, machine.sentence(rounds=arguments.rounds), sections, figures)
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


def _by_order(figures, value):
    """(heaps, {order: {heap: value}}) in the order in which they were printed; None where a heap does not serve an order."""
    rows = {}
    for f in figures:
        rows.setdefault(f["order"] + (f" {f['size']}" if f["size"] else ""), {})[f["heap"]] = value(f)
    heaps = list(dict.fromkeys(f["heap"] for f in figures))
    return heaps, {order: {h: row.get(h) for h in heaps} for order, row in rows.items()}
