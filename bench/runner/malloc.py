"""bench/run.py malloc - every workload under every malloc, in interleaved rounds; then instructions per operation."""
import json
import math
import os
import pathlib
import sys
import time

from . import instructions, launch, machine, peers, report, rounds, workloads
from .build import build


def add_arguments(commands):
    """The command line of `bench/run.py malloc`."""
    p = rounds.add_command(commands, run, "programs under every malloc", 3, plots="time.svg and rss.svg")
    p.add_argument("--peers", default=",".join(peers.LIBRARIES), metavar="A,B",
                   help="which mallocs, in this order (default: %(default)s)")
    p.add_argument("--add", action="append", default=[], metavar="NAME=PATH",
                   help="measure another library as well, such as an earlier build")
    p.add_argument("--only", default="", metavar="A,B", help="only these workloads, and no instruction counts")
    p.add_argument("--scale", type=float, default=1, help="times the usual work (default 1)")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: one per core")
    p.add_argument("--timeout", type=int, default=60, help="seconds that one run may take (default 60)")
    p.add_argument("--no-instructions", action="store_true", help="leave out the instructions per operation")
    p.add_argument("--again", metavar="FILE", help="measure nothing: print the result that --json wrote there")
    p.add_argument("--list", action="store_true", help="name the workloads and end")


def run(arguments):
    """0 when every workload passed its self check under every malloc, else 1."""
    _require_sense(arguments)
    if arguments.again:
        result, failures = _read(arguments.again), []
    else:
        chosen = _chosen(workloads.every(arguments.scale, arguments.threads), arguments.only)
        if arguments.list:
            print("\n".join(w.name for w in chosen))
            return 0
        result, failures = _measure(chosen, arguments)
    print(report.as_text(result))
    _write(result, arguments)
    for each in failures:
        print(f"bench: FAILED {each}", file=sys.stderr)
    return 1 if failures else 0


def _measure(chosen, arguments):
    found = peers.chosen(arguments.peers, arguments.add)
    build()
    runs, failures = _rounds(_runnable(chosen), found, arguments)
    load = machine.load()  # of the rounds, not of what is counted now
    return {"machine": machine.describe(), "load": load, "rounds": arguments.rounds,
            "scale": arguments.scale, "threads": arguments.threads,
            "peers": {p.name: p.version for p in found}, "runs": runs,
            "instructions": _instructions(found, arguments)}, failures


def _instructions(found, arguments):
    if arguments.only or arguments.no_instructions:
        return {}
    if not instructions.countable():
        print("bench: no instructions counted, because valgrind is not installed", file=sys.stderr)
        return {}
    return instructions.count(found)


def _require_sense(arguments):
    """Refuse now what minutes of measuring would end in."""
    if not 0 < arguments.scale < math.inf or arguments.threads < 1 or arguments.timeout < 1:
        sys.exit("bench: --scale, --threads and --timeout must be positive")


def _read(file):
    try:
        result = json.loads(pathlib.Path(file).read_text())
        report.as_text(result)
        return result
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        sys.exit(f"bench: {file} holds no result of --json")


def _write(result, arguments):
    try:
        if arguments.markdown:
            pathlib.Path(arguments.markdown).write_text(report.as_markdown(result, _way_to_plots(arguments)))
        if arguments.json:
            pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1))
        if arguments.plots:
            for quantity, drawing in report.plots(result).items():
                (pathlib.Path(arguments.plots) / f"{quantity}.svg").write_text(drawing)
    except OSError as refused:
        sys.exit(f"bench: cannot write {refused.filename}: {refused.strerror}")


def _way_to_plots(arguments):
    """From the page to the folder of the plots; empty when none are drawn."""
    if not arguments.plots:
        return ""
    way = os.path.relpath(arguments.plots, pathlib.Path(arguments.markdown).parent)
    return f"{way}/"


def _chosen(all_of_them, only):
    names = [n for n in only.split(",") if n]
    for name in names:
        if name not in {w.name for w in all_of_them}:
            sys.exit(f"bench: no workload is called {name}; --list names them")
    return [w for w in all_of_them if not names or w.name in names]


def _runnable(chosen):
    for workload in chosen:
        for program in workload.missing():
            print(f"bench: left out, because {program} is not installed: {workload.name}", file=sys.stderr)
    return [w for w in chosen if not w.missing()]


def _rounds(chosen, found, arguments):
    """{workload: {peer: [run, ...]}} and what failed. The order of peers turns by one each round, so that none always
    runs after the same neighbour; a pair that failed once is not run again."""
    mallocs = {w.name: found + (peers.purging(found) if w.idles else []) for w in chosen}
    runs = {workload: {p.name: [] for p in those} for workload, those in mallocs.items()}
    failures, expected = {}, {}
    total, done, begin = arguments.rounds * sum(map(len, mallocs.values())), 0, time.monotonic()
    for turn in range(arguments.rounds):
        for workload in chosen:
            those = mallocs[workload.name]
            for peer in those[turn % len(those):] + those[:turn % len(those)]:
                done += 1
                _progress(done, total, begin, turn, workload.name, peer.name)
                if (workload.name, peer.name) in failures:
                    continue
                try:
                    cost = launch.once(workload, peer, arguments.timeout)
                    output = cost.pop("output")
                    if workload.same_output and expected.setdefault(workload.name, output) != output:
                        raise launch.SelfCheckFailed(f"{workload.name} under {peer.name}: printed something else")
                    runs[workload.name][peer.name].append(cost)
                except launch.SelfCheckFailed as failed:
                    failures[workload.name, peer.name] = str(failed)
                    runs[workload.name][peer.name].clear()
    print("", file=sys.stderr)
    return runs, list(failures.values())


def _progress(done, total, begin, turn, workload, peer):
    passed = time.monotonic() - begin
    left = f", {passed / (done - 1) * (total - done + 1):.0f} s left" if done > 1 else ""
    end = "" if sys.stderr.isatty() else "\n"
    if end and done % 25 != 1:  # a log file wants a line now and then, not one per run
        return
    print(f"\r\033[K[{done}/{total}] round {turn + 1}: {workload} under {peer}{left}" if not end else
          f"[{done}/{total}] round {turn + 1}: {workload} under {peer}{left}", end=end, file=sys.stderr, flush=True)
