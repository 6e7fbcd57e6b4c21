"""bench/run.py recorder - what recording costs a program that allocates at many depths, beside heaptrack: time, bytes, two threads at
once, memory; and a walk of the stack.

Needs the products (./dev build). heaptrack is left out where it is not installed.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from . import machine, report, rounds
from .build import PROGRAMS, ROOT, build
from .figures import median
from .launch import LAUNCHER

RECORDER = ROOT / "out" / "lib" / "libashlar-record.so"
TOOL = ROOT / "out" / "bin" / "ashlar"
WAYS = ("plain", "recorded", "with stacks", "heaptrack")
OURS = ("plain", "recorded", "with stacks", "sampled")
JSON = "import json; d = [{'k%d' % i: [j for j in range(i % 50)]} for i in range(12000)]; e = json.loads(json.dumps(d))"


def add_arguments(commands):
    """The command line of `bench/run.py recorder`."""
    p = rounds.add_command(commands, run, "what recording costs, with and without call stacks, beside heaptrack", 7, each="way is run")
    p.add_argument("--size", type=rounds.positive, default=8000, metavar="N", help="rounds of the program itself (default 8000)")


def run(arguments):
    """0 when everything ran."""
    build()
    if not RECORDER.exists() or not TOOL.exists():
        sys.exit("bench: build the products first: ./dev build")
    walks = rounds.figures("unwind", 200)
    with tempfile.TemporaryDirectory(prefix="ashlar-bench-") as folder:
        costs, sizes = _program(arguments, pathlib.Path(folder))
        threads = _threads(arguments, pathlib.Path(folder))
        memory = _memory(pathlib.Path(folder))
    report.tell(arguments, machine.sentence(rounds=arguments.rounds), [("A walk of the stack (ns, median)", *_walks(walks)),
                ("calls: CPU time and bytes (median)", *_costs(costs, sizes)), ("calls: two threads at once (median)", *_scaling(threads)),
                ("Greatest resident memory (median of three, MiB)", *_resident(memory))],
                {"walks": walks, "costs": costs, "sizes": sizes, "threads": threads, "memory": memory})
    return 0


def _program(arguments, folder):
    """({way: [CPU seconds]}, {way: bytes, events: ...}) of interleaved runs."""
    ways = [w for w in WAYS if w != "heaptrack" or shutil.which("heaptrack")]
    program = [str(PROGRAMS / "calls"), str(arguments.size)]
    costs, sizes = {w: [] for w in ways}, {}
    for _ in range(arguments.rounds):
        for way in ways:
            costs[way].append(_once(way, program, folder))
    for way, name in (("recorded", "recorded"), ("with stacks", "with_stacks")):
        trace = folder / name
        told = json.loads(subprocess.run([str(TOOL), "report", "--json", "--no-symbols", str(trace)], stdout=subprocess.PIPE, check=True).stdout)
        sizes[way] = {"bytes": trace.stat().st_size, "zstd": _zstd(trace), "events": told["allocations"] + told["frees"], "pairs": told["frees"]}
    if "heaptrack" in ways:
        subprocess.run(["heaptrack", "--raw", "-o", str(folder / "raw"), *program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        raw = next(folder.glob("raw.raw.*"))
        whole = subprocess.run(["zstd" if raw.suffix == ".zst" else "gzip", "-dc", str(raw)], stdout=subprocess.PIPE, check=False)
        sizes["heaptrack"] = {"bytes": len(whole.stdout), "zstd": raw.stat().st_size, "events": sizes["with stacks"]["events"], "pairs": sizes["with stacks"]["pairs"]}
    return costs, sizes


def _environment(way, trace):
    trace.unlink(missing_ok=True)
    environment = {k: v for k, v in os.environ.items() if not re.match("ASHLAR_|LD_PRELOAD", k)}
    if way in ("recorded", "with stacks", "sampled"):
        environment |= {"LD_PRELOAD": str(RECORDER), "ASHLAR_TRACE": str(trace)}
    return environment | {"with stacks": {"ASHLAR_TRACE_STACKS": "64"}, "sampled": {"ASHLAR_TRACE_SAMPLE": "512000"}}.get(way, {})


def _once(way, program, folder):
    """CPU seconds of everything that ran for it, and seconds that passed."""
    environment = _environment(way, folder / way.replace(" ", "_"))
    command = (["heaptrack", "-o", str(folder / "h")] if way == "heaptrack" else []) + program
    before, began = os.times(), time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=True)
    after = os.times()
    return {"cpu": after.children_user + after.children_system - before.children_user - before.children_system,
            "wall": time.monotonic() - began}


def _threads(arguments, folder):
    """{way: {threads: [run]}}, each thread doing the same work; interleaved."""
    told = {way: {"1": [], "2": []} for way in OURS}
    for _ in range(arguments.rounds):
        for way in OURS:
            for n in ("1", "2"):
                told[way][n].append(_once(way, [str(PROGRAMS / "calls"), str(arguments.size), n], folder))
    return told


def _scaling(threads):
    rows = []
    for way, told in threads.items():
        one, two = ({k: median([run[k] for run in told[n]]) for k in ("cpu", "wall")} for n in ("1", "2"))
        rows.append([way, f"{one['wall']:.2f}", f"{two['wall']:.2f}", f"{one['wall'] / two['wall']:.2f}", f"{2 * one['cpu'] / two['cpu']:.2f}"])
    return ["way", "one thread, wall s", "two threads, wall s", "of linear, by wall time", "by CPU time"], rows


def _memory(folder):
    """{program: {way: [KiB]}} and what was live at the peak."""
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    source = folder / "source.cpp"
    source.write_text("#include <iostream>\n#include <map>\n#include <regex>\nint main() { std::regex r(\"[a-z]+\"); std::map<int, int> m; }\n")
    subprocess.run(["g++", "-std=c++20", "-E", "-o", str(folder / "source.ii"), str(source)], check=True)
    programs = {"python3, JSON": ["/usr/bin/python3", "-c", JSON],
                "cc1plus": [compiler, "-quiet", "-std=c++20", "-fpreprocessed", "-o", os.devnull, str(folder / "source.ii")]}
    told = {}
    for name, command in programs.items():
        told[name] = {way: [_peak(way, command, folder) for _ in range(3)] for way in OURS}
        done = subprocess.run([str(TOOL), "report", "--json", "--no-symbols", str(folder / "recorded")], stdout=subprocess.PIPE, check=True)
        told[name]["live blocks"] = json.loads(done.stdout)["blocks_at_peak"]
    return told


def _peak(way, command, folder):
    """KiB. Started by the small launcher: a child's peak counts that of the image it was made from."""
    environment = _environment(way, folder / way.replace(" ", "_")) | {"PYTHONMALLOC": "malloc"}
    reader, writer = os.pipe()
    library = environment.pop("LD_PRELOAD", "")
    launched = [LAUNCHER, "--report-fd", str(writer), "--preload", library, "--timeout", "100", "--repeat", "1", "--", *command]
    done = subprocess.run(launched, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, pass_fds=[writer], check=False)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        report = pipe.read()
    if done.returncode != 0 or not report:
        sys.exit(f"bench: {command[0]} ended with status {done.returncode}")
    return json.loads(report)["max_rss_kib"]


def _resident(memory):
    rows = []
    for name, told in memory.items():
        plain = median(told["plain"])
        rows.append([name, f"{told['live blocks']:,}", f"{plain / 1024:.1f}",
                     *(f"{(median(told[way]) - plain) / 1024:+.1f}" for way in OURS[1:])])
    return ["program", "live blocks at its peak", "plain", *(f"{way} adds" for way in OURS[1:])], rows


def _zstd(file):
    if not shutil.which("zstd"):
        return None
    return len(subprocess.run(["zstd", "-3", "-c", str(file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)


def _walks(walks):
    names = list(dict.fromkeys(w["way"] for w in walks))
    rows = {}
    for w in walks:
        rows.setdefault(w["frames"], {})[w["way"]] = w["ns"]
    over = [n for n in names if n != "libunwind"] if "libunwind" in names else []
    header = ["frames", *names, *(f"{n} / libunwind" for n in over)]
    return header, [[str(f), *(f"{row[n]:.0f}" for n in names), *(f"{row[n] / row['libunwind']:.2f}" for n in over)] for f, row in rows.items()]


def _costs(costs, sizes):
    header = ["way", "CPU s", "wall s", "added ns a pair", "heaptrack adds, times as much", "bytes an event", "zstd -3, bytes an event"]
    added = {way: max(median([c["cpu"] for c in measured]) - median([c["cpu"] for c in costs["plain"]]), 1e-9) for way, measured in costs.items()}
    plain, rows = median([c["cpu"] for c in costs["plain"]]), []
    for way, measured in costs.items():
        cpu, size = median([c["cpu"] for c in measured]), sizes.get(way)
        rows.append([way, f"{cpu:.3f}", f"{median([c['wall'] for c in measured]):.2f}",
                     f"{1e9 * (cpu - plain) / size['pairs']:.0f}" if size else "",
                     f"{added['heaptrack'] / added[way]:.1f}" if size and "heaptrack" in added else "", f"{size['bytes'] / size['events']:.2f}" if size else "",
                     f"{size['zstd'] / size['events']:.2f}" if size and size["zstd"] else ""])
    return header, rows
