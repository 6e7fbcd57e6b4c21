"""bench/run.py choose - whether what a replay says of a program comes true when the program itself runs.

Every program is recorded once and its trace replayed on every malloc; then the program runs under each of them, round by
round in turn. Two questions are asked of it: does the replay put the mallocs in the order of the real runs (Spearman's
rank correlation, of peak memory and of processor time), and is what `ashlar advise` chose as good as the best there is?
A malloc's figure is the least of its runs: what else the machine does only ever adds. Both sides of a comparison are
figures of the whole program: the replay's are those of the program on its own malloc, and what the replay says that another
adds or saves. Two mallocs share their ranks where they differ by less than their noise. Needs the products (./dev build).
"""
import dataclasses
import json
import math
import pathlib
import subprocess
import sys
import tempfile

from . import launch, machine, peers, report, rounds
from .build import PROGRAMS, ROOT, build
from .figures import least_and_noise, median, rank_correlation
from .workloads import INPUTS, Workload, system_program

TOOL = ROOT / "out" / "bin" / "ashlar"
ENGINES = {"glibc": "system", "mimalloc": "mimalloc", "jemalloc": "jemalloc", "tcmalloc": "tcmalloc", "tbb": "tbbmalloc", "ashlar": "ashlar"}
CHOICE = {"the program's own malloc": "glibc", "Ashlar's malloc with huge pages": "ashlar", "Ashlar's malloc": "ashlar", "Ashlar's malloc with options": "ashlar", "tbbmalloc": "tbb"}
GOALS = ("balanced", "speed", "memory")
CLOSE = 1.05  # what counts as good as the best
MOST, ENOUGH = 25, 2.0  # runs of a program under each malloc: so many at most, and no more than take so many seconds of the processor
LEAST = 0.01  # differences below it count as none, as in `ashlar tune`
AGREEMENT = ["program", "threads", "steps", "peak memory, worst / best", "Spearman", "without ties", "processor time, worst / best", "Spearman", "without ties"]
CHOICES = ["program", "goal", "advised", "best of all", "advised / best", "advised / default"]
OPENING = ("Made by `./dev bench choose`. Each program is recorded once, replayed on every malloc (threads as threads), and run under each of them. "
           "The best of all is the best of every malloc here and of ours with the options that were advised; `balanced` "
           "weighs processor time by the root of peak memory.\n\n"
           "What is ranked are two figures of the whole program, peak resident memory and processor time: as measured, and as the replay "
           "expects them, which is what the program takes on its own malloc and what the replay says that another adds or saves. "
           f"A figure is the least of its runs, or of the rounds of a replay: other work on the machine only adds. Short programs and short traces are run more often, up to {MOST} times. "
           f"In Spearman's correlation two mallocs share a rank where they differ by less than {LEAST:.0%}, or by less than the noise: how far the lower quartile "
           "of the runs, or rounds, is above the least. Without ties, every difference counts, however "
           "small. `-` stands where all mallocs are the same by that rule.")


def add_arguments(commands):
    """The command line of `bench/run.py choose`."""
    p = rounds.add_command(commands, run, "whether replay and advice come true on real programs", rounds=5, each="program is run under each malloc")
    p.add_argument("--only", metavar="LIST", help="these programs, separated by commas")


def programs():
    """Real programs, each of a fraction of a second to seconds, that allocate in ways of their own."""
    def system(name, program, *words):
        return Workload(name, (system_program(program) or program, *words), needs=(program,))

    def of_compiler(question):
        return subprocess.run(["g++", question], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    compiler, target = of_compiler("-print-prog-name=cc1plus"), of_compiler("-print-multiarch")
    sql = "CREATE TABLE size AS SELECT 60000 AS rows"
    lines = "BEGIN { for (i = 0; i < 400000; i++) t[i % 49999] = t[i % 49999] substr(i, 1, i % 7); for (k in t) n += length(t[k]); print n }"
    return [
        Workload("cc1plus", (compiler, "-quiet", "-imultiarch", target, "-D_GNU_SOURCE", "-std=c++20", "-o", "/dev/null", str(INPUTS / "large_source.cpp"))),
        system("python3", "python3", "-S", str(INPUTS / "json_churn.py"), "0.6"),
        system("lua", "lua5.4", str(INPUTS / "binary_trees.lua"), "0.7"),
        system("sqlite3", "sqlite3", "-batch", ":memory:", sql, f".read '{INPUTS / 'database.sql'}'"),
        system("git", "git", "--no-pager", "-C", str(ROOT), "log", "--stat", "-n", "200"),
        system("perl", "perl", "-e", "my %h; $h{$_ % 99991} .= \"x$_\" for 1..900000; print length join ',', sort values %h"),
        system("awk", "awk", lines),
        system("xmllint", "xmllint", "--noout", "{folder}/source.xml"),
        system("jq", "jq", "-c", "-n", "[range(120000) | {a: ., b: (tostring * 3)}] | map(.a) | add"),
        Workload("espresso", (str(PROGRAMS / "espresso"), "1", "1")),
        Workload("pipeline", (str(PROGRAMS / "pipeline"), "0.7", "2")),
        Workload("sh6", (str(PROGRAMS / "sh6"), "0.3", "2", "migrate")),
        Workload("realloc", (str(PROGRAMS / "realloc_vector"), "1", "1")),
    ]


def build_for(workloads):
    """Builds our own programs, if one of them is among these."""
    if any(w.command[0].startswith(str(PROGRAMS)) for w in workloads):
        build()


def run(arguments):
    """0 when everything ran."""
    if not TOOL.exists():
        sys.exit("bench: build the products first (./dev build)")
    found = peers.chosen(",".join(peers.LIBRARIES))
    wanted = [w for w in programs() if not w.missing() and (not arguments.only or w.name in arguments.only.split(","))]
    build_for(wanted)
    results = {}
    with tempfile.TemporaryDirectory(prefix="ashlar-choose-") as place:
        folder = pathlib.Path(place)
        items = "".join(f"<item id=\"{i}\"><name>n{i % 97}</name></item>" for i in range(60_000))
        (folder / "source.xml").write_text(f"<?xml version=\"1.0\"?><all>{items}</all>", encoding="utf-8")
        for each in wanted:
            w = dataclasses.replace(each, command=tuple(word.replace("{folder}", place) for word in each.command))
            print(f"{w.name} ...", file=sys.stderr)
            results[w.name] = _examine(w, found, arguments.rounds, folder)
    names = [p.name for p in found]
    agreement, choices = _agreement(results, names), _choices(results, names)
    sections = [("Does the replay put the mallocs in the order of the real runs?", AGREEMENT, agreement),
                ("Is what was advised as good as the best?", CHOICES, choices)]
    opening = ["# Replay and advice against the programs themselves", OPENING, *_summary(agreement, choices)]
    print("\n".join(opening[2:]))
    report.tell(arguments, machine.sentence(rounds=arguments.rounds), sections, {"results": results}, opening)
    return 0


def _examine(workload, found, count, folder):
    """{"replayed": {malloc: [bytes, [ns]]}, "run": {malloc: [[bytes], [s]]}, "advised": {goal: malloc}}"""
    trace = folder / f"{workload.name}.trace"
    subprocess.run([TOOL, "record", "-o", trace, "--", *workload.command], check=True, cwd=folder, env=launch.ENVIRONMENT,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    threads = _json(["report", trace], folder)["threads"]
    steps = _json(["report", trace], folder)["events"]
    told = _json(["replay", "--no-check", "--no-latency", "--rounds", min(MOST, max(5, 6_000_000 // max(1, steps))), "--threads", "recorded" if threads > 1 else "serial",
                  "--engines", ",".join(ENGINES[p.name] for p in found), trace], folder)
    rows = {row["name"]: row for row in told["rows"]}
    replayed = {p.name: [rows[ENGINES[p.name]][key] for key in ("peak_resident", "ns_rounds")] for p in found}
    memory, time = (min(of_default) for of_default in _run_all(workload, found[:1], 2)[found[0].name])
    advised, chosen = {}, []
    for goal in GOALS:
        made = _json(["advise", "--goal", goal, "--run-time", f"{time:g}", "--run-memory", f"{memory}", "-o", folder / "chosen.conf", trace], folder)
        settings = next(c["settings"] for c in made["candidates"] if c["name"] == made["choice"])
        peer = next(p for p in found if p.name == CHOICE.get(made["choice"], made["choice"]))
        if settings:
            options = ",".join(line.replace(" ", "") for line in settings)
            peer = dataclasses.replace(peer, name=f"{peers.OURS}, {options}", options=options)
            chosen += [peer] if peer not in chosen else []
        advised[goal] = peer.name
    for old in folder.glob(f"{workload.name}.trace*"):
        old.unlink()
    count = min(MOST, max(count, round(ENOUGH / max(time, 0.01))))
    return {"replayed": replayed, "run": _run_all(workload, [*found, *chosen], count), "advised": advised, "steps": told["steps"], "threads": threads}


def _run_all(workload, mallocs, count):
    runs = {p.name: [[], []] for p in mallocs}
    for turn in range(count):
        for i in range(len(mallocs)):
            p = mallocs[(i + turn) % len(mallocs)]
            cost = launch.once(workload, p, 300)
            runs[p.name][0].append(cost["max_rss_kib"] * 1024)
            runs[p.name][1].append(cost["user"] + cost["sys"])
    return runs


def _json(words, folder):
    done = subprocess.run([str(w) for w in (TOOL, words[0], "--json", *words[1:])], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=folder, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: ashlar {words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return json.loads(done.stdout)


def _agreement(results, names):
    rows = []
    for name, told in results.items():
        line = [name, str(told["threads"]), f"{told['steps']:,}"]
        for index in (0, 1):
            real, expected = _measured(told, names, index), _expected(told, names, index)
            strict = rank_correlation([e for e, _ in expected], [r for r, _ in real])
            tied = rank_correlation([e for e, _ in expected], [r for r, _ in real], [n for _, n in expected], [n for _, n in real])
            line += [max(real)[0] / min(real)[0], tied, strict]
        rows.append(line)
    return rows


def _measured(told, names, index):
    """(figure, noise) of each malloc."""
    both = [least_and_noise(told["run"][n][index]) for n in names]
    return [(least, max(LEAST * least, noise)) for least, noise in both]


def _expected(told, names, index):
    base = min(told["run"][names[0]][index])
    unit = 1 if index == 0 else told["steps"] * 1e-9
    both = [least_and_noise(told["replayed"][n][1]) if index else (told["replayed"][n][0], 0) for n in names]
    whole = [(base + (least - both[0][0]) * unit, noise * unit) for least, noise in both]
    return [(value, max(LEAST * value, noise)) for value, noise in whole]


def _choices(results, names):
    rows = []
    for name, told in results.items():
        for goal in GOALS:
            cost = {n: _cost(goal, *map(min, both)) for n, both in told["run"].items()}
            best, taken = min(cost, key=cost.get), told["advised"][goal]
            rows.append([name if goal == GOALS[0] else "", goal, taken, best, cost[taken] / cost[best], cost[taken] / cost[names[0]]])
    return rows


def _summary(agreement, choices):
    for index, what in ((4, "peak memory"), (7, "processor time")):
        known = [line[index] for line in agreement if line[index] is not None]
        strict = [line[index + 1] for line in agreement if line[index] is not None]
        if known:
            good = sum(1 for r in known if r >= 0.8)
            yield (f"- Spearman's correlation of {what} is at least 0.8 for {good} of {len(known)} programs; its median is {median(known):.2f}, "
                   f"and {median(strict):.2f} without ties")
    close, worse = sum(1 for c in choices if c[4] <= CLOSE), sum(1 for c in choices if c[5] > CLOSE)
    yield f"- What was advised is within 5 % of the best malloc in {close} of {len(choices)} cases, and worse than the default by more in {worse}"


def _cost(goal, memory, time):
    return {"memory": memory, "speed": time, "balanced": time * math.sqrt(memory)}[goal]
