"""bench/run.py faults - what each malloc does when the system refuses it a call: strace fails the k-th, once and from then on.

The libraries are those that are shipped. brk is left alone: it returns the old break where it fails, which strace's injection
does not, so that what follows would be no fault of the malloc's.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from . import machine, peers, rounds, table
from .build import PROGRAMS, build
from .workloads import system_program

CALLS = ("mmap", "munmap", "madvise", "mprotect", "mremap")
MODES = {"once": "", "from then on": "+"}
LIMIT_MIB = 256
MEMORY_GROUP = pathlib.Path("/sys/fs/cgroup/memory")


def add_arguments(commands):
    """The command line of `bench/run.py faults`."""
    p = rounds.add_command(commands, run, "what each malloc does when the system refuses it a call")
    p.add_argument("--peers", default=",".join(peers.LIBRARIES), metavar="A,B", help="which mallocs (default: %(default)s)")
    p.add_argument("--most", type=rounds.positive, default=30, metavar="N",
                   help="at most so many calls of a kind are refused, evenly chosen (default %(default)s)")


def run(arguments):
    """0 unless ours crashed, hung, or corrupted anything."""
    if not system_program("strace"):
        sys.exit("bench: strace is not installed, and only it can refuse the calls of a library as it is")
    found = peers.chosen(arguments.peers)
    build("bench-faulted")
    result = {"machine": machine.describe(), "most": arguments.most, "mallocs": [p.name for p in found], "calls": {}, "limits": {}}
    for peer in found:
        print(f"bench: faults under {peer.name}", file=sys.stderr)
        made = counted(peer)
        for call in CALLS:
            chosen = spread(*made[call], arguments.most)
            for mode, more in MODES.items():
                ends = collections.Counter(refused(peer, call, f"{k}{more}") for k in chosen)
                result["calls"].setdefault(f"{call}, {mode}", {})[peer.name] = ends
        result["limits"].setdefault(f"RLIMIT_AS of {LIMIT_MIB} MiB, all taken and given back", {})[peer.name] = ended(peer, [str(LIMIT_MIB)])
    print(table.text(*cells(result)))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(as_markdown(result))
    ours = [ends.get(peers.OURS, {}) for ends in result["calls"].values()]
    return 1 if any(ends.get(word) for ends in ours for word in ("crashed", "hung", "corrupted")) else 0


def spread(first, last, most):
    """At most so many of first ... last, evenly."""
    count = last - first + 1
    return list(range(first, last + 1)) if count <= most else sorted({first + i * (count - 1) // (most - 1) for i in range(most)})


def _traced(peer, *options):
    return [system_program("strace"), "-f", "--seccomp-bpf", *options, "-E", f"LD_PRELOAD={peer.library}",
            "-E", f"ASHLAR_OPTIONS={peer.options}", str(PROGRAMS / "faulted")]


def counted(peer):
    """{call: (the first that is not the loader's, the last)} of an undisturbed run: the loader ends with the last file it maps."""
    with tempfile.NamedTemporaryFile("r") as log:
        done = subprocess.run(_traced(peer, "-o", log.name, "-e", f"trace={','.join(CALLS)}"), stdout=subprocess.PIPE, check=False)
        lines = re.findall(r"^(?:\d+ +)?(\w+\(.*)$", log.read(), re.M)
    if done.returncode != 0 or done.stdout != b"absorbed":
        sys.exit(f"bench: the workload itself fails under {peer.name} and strace: {done.stdout!r}")
    loaded = max(i for i, line in enumerate(lines) if line.startswith("mmap(") and not re.search(r", -1, 0x?0?\)", line)) + 1
    total = {call: [line.startswith(call + "(") for line in lines] for call in CALLS}
    return {call: (1 + sum(made[:loaded]), sum(made)) for call, made in total.items()}


def refused(peer, call, when):
    """How the workload ends when that call is refused."""
    command = _traced(peer, "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:error=ENOMEM:when={when}")
    return _ended(command, dict(os.environ))


def ended(peer, arguments):
    return _ended([str(PROGRAMS / "faulted"), *arguments],
                  {**os.environ, "LD_PRELOAD": peer.library, "ASHLAR_OPTIONS": peer.options})


def _ended(command, environment):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=15, check=False)
    except subprocess.TimeoutExpired:
        return "hung"
    if b"error while loading shared libraries" in done.stderr or b"cannot allocate TLS" in done.stderr or (
            done.returncode == 127 and not done.stdout):
        return "loader"  # it was the loader's own call
    return done.stdout.decode() if done.returncode == 0 else "crashed"


def cells(result):
    """(header, rows)."""
    names = result["mallocs"]
    rows = [[title, *(_cell(ends[name]) for name in names)] for title, ends in result["calls"].items()]
    return ["refused", *names], rows + [[title, *(ends[name] for name in names)] for title, ends in result["limits"].items()]


def _cell(ends):
    told = {word: n for word, n in ends.items() if word != "loader"}
    return ", ".join(f"{n} {word}" for word, n in sorted(told.items())) or "-"


def as_markdown(result):
    header, rows = cells(result)
    group = ("could be made here, and was not: its refusal is the kernel's killer, which no malloc sees" if os.access(MEMORY_GROUP, os.W_OK)
             else "could not be made here: its hierarchy cannot be written")
    return f"""# What each malloc does when the system refuses it a call

`./dev bench faults --most {result["most"]} --markdown FILE`. {machine.sentence(result["machine"])}. `strace -e inject` lets the
k-th call of a kind fail with `ENOMEM`, once, or from then on, for each k after the last file that the
loader maps (at most {result["most"]}, evenly chosen); a run is 4,000
mixed requests to 6 MB, whose every byte is checked (`bench/faults/faulted.cpp`). The libraries are as they are shipped.

*absorbed*: the program saw nothing of it. *refused*: a request gave null, everything else was right. *crashed*: a signal, an
abort, or another status. *hung*: not ended after 15 seconds; the machine was busy with other work, and a single one may be that.
*corrupted*: a block did not hold what was put there. What the loader still
calls for itself is not counted; `-`: it makes no such call. `brk` is left alone, because strace cannot make it fail as the kernel does.

{table.markdown(header, rows)}

The last row: blocks of 4 kB, of 100 kB and of 3 MB until one is refused, freed, and again; then one of three eighths of the
limit. *lost*: not even three quarters could be had again. A control group with a limit of memory {group}.
In-process, `malloc/faults/refused_calls` refuses every single call of a run of ours in each `./dev test`.
"""
