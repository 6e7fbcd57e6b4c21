"""From runs to tables: medians, ratios against mimalloc and against the envelope, geometric means. And the least of the
rounds: what disturbs a run only adds to its time.

The envelope is, for each workload, the best figure of any peer: what a malloc would show that was always the best
one. Ashlar and libraries given by hand are measured against it and are no part of it. A ratio is marked as noise when
the intervals of the two figures, median and MAD to either side, meet.

`tell` is how every command but those of malloc ends: its tables printed, and written where it was asked to.
"""
import html
import json
import os
import pathlib
import re

from . import dots, table
from .figures import geometric_mean, median, spread
from .peers import LIBRARIES, OURS, PURGING

REFERENCE = "mimalloc"

def _middle(values):
    return [median(values), spread(values)]


def _least(values):
    return [min(values), 0]


QUANTITIES = {  # name: (title, unit, figure of one run, what all runs make, how that is called)
    "time": ("Time", "s", lambda r: r["seconds"], _middle, "median"),
    "cpu": ("CPU time, user and system", "s", lambda r: r["user"] + r["sys"], _middle, "median"),
    "least": ("CPU time, user and system", "s", lambda r: r["user"] + r["sys"], _least, "least"),
    "rss": ("Peak RSS", "MiB", lambda r: r["max_rss_kib"] / 1024, _middle, "median"),
    "faults": ("Page faults", "thousand", lambda r: (r["minor_faults"] + r["major_faults"]) / 1000, _middle, "median"),
}
IDLE = {  # what `phases` reports of itself: the row's name
    "rss_after_silent_idle_mib": "after 2 s without a call",
    "rss_after_ticking_idle_mib": "after 1 s with a few small calls",
}
GUIDE = "../README.md"  # from a page in a folder of docs/benchmarks
INSTRUCTIONS = "Instructions per operation (callgrind)"
PLOTTED = ("time", "rss")
NOISE = ("Cells are medians of the rounds. The envelope is the least of several noisy medians, so it lies below the best "
         "malloc's true figure and every ratio over it, a peer's too, is a little too high. ~ marks a ratio within noise: "
         "the two medians differ by less than their MADs together. What disturbs a run only adds to it: the least CPU time of "
         "the rounds tells best what a malloc costs where medians scatter")


def summary(result):
    """{quantity: {workload: {peer: [median or least, MAD or 0]}}} of everything that was measured."""
    made = {}
    for key, (_, _, figure, of_all, _) in QUANTITIES.items():
        made[key] = {w: {p: of_all([figure(r) for r in runs]) for p, runs in by_peer.items() if runs}
                     for w, by_peer in result["runs"].items()}
    return made


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
    names, figures = list(result["peers"]), summary(result)[quantity]
    own = _own_name(names)
    header = ["workload", *names, "MAD %"] + ([f"{own} / {REFERENCE}", f"{own} / envelope"] if own else [])
    rows = [_line(workload, by_peer, names, own) for workload, by_peer in figures.items()]
    relative = ratios(result, quantity)
    for title, index in (("over the envelope", 0), (f"over {REFERENCE}", 1)):
        means = [geometric_mean(r[n][index] for r in relative.values() if n in r) for n in names]
        rows.append([title, *means, ""] + (["", ""] if own else []))
    worst = [_worst(relative, n)[0] for n in names]
    rows.append(["worst over the envelope", *worst, ""] + (["", ""] if own else []))
    return header, rows


def _line(title, by_peer, names, own):
    """A row of figures: each malloc's, the largest MAD, and ours over mimalloc's and over the best peer's."""
    off = max((by_peer[n][1] / by_peer[n][0] for n in names if n in by_peer and by_peer[n][0]), default=0)
    row = [title, *(_figure(by_peer.get(n)) for n in names), f"{100 * off:.0f}"]
    if not own:
        return row
    best = min((v for p, v in by_peer.items() if p in LIBRARIES and p != OURS), default=None)
    return row + [_marked(by_peer.get(own), by_peer.get(REFERENCE)), _marked(by_peer.get(own), best)]


def _marked(ours, theirs):
    """The ratio of two medians, with a tilde where it is within noise."""
    if not ours or not theirs or not theirs[0]:
        return None
    noise = abs(ours[0] - theirs[0]) <= ours[1] + theirs[1]
    return f"{'~' if noise else ''}{ours[0] / theirs[0]:.2f}"


def _worst(relative, name):
    """(ratio, workload) of a malloc's worst workload over the envelope."""
    return max(((r[name][0], w) for w, r in relative.items() if name in r and r[name][0]), default=(None, ""))


def _own_name(names):
    """Whose ratios get a column: Ashlar's, else those of the first library given by hand."""
    return OURS if OURS in names else next((n for n in names if n not in LIBRARIES), None)


def _figure(pair):
    if pair is None:
        return None
    return f"{pair[0]:.3f}" if pair[0] < 10 else f"{pair[0]:.1f}"


def _overview(result):
    """One row for each malloc: the geometric mean and the worst workload of each quantity."""
    header, relative = ["over the envelope"], {}
    for key, short in (("time", "time"), ("cpu", "CPU"), ("least", "least CPU"), ("rss", "peak RSS"), ("faults", "faults")):
        relative[key] = ratios(result, key)
        header += [short, "worst"]
    rows = []
    for name in result["peers"]:
        row = [name]
        for by_workload in relative.values():
            ratio, workload = _worst(by_workload, name)
            row += [geometric_mean(r[name][0] for r in by_workload.values() if name in r),
                    f"{ratio:.2f} {workload}" if ratio else None]
        rows.append(row)
    return header, rows


def _idle(result):
    """What is resident while `phases` idles; ours with the purging thread beside the others."""
    by_peer = {p: runs for p, runs in result["runs"].get("phases", {}).items() if runs}
    names = [*result["peers"], *(p for p in by_peer if p == PURGING)]
    own = _own_name(list(result["peers"]))
    header = ["phases", *names, "MAD %"] + ([f"{own} / {REFERENCE}", f"{own} / envelope"] if own else [])
    rows = []
    for key, title in (("max_rss_kib", "at the peak"), *IDLE.items()):
        unit = 1024 if key == "max_rss_kib" else 1
        known = {p: _middle([r[key] / unit for r in runs]) for p, runs in by_peer.items() if all(key in r for r in runs)}
        rows += [_line(title, known, names, own)] if known else []
    return header, rows


def instruction_rows(counts, names):
    """Of {operation: {malloc: instructions}} the header and rows of the table; what was not counted is None."""
    header = ["instructions per operation", *names]
    return header, [[title, *(f"{by[n]:.0f}" if n in by else None for n in names)] for title, by in counts.items()]


def _own_figures(result):
    """What else programs reported of themselves."""
    known = {"seconds", "user", "sys", "max_rss_kib", "minor_faults", "major_faults", "status", *IDLE}
    names, rows = list(result["peers"]), []
    for workload, by_peer in result["runs"].items():
        keys = sorted({k for runs in by_peer.values() for r in runs for k in r} - known)
        rows += [[f"{workload}: {k}", *(_figure([median([r[k] for r in by_peer[n]])]) if by_peer[n] else None
                                        for n in names)] for k in keys]
    return ["reported by the program", *names], rows


def _sections(result):
    for key, (title, unit, _, _, how) in QUANTITIES.items():
        yield f"{title} ({unit}, {how} of {result['rounds']} interleaved rounds)", *_rows(result, key)
        if key == "rss":
            yield "RSS after idle (MiB, the program runs on)", *_idle(result)
    yield INSTRUCTIONS, *instruction_rows(result.get("instructions", {}), list(result["peers"]))
    yield "Figures of the programs themselves", *_own_figures(result)


def _preamble(result):
    yield "; ".join(f"{k} {v}" for k, v in result["machine"].items())
    yield "; ".join(f"{n} {v}" for n, v in result["peers"].items())
    yield (f"{result['threads']} threads, work times {result['scale']:g}, load average {result['load']:.1f} at the end"
           + (": other work ran beside this, so trust ratios only" if result["load"] > result["threads"] + 1 else ""))
    yield NOISE


def as_text(result):
    """For a terminal."""
    parts = ["\n".join(_preamble(result)), f"Summary\n{table.text(*_overview(result))}"]
    parts += [f"{title}\n{table.text(header, rows)}" for title, header, rows in _sections(result) if rows]
    return "\n\n".join(parts)


def as_markdown(result, drawings=""):
    """For docs/benchmarks; `drawings` is where the plots lie, seen from the page."""
    parts = [f"# The malloc on {len(result['runs'])} programs",
             f"Written by `./dev bench malloc`. [How to read this]({GUIDE}).", "## Summary",
             table.markdown(*_overview(result)), "\n".join(f"- {line}" for line in _preamble(result))]
    if drawings:
        parts += [f"![{QUANTITIES[key][0]} over the best of all peers, per program and malloc]({drawings}{key}.svg)"
                  for key in PLOTTED]
    parts += [f"## {title}\n\n{table.markdown(header, rows)}" for title, header, rows in _sections(result) if rows]
    return "\n\n".join(parts) + "\n"


def plots(result):
    """{quantity: SVG document} of time and peak RSS over the envelope, the geometric mean of all workloads first."""
    names, made = list(result["peers"]), {}
    subtitle = (f"{result['machine']['processor']}, {result['machine']['cores']} cores, {result['rounds']} rounds; "
                "left is better, 1 is the best of all peers")
    for key in PLOTTED:
        groups = [(w, {p: r[0] for p, r in by_peer.items()}) for w, by_peer in ratios(result, key).items()]
        means = {n: geometric_mean([g.get(n) for _, g in groups]) for n in names}
        title = f"{QUANTITIES[key][0]} over the best of all peers"
        made[key] = dots.drawing(title, subtitle, names, [("all", means), *groups], _own_name(names))
    return made


def tell(arguments, described, sections, figures, opening=(), drawings=()):
    """Prints the tables of `sections`, (title, header, rows) each; writes the page for --markdown, with what stands before
    it there, every figure for --json, and {name: SVG document} for --plots, where the command has these. The page shows
    the plots."""
    print("\n\n".join([described, *(f"{title}\n{table.text(header, rows)}" for title, header, rows in sections)]))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(figures, indent=1))
    if arguments.markdown:
        tables = (f"## {title}\n\n{table.markdown(header, rows)}" for title, header, rows in sections)
        pictures = _pictures(arguments, drawings)
        pathlib.Path(arguments.markdown).write_text("\n\n".join([*opening, f"- {described}", *pictures, *tables]) + "\n")
    if getattr(arguments, "plots", None):
        for name, drawing in dict(drawings).items():
            (pathlib.Path(arguments.plots) / f"{name}.svg").write_text(drawing)


def _pictures(arguments, drawings):
    """A link to each plot, from where the page lies; its words are the plot's title."""
    if not getattr(arguments, "plots", None):
        return
    there = os.path.relpath(arguments.plots, pathlib.Path(arguments.markdown).parent)
    for name, drawing in dict(drawings).items():
        title = html.unescape(re.search("<title>(.*?)</title>", drawing).group(1))
        yield f"![{title}]({os.path.normpath(os.path.join(there, name))}.svg)"
