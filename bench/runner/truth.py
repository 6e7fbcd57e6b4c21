"""bench/run.py truth - whether what is counted of a program is what Valgrind and heaptrack count of the same program.

Valgrind and our recorder watch the same run of a program, so that all they count must be equal. heaptrack has a run of its
own; what it counts besides is libstdc++'s 72,704 bytes, which it brings along, and what the program does with an environment
that is another. `ashlar import` makes traces of what the others wrote, so that one report counts all. Needs the products
(./dev build), valgrind, and heaptrack for its rows.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from . import machine, report, rounds
from .build import PROGRAMS, ROOT, build

TOOL = ROOT / "out" / "bin" / "ashlar"
RECORDER = ROOT / "out" / "lib" / "libashlar-record.so"
INPUTS = ROOT / "bench" / "workloads" / "inputs"
FIGURES = ("allocations", "frees", "bytes_allocated", "peak_bytes", "leaked_blocks", "leaked_bytes", "temporary_blocks")


# Valgrind does not tell which thread called, nor a free of one from a grant of another at that moment.
OF_ONE_THREAD = ("peak_bytes", "temporary_blocks")


def add_arguments(commands):
    """The command line of `bench/run.py truth`."""
    p = rounds.add_command(commands, run, "whether Valgrind and heaptrack count what we count of the same program")
    p.add_argument("--only", metavar="LIST", help="these programs, separated by commas")


def programs():
    """{name: command}"""
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    sql = "create table t(a, b); with recursive n(x) as (select 1 union all select x + 1 from n where x < 4000) insert into t select x, x || 'text' from n; create index i on t(b); select count(*) from t where b like '9%';"
    found = {
        "sqlite3": ["sqlite3", "-batch", ":memory:", sql],
        "python3": ["/usr/bin/python3", "-S", "-c", "import json; x = [json.loads(json.dumps({str(i): [i] * (i % 9)})) for i in range(600)]"],
        "lua": ["lua5.4", "-e", "t = {} for i = 1, 20000 do t[i % 977] = string.rep(tostring(i), i % 40) end"],
        "cc1plus": [compiler, "-quiet", "-std=c++17", "-o", "/dev/null", "source.cpp"],
        "git": ["git", "--no-pager", "-C", str(ROOT), "log", "--stat", "-n", "40"],
        "perl": ["perl", "-e", "my %h; $h{$_ % 977} .= \"x$_\" for 1..20000; print length join ',', sort values %h"],
        "xmllint": ["xmllint", "--noout", "source.xml"],
        "jq": ["jq", "-c", "[range(3000) | {a: ., b: (tostring * 3)}] | map(.a) | add"],
        "threads": [str(PROGRAMS / "sh6"), "0.02", "2", "migrate"],
    }
    return {name: row for name, row in found.items() if shutil.which(row[0])}


def run(arguments):
    """0 when everything ran and Valgrind's figures are ours."""
    build()
    if not TOOL.exists() or not shutil.which("valgrind"):
        sys.exit("bench: build the products first (./dev build); valgrind is needed too")
    wanted = programs()
    if arguments.only:
        wanted = {name: row for name, row in wanted.items() if name in arguments.only.split(",")}
    results, unequal = {}, []
    with tempfile.TemporaryDirectory(prefix="ashlar-truth-") as folder:
        _write_inputs(pathlib.Path(folder))
        for name, command in wanted.items():
            print(f"{name} ...", file=sys.stderr)
            results[name] = _count(command, pathlib.Path(folder))
            told = results[name]
            differ = [f for f in FIGURES if told["ashlar"][f] != told["valgrind"][f] and not (name == "threads" and f in OF_ONE_THREAD)]
            if differ:
                unequal.append(f"{name}: {', '.join(differ)}")
    header = ["program", "counted by", *(f.replace("_", " ") for f in FIGURES)]
    rows = [[name if way == "ashlar" else "", way, *(f"{told[f]:,}" for f in FIGURES)] for name, ways in results.items() for way, told in ways.items()]
    report.tell(arguments, machine.sentence(rounds=1), [("The same program, counted by three", header, rows)], {"results": results})
    if unequal:
        print("Valgrind counts something else for " + "; ".join(unequal), file=sys.stderr)
    return 1 if unequal else 0


def _count(command, folder):
    environment = {k: v for k, v in os.environ.items() if not re.match("ASHLAR_|LD_PRELOAD", k)}
    environment |= {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0", "LC_ALL": "C", "GIT_PAGER": "cat"}
    quiet = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, "cwd": folder, "env": environment}
    for old in folder.glob("t.*"):
        old.unlink()
    with open(folder / "t.valgrind", "w", encoding="utf-8") as text:
        both = quiet | {"env": environment | {"LD_PRELOAD": str(RECORDER), "ASHLAR_TRACE": str(folder / "t.own")}}
        subprocess.run(["valgrind", "--trace-malloc=yes", "--run-libc-freeres=no", "--run-cxx-freeres=no", "--soname-synonyms=somalloc=nouserintercepts", *command], check=False, stderr=text, **both)
    subprocess.run([TOOL, "import", "t.valgrind"], check=True, cwd=folder, stderr=subprocess.DEVNULL)
    ways = {"ashlar": _figures(folder / "t.own"), "valgrind": _figures(folder / "t.valgrind.trace")}
    if shutil.which("heaptrack"):
        subprocess.run(["heaptrack", "--raw", "-o", "t.heaptrack", *command], check=False, stderr=subprocess.DEVNULL, **quiet)
        raw = next(folder.glob("t.heaptrack.raw.*"))
        with open(folder / "t.heaptrack", "wb") as text:
            subprocess.run(["zstd" if raw.suffix == ".zst" else "gzip", "-dc", str(raw)], stdout=text, check=True)
        subprocess.run([TOOL, "import", "t.heaptrack"], check=True, cwd=folder, stderr=subprocess.DEVNULL)
        ways["heaptrack"] = _figures(folder / "t.heaptrack.trace")
    return ways


def _figures(trace):
    told = subprocess.run([TOOL, "report", "--json", "--no-symbols", str(trace)], stdout=subprocess.PIPE, check=True).stdout
    all_figures = json.loads(told)
    return {f: all_figures[f] for f in FIGURES}


def _write_inputs(folder):
    (folder / "source.cpp").write_text("template <int N> struct f { static const int value = f<N - 1>::value + N; };\n"
                                       "template <> struct f<0> { static const int value = 0; };\n"
                                       "int main() { return f<400>::value; }\n", encoding="utf-8")
    items = "".join(f"<item id=\"{i}\"><name>n{i % 97}</name></item>" for i in range(2000))
    (folder / "source.xml").write_text(f"<?xml version=\"1.0\"?><all>{items}</all>", encoding="utf-8")
