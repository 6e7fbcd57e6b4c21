"""bench/run.py attacks - what each malloc does when a program attacks it: finds it out, finds it late, faults, or goes on.

Each program attacks once, in one way, with blocks of one size. It counts as found only if it is found every time.
"""
import collections
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

from . import instructions, machine, peers, rounds, table
from .build import PROGRAMS, ROOT, build

SIZES = (8, 4096, 262144)
HARDENED = ROOT / "out" / "lib" / "libashlar-malloc-hardened.so"
TIERS = {"tier 0": (None, "guard_samples=0"), "tier 1": (HARDENED, "guard_samples=0"), "tier 2": (HARDENED, "harden=2,guard_samples=0")}
# From the best for the program to the worst; a program that was run several times counts as the worst of them.
VERDICTS = {"caught": "stopped with a word, before any harm was seen", "prevented": "there was nothing to be read",
            "late": "stopped with a word, after harm was seen", "crashed": "stopped by a fault without a word",
            "silent": "went on"}
READS = ("uninitialised leak", "read after free", "read")
GOOD = ("caught", "prevented")
PAIRS = ("batch",)  # the operation of bench/instructions/operations.cpp that a tier's cost is told by


def add_arguments(commands):
    """The command line of `bench/run.py attacks`."""
    p = rounds.add_command(commands, run, "what each malloc makes of attacks", 3, each="attack is run")
    p.add_argument("--peers", default=",".join(peers.LIBRARIES), metavar="A,B", help="which mallocs (default: %(default)s)")


def run(arguments):
    """0: what peers let pass is no failure of ours."""
    found = list(mallocs(peers.chosen(arguments.peers)))
    build()
    attacks = listed(PROGRAMS / "attacks")
    result = {"machine": machine.describe(), "rounds": arguments.rounds, "mallocs": [p.name for p in found], "verdicts": {}}
    for peer in found:
        print(f"bench: attacks under {peer.name}", file=sys.stderr)
        for kind, name, _ in attacks:
            verdicts = [worst(peer, kind, name, size, arguments.rounds) for size in SIZES]
            result["verdicts"].setdefault(f"{kind}: {name}", {})[peer.name] = verdicts
    result["costs"] = costs([p for p in found if p.name in TIERS], max(arguments.rounds, 15))
    print("\n\n".join(table.text(*each) for each in tables(result)))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(as_markdown(result))
    return 0


def mallocs(found):
    """The peers, and ours under each tier."""
    for peer in found:
        if peer.name != peers.OURS:
            yield peer
            continue
        for name, (library, options) in TIERS.items():
            yield peers.Peer(name, str(library or peer.library), "this tree", options)


def listed(program):
    """(kind, name, found by) of every attack, as the program tells them."""
    words = subprocess.run([str(program)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line.split("\t") for line in words.splitlines()]


def worst(peer, kind, name, size, times):
    """The worst verdict of several runs."""
    order, verdict = list(VERDICTS), "caught"
    for _ in range(times):
        if verdict != order[-1]:
            verdict = max(verdict, once(PROGRAMS / "attacks", peer.library, peer.options, kind, name, size), key=order.index)
    return verdict


def once(program, library, options, kind, name, size):
    """One of VERDICTS."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "ASHLAR_OPTIONS": options, "LIBC_FATAL_STDERR_": "1"}
    try:
        done = subprocess.run([str(program), kind, name, str(size)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment, timeout=5, check=False)
    except subprocess.TimeoutExpired:
        return "silent"  # a list that leads into itself
    harmed = b"harmed" in done.stdout
    if done.returncode == -signal.SIGABRT or done.stderr.strip():
        return "late" if harmed else "caught"
    if done.returncode != 0:
        return "crashed"
    return "prevented" if not harmed and (kind in READS or name in READS) else "silent"


def costs(tiers, times):
    """{tier: instructions and nanoseconds of malloc and free}: exact, and of rounds that take turns."""
    operations = [o for o in instructions.OPERATIONS if o[0] in PAIRS]
    counted = instructions.count(tiers, operations) if instructions.countable() else {}
    timed = {peer.name: [] for peer in tiers}
    for _ in range(times):
        for peer in tiers:
            environment = {**os.environ, "LD_PRELOAD": peer.library, "ASHLAR_OPTIONS": peer.options}
            done = subprocess.run([str(PROGRAMS / "pairs")], stdout=subprocess.PIPE, env=environment, text=True, check=True)
            timed[peer.name].append(float(done.stdout))
    return {"instructions": counted, "ns": {name: statistics.median(all_of) for name, all_of in timed.items() if all_of}}


def tables(result):
    """(header, rows): by kind, and what it costs."""
    names = result["mallocs"]
    kinds = collections.defaultdict(lambda: {name: [] for name in names})
    for title, by_malloc in result["verdicts"].items():
        for name, verdicts in by_malloc.items():
            kinds[title.split(":")[0]][name] += verdicts
            kinds["all"][name] += verdicts
    whole = kinds.pop("all")
    rows = [[kind, *(_cell(cells[name]) for name in names)] for kind, cells in kinds.items()]
    rows.append(["all", *(_cell(whole[name]) for name in names)])
    rows.append(["caught or prevented", *(f"{100 * _good(whole[name]) / len(whole[name]):.0f} %" for name in names)])
    yield ["attack", *names], rows
    cost = result["costs"]
    if cost["ns"]:
        yield ["malloc and free", *cost["ns"]], list(_cost_rows(cost))


def _cost_rows(cost):
    names = list(cost["ns"])
    for title, known in cost["instructions"].items():
        yield [f"instructions: {title}", *(f"{known[n]:.0f} ({known[n] / known[names[0]]:.2f})" for n in names)]
    yield ["time of a pair, 16 to 527 B, 1000 slots", *(f"{cost['ns'][n]:.1f} ns ({cost['ns'][n] / cost['ns'][names[0]]:.2f})" for n in names)]


def _good(verdicts):
    return sum(v in GOOD for v in verdicts)


def _cell(verdicts):
    """What was found of all; then what came late, and faults, where there were some."""
    words = [f"{_good(verdicts)} of {len(verdicts)}"]
    words += [f"{verdicts.count(v)} {v}" for v in ("late", "crashed") if verdicts.count(v)]
    return ", ".join(words)


def missed(result, malloc):
    """`kind: name` and the sizes at which this malloc does not find it."""
    for title, by_malloc in result["verdicts"].items():
        sizes = [f"{size} B ({v})" for size, v in zip(SIZES, by_malloc.get(malloc, ())) if v not in GOOD]
        if sizes:
            yield f"{title}: {', '.join(sizes)}"


def as_markdown(result):
    shown = list(tables(result))
    programs = len(result["verdicts"]) * len(SIZES)
    page = f"""# What attacks come to, and what finding them costs

`./dev bench attacks --markdown FILE`. {machine.sentence(result["machine"])}.
{programs} programs ({len(result["verdicts"])} attacks, blocks of {", ".join(str(s) for s in SIZES)} bytes), each run {result["rounds"]} times; the
worst time counts. They are `tests/malloc/program/attacks.cpp`, written for this table and compiled without optimisation; a test
holds our tiers to what the file promises of each. *Of*: ended with a word before the program could see any harm, or, of
attacks that read, nothing to be read (*prevented*). *Late*: ended with a word after harm was seen. *Crashed*: a signal and no
word. The rest went on. Tier 0 is `libashlar-malloc.so`, tier 1 `libashlar-malloc-hardened.so`, tier 2 the same with
`harden = 2`; all with `guard_samples = 0`, because what that finds is a matter of chance. The suite is ours: the kinds say more than the sum.

{table.markdown(*shown[0])}
"""
    for tier in (t for t in TIERS if t in result["mallocs"]):
        page += f"\n**What {tier} does not find**\n\n" + "".join(f"- {line}\n" for line in missed(result, tier))
    if len(shown) > 1:
        page += f"""
## What a malloc and its free cost
Instructions are callgrind's and exact; the time is the median of rounds in which the tiers take turns. In brackets over tier 0.
What the tiers cost real programs: [hardening.md](hardening.md).

{table.markdown(*shown[1])}
"""
    return page
