"""bench/run.py traces - the general heaps against glibc's malloc, on the recorded allocations of Debian's programs."""
import json
import pathlib
import subprocess
import sys
import tempfile

from . import machine, plot, report, rounds
from .figures import geometric_mean

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "out" / "bin" / "ashlar"
AIMS = {"best_fit": 1.05, "tlsf": 1.12}  # footprint over live bytes; of the time the aim is less than glibc's
ENGINES = ("system", "best_fit", "cached_best_fit", "tlsf", "cached_tlsf", "first_fit", "buddy")

PYTHON = """
import json
d = {}
for i in range(60000):
    d.setdefault("k%d" % (i * 7919 % 20011), []).append({"a": i, "b": str(i) * 3})
    if i % 3 == 0: d.pop("k%d" % (i * 31 % 20011), None)
print(len(json.loads(json.dumps(d))))
"""
SQL = """
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<60000) INSERT INTO t SELECT i, hex(i*7919)||hex(i), i*0.5 FROM n;
CREATE INDEX tb ON t(b); SELECT count(*), sum(length(b)) FROM t WHERE b>'3';
UPDATE t SET b=b||'x' WHERE a%7=0; DELETE FROM t WHERE a%5=0; VACUUM;
"""
PERL = """
my %h; for my $i (1..150000) { push @{$h{"k".($i*7919%30011)}}, "v" x ($i%60); delete $h{"k".($i*31%30011)} if $i%4==0; }
my $n=0; $n+=length join(",", @{$h{$_}}) for sort keys %h; print "$n\\n";
"""
LUA = """
local t, n = {}, 0
for i=1,150000 do local k="k"..(i*7919%30011); t[k]=t[k] or {}; table.insert(t[k],{i,tostring(i)}); if i%4==0 then t["k"..(i*31%30011)]=nil end end
for _, v in pairs(t) do n=n+#v end print(n)
"""
CPP = """
#include <iostream>
#include <map>
#include <regex>
int main() { std::map<int, std::string> m; std::regex r("a+"); std::cout << m.size() << std::regex_match("aa", r); }
"""


def add_arguments(commands):
    """The command line of `bench/run.py traces`."""
    p = rounds.add_command(commands, run, "the general heaps on recorded traces, against glibc's malloc", 3,
                           each="pair is timed", plots="plots of times and footprints as SVG")
    p.add_argument("--limit", type=rounds.positive, default=1_000_000, help="most steps of a trace (default 1,000,000)")


def run(arguments):
    """0 when every program could be recorded and every heap served its trace."""
    if not TOOL.exists():
        sys.exit("bench: out/bin/ashlar is missing: ./dev build")
    told = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, command in _programs(pathlib.Path(folder)):
            trace = _record(name, command, folder)
            told[name] = _replay(trace, arguments) | _rounded(trace)
    sections = [("CPU time of an operation (ns, median; in brackets over glibc's)", *_times(told)),
                ("Peak footprint over live bytes", *_footprints(told))]
    described = machine.sentence(rounds=arguments.rounds, load=f"{machine.load():.1f}")
    report.tell(arguments, described, sections, told, opening=[
        "# The general heaps on recorded traces", "By `./dev bench traces`: what is recorded, and what the columns mean, is in"
        " [the overview](README.md).", _verdict(told), WHY], drawings=_drawings(told))
    refused = [f"{e} refused {name}" for name, t in told.items() for e in ENGINES if e not in t["rows"]]
    print(*refused, sep="\n", file=sys.stderr, end="\n" if refused else "")
    return 1 if refused else 0


def _programs(folder):
    """(name, command) of each; every object of the first python3 is a block, the second keeps small ones to itself."""
    files = {"work.py": PYTHON, "work.sql": SQL, "work.pl": PERL, "work.lua": LUA, "work.cpp": CPP}
    for name, text in files.items():
        (folder / name).write_text(text)
    python = ["/usr/bin/python3", str(folder / "work.py")]
    yield "python3 -X malloc", ["env", "PYTHONMALLOC=malloc", "PYTHONHASHSEED=0", *python]
    yield "python3", ["env", "PYTHONHASHSEED=0", *python]
    yield "sqlite3", ["sqlite3", ":memory:", f".read {folder / 'work.sql'}"]
    yield "perl", ["perl", str(folder / "work.pl")]
    yield "lua", ["lua5.4", str(folder / "work.lua")]
    yield "g++", ["g++", "-fsyntax-only", str(folder / "work.cpp")]
    yield "redis", ["sh", "-c", f"""redis-server --port 0 --unixsocket {folder}/r.sock --save '' > {folder}/r.log & server=$!
        while [ ! -S {folder}/r.sock ] && kill -0 $server; do sleep 0.1; done
        env -u LD_PRELOAD redis-benchmark -s {folder}/r.sock -n 20000 -r 10000 -d 100 -q -P 16 -t set,lpush,hset,sadd,lpop
        kill $server; wait $server"""]


def _record(name, command, folder):
    """The program's longest trace: what it starts has traces of its own."""
    trace = pathlib.Path(folder) / "t.trace"
    for old in trace.parent.glob("t.trace*"):
        old.unlink()
    done = subprocess.run([str(TOOL), "record", "-o", str(trace), "--", *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    traces = sorted(trace.parent.glob("t.trace*"), key=lambda p: p.stat().st_size)
    if not traces:
        sys.exit(f"bench: {name} could not be recorded\n{done.stderr}")
    return traces[-1]


def _replay(trace, arguments):
    command = [str(TOOL), "replay", "--json", "--no-latency", "--rounds", str(arguments.rounds), "--limit", str(arguments.limit),
               "--engines", ",".join(ENGINES), str(trace)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=240, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: the replay ended with status {done.returncode}")
    told = json.loads(done.stdout)
    return {"steps": told["steps"], "peak_bytes": told["peak_bytes"],
            "rows": {r["name"]: r for r in told["rows"] if "refused" not in r}}


def _rounded(trace):
    """What rounding alone costs: bytes granted over bytes asked for, of all blocks, in steps of 16 and in powers of two."""
    done = subprocess.run([str(TOOL), "report", "--json", str(trace)], stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    sizes = json.loads(done.stdout)["sizes"]
    others = {c["from"]: [c["blocks"], c["bytes"], c["to"] + 1] for c in sizes["classes"]}
    asked = steps = powers = 0
    for top in sizes["top"]:  # exactly; the sizes beyond the hundred most frequent by their class
        size, blocks = top["size"], top["blocks"]
        asked += size * blocks
        steps += -(-size // 16) * 16 * blocks
        powers += max(16, 1 << (size - 1).bit_length()) * blocks
        of = others[1 << (size.bit_length() - 1)]
        of[0], of[1] = of[0] - blocks, of[1] - size * blocks
    for blocks, size, power in others.values():
        asked, steps, powers = asked + size, steps + size + 8 * blocks, powers + max(16, power) * blocks
    return {"steps_of_16": steps / asked, "powers_of_two": powers / asked}


def _over_glibc(told, engine):
    return [t["rows"][engine]["ns_per_op"] / t["rows"]["system"]["ns_per_op"] for t in told.values() if engine in t["rows"]]


def _verdict(told):
    """The aims, and by how much they are missed."""
    lines = []
    for engine, aim in AIMS.items():
        alone, cached = _over_glibc(told, engine), _over_glibc(told, f"cached_{engine}")
        held = {name: t["rows"][engine]["peak_footprint_ratio"] for name, t in told.items() if engine in t["rows"]}
        missed = ", ".join(f"{name} {ratio:.3f}" for name, ratio in held.items() if round(ratio, 3) > aim)
        lines.append(f"- `{engine}`: the aim is less time than glibc's malloc takes, and {aim} of the live bytes at the peak. It takes"
                     f" {geometric_mean(alone):.2f} of glibc's time by the geometric mean ({min(alone):.2f} to {max(alone):.2f}), behind"
                     f" `compose/cached.hpp` {geometric_mean(cached):.2f} ({min(cached):.2f} to {max(cached):.2f})."
                     f" It holds more than {aim} in {len(missed.split(', ')) if missed else 0} of {len(held)}: {missed or '-'}.")
    return "\n".join(["## The aims", "", *lines])


WHY = """Why: glibc's malloc hands the small block that was freed last out again and looks at no neighbour; `best_fit` and `tlsf`
join a freed block to its neighbours at once, which is what keeps them small, and pay for it where a program frees and takes
the same sizes again (sqlite3, redis, g++). The cache in front is what glibc's malloc has of its own. Of the footprint, steps
of 16 and the border map's 1/64 are there before anything is lost: the column of steps (of all blocks; at the peak the mix is
another) times 1.016 leaves little of the aim of 1.05. python3 keeps its small objects to itself and asks for some 75 blocks of
128 KiB to 1.3 MiB as its tables grow: the holes that these leave stay resident until a whole region is free."""


def _times(told):
    rows = []
    for name, t in told.items():
        system = t["rows"]["system"]["ns_per_op"]
        cells = [f"{f['ns_per_op']:.0f} ({f['ns_per_op'] / system:.2f})" if (f := t["rows"].get(e)) else None for e in ENGINES]
        rows.append([name, str(t["steps"]), *cells])
    means = [geometric_mean(_over_glibc(told, e)) for e in ENGINES]
    return ["program", "steps", *ENGINES], [*rows, ["geometric mean over glibc", "", *means]]


def _drawings(told):
    """Times over glibc's malloc, and footprints over what was live."""
    times = [(name, {e: t["rows"][e]["ns_per_op"] / t["rows"]["system"]["ns_per_op"] for e in ENGINES[1:] if e in t["rows"]})
             for name, t in told.items()]
    held = [(name, {e: t["rows"][e]["peak_footprint_ratio"] for e in ENGINES if e in t["rows"]}) for name, t in told.items()]
    return {"times": plot.bars("The general heaps on recorded traces", "CPU time over that of glibc's malloc, the line at 1; lower"
                               " is better", ENGINES[1:], times, 2),
            "footprints": plot.bars("What the general heaps hold at the peak", "over live bytes; the line at 1 is nothing lost",
                                    ENGINES, held, 2)}


def _footprints(told):
    rows = [[name, f"{t['peak_bytes'] / 2**20:.1f} MiB", *(f"{f['peak_footprint_ratio']:.3f}" if (f := t["rows"].get(e)) else None
             for e in ENGINES), f"{t['steps_of_16']:.3f}", f"{t['powers_of_two']:.3f}"] for name, t in told.items()]
    return ["program", "live at most", *ENGINES, "steps of 16 alone", "powers of two alone"], rows
