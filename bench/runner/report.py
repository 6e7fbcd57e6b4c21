"""From runs to tables: medians, ratios against mimalloc and against the envelope, geometric means.

The envelope is, for each workload, the best figure of any peer: what a malloc would show that was always the best
one. Ashlar and libraries given by hand are measured against it and are no part of it.

`tell` is how every command but those of malloc ends: its tables printed, and written where it was asked to.
"""
import json
import pathlib

from . import plot, table
from .figures import geometric_mean, median, spread
from .peers import LIBRARIES, OURS

REFERENCE = "mimalloc"
QUANTITIES = {  # name: (title, unit, figure of one run)
    "time": ("Time", "s", lambda r: r["seconds"]),
    "cpu": ("CPU time, user and system", "s", lambda r: r["user"] + r["sys"]),
    "rss": ("Peak RSS", "MiB", lambda r: r["max_rss_kib"] / 1024),
    "faults": ("Page faults", "thousand", lambda r: (r["minor_faults"] + r["major_faults"]) / 1000),
}


def summary(result):
    """{quantity: {workload: {peer: [median, MAD]}}} of everything that was measured."""
    made = {}
    for key, (_, _, figure) in QUANTITIES.items():
        made[key] = {w: {p: _middle([figure(r) for r in runs]) for p, runs in by_peer.items() if runs}
                     for w, by_peer in result["runs"].items()}
    return made


def _middle(values):
    return [median(values), spread(values)]


def ratios(result, quantity):
    """{workload: {"envelope": best, peer: [over the envelope, over mimalloc]}}; a missing figure is None."""
    made = {}
    for workload, by_peer in summary(result)[quantity].items():
        best = min((v[0] for p, v in by_peer.items() if p in LIBRARIES and p != OURS), default=None)
        base = by_peer.get(REFERENCE, [None])[0]
        made[workload] = {p: [_over(v[0], best), _over(v[0], base)] for p, v in by_peer.items()}
    return made


def _over(value, base):
    return value / base if base else None


def _rows(result, quantity):
    names, figures, relative = list(result["peers"]), summary(result)[quantity], ratios(result, quantity)
    own = _own_name(names)
    header = ["workload", *names, "MAD %"] + ([f"{own} / {REFERENCE}", f"{own} / envelope"] if own else [])
    rows = []
    for workload, by_peer in figures.items():
        off = max((v[1] / v[0] for v in by_peer.values() if v[0]), default=0)
        row = [workload, *(_figure(by_peer.get(n)) for n in names), f"{100 * off:.0f}"]
        rows.append(row + ([*reversed(relative[workload].get(own, [None, None]))] if own else []))
    for title, index in (("over the envelope", 0), (f"over {REFERENCE}", 1)):
        means = [geometric_mean(r[n][index] for r in relative.values() if n in r) for n in names]
        rows.append([title, *means, ""] + (["", ""] if own else []))
    worst = [max((r[n][0] for r in relative.values() if n in r and r[n][0]), default=None) for n in names]
    rows.append(["worst over the envelope", *worst, ""] + (["", ""] if own else []))
    return header, rows


def _own_name(names):
    """Whose ratios get a column: Ashlar's, else those of the first library given by hand."""
    return OURS if OURS in names else next((n for n in names if n not in LIBRARIES), None)


def _figure(pair):
    if pair is None:
        return None
    return f"{pair[0]:.3f}" if pair[0] < 10 else f"{pair[0]:.1f}"


def _own_figures(result):
    """What programs reported of themselves, such as the RSS after an idle phase."""
    known = {"seconds", "user", "sys", "max_rss_kib", "minor_faults", "major_faults", "status"}
    names, rows = list(result["peers"]), []
    for workload, by_peer in result["runs"].items():
        keys = sorted({k for runs in by_peer.values() for r in runs for k in r} - known)
        rows += [[f"{workload}: {k}", *(_figure([median([r[k] for r in by_peer[n]])]) if by_peer[n] else None
                                        for n in names)] for k in keys]
    return ["reported by the program", *names], rows


def _sections(result):
    for key, (title, unit, _) in QUANTITIES.items():
        yield f"{title} ({unit}, median of {result['rounds']} interleaved rounds)", *_rows(result, key)
    header, rows = _own_figures(result)
    if rows:
        yield "Figures of the programs themselves", header, rows


def _preamble(result):
    yield "; ".join(f"{k} {v}" for k, v in result["machine"].items())
    yield "; ".join(f"{n} {v}" for n, v in result["peers"].items())
    yield (f"{result['threads']} threads, work times {result['scale']:g}, load average {result['load']:.1f} at the end"
           + (": other work ran beside this, so trust ratios only" if result["load"] > result["threads"] + 1 else ""))


def as_text(result):
    """For a terminal."""
    parts = ["\n".join(_preamble(result))]
    parts += [f"{title}\n{table.text(header, rows)}" for title, header, rows in _sections(result)]
    return "\n\n".join(parts)


def as_markdown(result):
    """For docs/benchmarks."""
    parts = ["\n".join(f"- {line}" for line in _preamble(result))]
    parts += [f"## {title}\n\n{table.markdown(header, rows)}" for title, header, rows in _sections(result)]
    return "\n\n".join(parts) + "\n"


def plots(result):
    """{quantity: SVG document} of time and peak RSS over the envelope, the geometric mean of all workloads first."""
    names, drawings = list(result["peers"]), {}
    subtitle = f"{result['machine']['processor']}, {result['machine']['cores']} cores, {result['rounds']} interleaved rounds; lower is better"
    for key, cap in (("time", 3), ("rss", 3)):
        groups = [(w, {p: r[0] for p, r in by_peer.items()}) for w, by_peer in ratios(result, key).items()]
        means = {n: geometric_mean([g.get(n) for _, g in groups]) for n in names}
        title = f"{QUANTITIES[key][0]} over the best of all peers"
        drawings[key] = plot.bars(title, subtitle, names, [("all", means), *groups], cap)
    return drawings


def tell(arguments, described, sections, figures, opening=(), closing=(), drawings=()):
    """Prints the tables of `sections`, (title, header, rows) each; writes the page for --markdown, with what stands before
    and behind it there, every figure for --json, and {name: SVG document} for --plots, where the command has these."""
    print("\n\n".join([described, *(f"{title}\n{table.text(header, rows)}" for title, header, rows in sections)]))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(figures, indent=1))
    if arguments.markdown:
        tables = (f"## {title}\n\n{table.markdown(header, rows)}" for title, header, rows in sections)
        pathlib.Path(arguments.markdown).write_text("\n\n".join([*opening, f"- {described}", *tables, *closing]) + "\n")
    if getattr(arguments, "plots", None):
        for name, drawing in dict(drawings).items():
            (pathlib.Path(arguments.plots) / f"{name}.svg").write_text(drawing)
