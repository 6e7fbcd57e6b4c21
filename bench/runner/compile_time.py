"""bench/run.py compile_time - what including Ashlar costs a compiler, beside the standard headers it replaces."""
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

from . import machine, report, rounds
from .build import ROOT
from .figures import median, spread

LAYERS = ("foundation", "os", "strategy", "compose", "ownership")
STANDARD = "memory_resource and vector"
UMBRELLA = "ashlar/ashlar.hpp"
SOURCES = {STANDARD: "#include <memory_resource>\n#include <vector>\n", UMBRELLA: '#include "ashlar/ashlar.hpp"\n',
           "memory": "#include <memory>\n", **{f"ashlar/{layer}.hpp": f'#include "ashlar/{layer}.hpp"\n' for layer in LAYERS}}


def add_arguments(commands):
    """The command line of `bench/run.py compile_time`."""
    p = rounds.add_command(commands, run, "what including Ashlar costs a compiler", 15, each="pair is compiled")
    p.add_argument("--compiler", action="append", help="default: g++ and clang++-19")
    p.add_argument("--lines-only", action="store_true", help="only count what the preprocessor leaves")


def run(arguments):
    """0 when the umbrella costs less than the standard headers, by lines and (unless --lines-only) by time: the median of
    the rounds' ratios."""
    with tempfile.TemporaryDirectory() as folder:
        include = [f"-I{ROOT / 'include'}", f"-I{_umbrellas(pathlib.Path(folder))}"]
        rows, dearer, times_each = [], [], 0 if arguments.lines_only else arguments.rounds
        for compiler in arguments.compiler or ("g++", "clang++-19"):
            lines = {name: _lines(compiler, include, text) for name, text in SOURCES.items()}
            times, ratios = _rounds(compiler, include, times_each)
            for name in SOURCES:
                rows.append([compiler, name, str(lines[name]), f"{lines[name] / lines[STANDARD]:.2f}",
                             *((f"{1000 * median(times[name]):.0f}", f"{median(ratios[name]):.2f}",
                                f"{spread(ratios[name]):.2f}") if times_each else (None, None, None))])
            if lines[UMBRELLA] >= lines[STANDARD] or (times_each and median(ratios[UMBRELLA]) >= 1):
                dearer.append(compiler)
    header = ["compiler", "included", "lines", "ratio of lines", "user time (ms)", "ratio of time", "MAD of it"]
    report.tell(arguments, machine.sentence(rounds=times_each), [("Lines and time", header, rows)],
                [dict(zip(header, row)) for row in rows], opening=["# What including Ashlar costs", INTRODUCTION])
    for compiler in dearer:
        print(f"bench: by {compiler} the umbrella costs more than {STANDARD}", file=sys.stderr)
    return 1 if dearer else 0


INTRODUCTION = """Made by `bench/run.py compile_time --markdown docs/benchmarks/compile_time.md`: `-fsyntax-only` in interleaved
rounds, the compiler's own user time, the median; lines are what the preprocessor leaves, without empty ones and markers.
Ratios are over `<memory_resource>` and `<vector>` together. In each round every header is compiled between two compilations
of these: its ratio is over the mean of the two, and the table has the median of the rounds' ratios, and their median absolute
deviation. So a machine that slows down for a while slows both. `--lines-only` counts only, and is a test."""


def _rounds(compiler, include, count):
    """Of every source the times, and their ratios over the standard headers compiled just before and just after."""
    times, ratios = {name: [] for name in SOURCES}, {name: [] for name in SOURCES}
    _seconds(compiler, include, SOURCES[STANDARD])  # the compiler itself comes from the disk once
    for _ in range(count):
        before = _seconds(compiler, include, SOURCES[STANDARD])
        for name, text in SOURCES.items():
            time = _seconds(compiler, include, text)
            after = _seconds(compiler, include, SOURCES[STANDARD])
            times[name].append(time)
            ratios[name].append(2 * time / (before + after))
            before = after
    return times, ratios


def _umbrellas(folder):
    """The umbrella headers, written by the build itself."""
    script = folder / "CMakeLists.txt"
    script.write_text("cmake_minimum_required(VERSION 3.25)\nproject(umbrellas LANGUAGES NONE)\n"
                      f"set(PROJECT_SOURCE_DIR {ROOT})\nset(ASHLAR_UMBRELLAS {folder}/made)\n"
                      f"include({ROOT}/cmake/umbrellas.cmake)\nashlar_read_layers()\nashlar_write_umbrellas()\n")
    done = subprocess.run(["cmake", "-S", str(folder), "-B", str(folder / "build")], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: the umbrella headers could not be written\n{done.stdout}")
    return folder / "made"


def _compile(compiler, include, text, *how):
    done = subprocess.run([compiler, "-std=c++20", *include, "-x", "c++", *how, "-"], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {compiler} cannot compile\n{text}{done.stderr}")
    return done.stdout


def _lines(compiler, include, text):
    return sum(1 for line in _compile(compiler, include, text, "-E").splitlines() if line.strip() and not re.match(r"#\s*\d", line))


def _seconds(compiler, include, text):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    _compile(compiler, include, text, "-fsyntax-only")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
