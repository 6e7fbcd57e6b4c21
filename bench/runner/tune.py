"""bench/run.py tune - what `ashlar tune` gains over the best of the other mallocs, on programs of every day.

`ashlar tune --all` records each program, replays it, advises, and runs it under every malloc in turn: the C library's, the
installed peers, ours, and ours with the options that were advised. What it takes is set against the best of the others in
run time, in processor time and in peak memory, which need not be the same one. Needs the products (./dev build).
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from . import choose, figures, launch, machine, report, rounds
from .workloads import INPUTS, Workload, system_program

FASTER, SMALLER = 0.90, 0.85  # what counts as a gain: a tenth of the run time, or 15 % of the peak
METRICS = ("wall time", "processor time", "peak memory")
GLIBC_HUGE = "default, huge pages"
HEADER = ["program", "goal", "tune takes", "ours", "wall time", "of", "processor time", "of", "peak memory", "of", "least processor time", "glibc's with huge pages", "gain"]
OPENING = ("Made by `./dev bench tune`. `ashlar tune --all` runs each program, in turn, under the C library's malloc, the peers and ours; it is recorded and advised "
           "with a small input where there is one, and measured with a large one. "
           "A row shows what tune takes, or, where that is another malloc than ours, ours at its best, against the best of the others, each at "
           "its defaults: in each figure that may be another one, which is named. Below 1 is a gain; `=` marks a difference within the spread of the runs.\n\n"
           "Wall and processor time are medians. Beside them stand the least processor times, which the machine's other work raises least: `=` there if less than a "
           f"quarter of our runs beat every run of every other. A gain is *faster* if that is at most {FASTER:g}, *smaller* if peak memory is "
           f"at most {SMALLER:g}.\n\n"
           "glibc's malloc with huge pages (GLIBC_TUNABLES=glibc.malloc.hugetlb=1) is nobody's default, and no part of the best of the others: its least processor time "
           "stands there so that their gain is not taken for ours. Any malloc can ask for them; `ashlar tune` finds for which program they are worth asking for.")


def add_arguments(commands):
    """The command line of `bench/run.py tune`."""
    p = rounds.add_command(commands, run, "what tune gains over the best of the other mallocs", rounds=5, each="program is run under each malloc")
    p.add_argument("--only", metavar="LIST", help="these programs, separated by commas")
    p.add_argument("--goals", metavar="LIST", default="speed", help="what to tune for, separated by commas (default speed)")


def programs():
    """Programs that take memory in ways of their own; those of `choose`, and some that take much at a time."""
    def system(name, program, *words):
        return Workload(name, (system_program(program) or program, *words), needs=(program,))

    table = "{ t[$1] = $0 } END { n = 0; for (k in t) n += length(t[k]); print n }"
    grow = "x = [{'a': i, 'b': str(i)} for i in range(400000)]; print(len(x))"
    return [
        *choose.programs(),
        system("xml tree", "xmllint", "--noout", "{folder}/large.xml"),
        system("python list", "python3", "-S", "-c", grow),
        system("python numbers", "python3", "-S", "-c", "x = list(range(3000000)); y = [i * 3 for i in x]; print(len(y))"),
        system("python set", "python3", "-S", "-c", "x = {str(i) for i in range(700000)}; print(len(x))"),
        system("perl hash", "perl", "-e", "my %h; $h{$_} = \"x$_\" for 1..600000; my $n = 0; $n += length $h{$_} for 1..600000; print $n"),
        system("lua trees", "lua5.4", str(INPUTS / "binary_trees.lua"), "2"),
        system("jq file", "jq", "length", "{folder}/large.json"),
        system("mawk table", "mawk", table, "{folder}/lines.txt"),
        system("gawk table", "gawk", table, "{folder}/lines.txt"),
        system("as", "as", "-o", "/dev/null", "{folder}/large.s"),
        system("xsltproc", "xsltproc", "-o", "/dev/null", "{folder}/same.xsl", "{folder}/large.xml"),
        system("sort", "sort", "--parallel=1", "-S", "1G", "-o", "/dev/null", "{folder}/lines.txt"),
    ]


def _make_inputs(folder):
    def write(name, text):
        (folder / name).write_text(text, encoding="utf-8")

    for prefix, share in (("", 1), ("small_", 5)):
        items = "".join(f"<item id=\"{i}\"><name>n{i % 97}</name><v>{i * 7}</v></item>" for i in range(150_000 // share))
        write(prefix + "large.xml", f"<?xml version=\"1.0\"?><all>{items}</all>")
        write(prefix + "large.json", json.dumps([{"a": i, "b": str(i) * 3, "c": [i, i + 1]} for i in range(150_000 // share)]))
        write(prefix + "lines.txt", "".join(f"{i * 2654435761 % 2**32:x} {i} some words of a line\n" for i in range(500_000 // share)))
        write(prefix + "large.s", ".text\n" + "".join(f"f{i}: mov %rax, %rbx\n add ${i}, %rcx\n jne l{i}\n call f{i}\nl{i}: ret\n" for i in range(150_000 // share)))
    write("source.xml", (folder / "small_large.xml").read_text(encoding="utf-8"))
    write("same.xsl", '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="@*|node()">'
          '<xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template></xsl:stylesheet>')


def run(arguments):
    """0 when everything ran."""
    if not choose.TOOL.exists():
        sys.exit("bench: build the products first (./dev build)")
    wanted = [w for w in programs() if not w.missing() and (not arguments.only or w.name in arguments.only.split(","))]
    choose.build_for(wanted)
    results = []
    with tempfile.TemporaryDirectory(prefix="ashlar-tune-") as place:
        _make_inputs(pathlib.Path(place))
        for w in wanted:
            for goal in arguments.goals.split(","):
                print(f"{w.name}, {goal} ...", file=sys.stderr)
                told = _tune([word.replace("{folder}", place) for word in w.command], goal, arguments.rounds, place)
                results.append({"program": w.name, "goal": goal, "tune": told["tune"], "settings": _settings(told)})
    rows = [_row(r) for r in results]
    opening = ["# What tuning gains over the best of the other mallocs", OPENING, *_summary(results, rows)]
    print("\n".join(opening[2:]))
    report.tell(arguments, machine.sentence(rounds=arguments.rounds), [("Each program", HEADER, rows)], {"results": results}, opening)
    return 0


def _tune(command, goal, count, place):
    command, inputs = _apart(command)
    done = subprocess.run([choose.TOOL, "tune", "--json", *inputs, "--all", "--goal", goal, "--runs", str(count), "--rounds", "3", "--engines", "system,ashlar",
                           "--output", str(pathlib.Path(place) / "tuned"), "--", *command], cwd=place, env=launch.ENVIRONMENT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: ashlar tune: {done.stderr.decode(errors='replace').strip()[-400:]}")
    return json.loads(done.stdout)


def _apart(command):
    """The command with {} for a large input that has a small one beside it, and both for tune."""
    for at, word in enumerate(command):
        small = pathlib.Path(word).with_name("small_" + pathlib.Path(word).name) if word.startswith("/") else None
        if small and small.exists():
            return [*command[:at], "{}", *command[at + 1:]], ["--train", str(small), "--test", word]
    return command, []


def _settings(told):
    """What our malloc was told, of the candidate that the row is about."""
    return next((c["settings"] for c in told["advice"]["candidates"] if c["name"] == told["tune"]["ours"]), [])


def _row(result):
    others = result["tune"]["against_others"]
    options = ", ".join(line.replace(" ", "") for line in result["settings"]) or "as it is"
    taken = choose.CHOICE.get(result["tune"]["choice"], result["tune"]["choice"]) if result["tune"]["adopted"] else "the default"
    cells = [result["program"], result["goal"], taken, options]
    for name in METRICS:
        mark = "" if others[name]["outcome"] != "the same" else " ="
        cells += [f"{others[name]['ratio']:.3f}{mark}", others[name]["best"]]
    ratio, sure, huge = _least(result["tune"])
    return [*cells, f"{ratio:.3f}{'' if sure else ' ='}", f"{huge:.3f}" if huge else "-", _gain(result["tune"])]


def _least(tune):
    """Of processor time, the least of the runs: ours over the best of the others; whether a quarter of ours beats all runs of all
    others; glibc's with huge pages over the same best."""
    runs = {r["name"]: figures.least_and_noise(r["values"]) for m in tune["metrics"] if m["name"] == "processor time" for r in m["runs"]}
    best = min(least for name, (least, _) in runs.items() if "Ashlar" not in name and name != GLIBC_HUGE)
    least, noise = runs[tune["ours"]]
    return least / best, abs(least - best) > noise, runs[GLIBC_HUGE][0] / best if GLIBC_HUGE in runs else None


def _gain(tune):
    """'faster', 'smaller', both, or ''."""
    ratio, sure, _ = _least(tune)
    memory = tune["against_others"]["peak memory"]
    words = ["faster"] if ratio <= FASTER and sure else []
    return " and ".join(words + (["smaller"] if memory["outcome"] == "better" and memory["ratio"] <= SMALLER else []))


def _summary(results, rows):
    gained = {}
    for r in results:
        if _gain(r["tune"]):
            gained.setdefault(r["program"], []).append(f"{_gain(r['tune'])} ({r['goal']})")
    nothing = sorted({r["program"] for r in results} - set(gained))
    yield f"- Gained over the best of the others: {len(gained)} of {len(gained) + len(nothing)} programs: " + "; ".join(f"{n}: {', '.join(g)}" for n, g in gained.items())
    yield "- Nothing gained over the best of the others: " + ", ".join(nothing)
