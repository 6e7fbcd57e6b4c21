#!/usr/bin/python3
"""Changes one token of a header at a time and asks whether the header's own unit test notices: ./dev mutate [OPTIONS].

The headers are those of strategy, of foundation, and of the malloc's arithmetic. Which mutants are tried follows from the seed
alone, as far as the minutes reach: the same seed and twice the minutes try the same ones and more. Survivors are listed, each
a test that is missing, or a change that means the same.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import lintlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
MALLOC = ("class_watch", "encoded_link", "seal", "small_class", "slice_region", "span", "fork_gate", "remote_list")
SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "*": "+", "/": "*", "%": "/",
         "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "&", "&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|="}
OPERATOR = re.compile(r" (" + "|".join(sorted(map(re.escape, SWAPS), key=len, reverse=True)) + r") ")
STEP = re.compile(r"\+\+|--")
NUMBER = re.compile(r"(?<![\w.'\"])(\d+)(?![\w.'])")
TRUTH = re.compile(r"\b(true|false)\b(?=[;,) ])")
NOT = re.compile(r"(?<=[( ])!(?=[\w(])")
STATEMENT = re.compile(r"^ +(?!return|using|static|const|auto|if|for|while|else|do|case|break|continue|template|friend)[\w:>.()\[\]*-]+"
                       r"(\(.*\)| [-+|&^]?= .+);$")
PASSED_OVER = re.compile(r"^\s*(#|template\b|static_assert|using |ASHLAR_|requires\b|concept\b|friend\b|@)|operator|= default|= delete|poison\(")


# Survivors that were looked at and mean the same, by header, change and a part of the line: with the reason.
SAME = (
    ("class_watch", "255", "part != 255", "a part that fills up before anything is proposed saves less than a sixteenth, and decides nothing"),
    ("bitmap", "<", "(i / 64 + 1) * 64 < end", "where the two are equal, either is taken"),
    ("free_list", "0", "whole = size, old = 0", "read only after it was set"),
    ("region_set", "<", "&a < &b", "no region is compared with itself"),
)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """`column` and `old` say where a line is changed to hold `new`."""
    path: str
    line: int
    column: int
    old: str
    new: str

    def __str__(self):
        return f"`{self.path}:{self.line}` `{self.old.strip()}` to `{self.new.strip() or ';'}`"


def why_same(mutant):
    """The reason why a survivor means the same; nothing where it was not found to."""
    line = (ROOT / mutant.path).read_text().splitlines()[mutant.line - 1]
    for stem, old, part, reason in SAME:
        if pathlib.Path(mutant.path).stem == stem and mutant.old == old and line.find(part) <= mutant.column < line.find(part) + len(part):
            return reason
    return ""


def headers():
    for layer, names in (("strategy", None), ("foundation", None), ("malloc", MALLOC)):
        for header in sorted((ROOT / "include/ashlar" / layer).glob("*.hpp")):
            if (names is None or header.stem in names) and tests_of(header):
                yield header


def tests_of(header):
    """The mirrored tests; those that need a library of their own are left out."""
    folder = ROOT / "tests" / header.parent.name
    found = [folder / f"{header.stem}_test.cpp", folder / f"{header.stem}_more_test.cpp"]
    return [test for test in found if test.exists() and "rapidcheck" not in test.read_text()]


def mutants(header):
    """Every mutant of a header."""
    path = str(header.relative_to(ROOT))
    source = header.read_text()
    checks = lintlib.lines_of_self_checks(source)
    for number, line in enumerate(lintlib.without_code_noise(source).splitlines(), 1):
        if number in checks or PASSED_OVER.search(line):
            continue
        for found in OPERATOR.finditer(line):
            yield Mutant(path, number, found.start(1), found[1], SWAPS[found[1]])
        for found in STEP.finditer(line):
            yield Mutant(path, number, found.start(), found[0], "--" if found[0] == "++" else "++")
        for found in NUMBER.finditer(line):
            yield Mutant(path, number, found.start(), found[0], str(int(found[0]) + 1))
        for found in TRUTH.finditer(line):
            yield Mutant(path, number, found.start(), found[0], "false" if found[0] == "true" else "true")
        for found in NOT.finditer(line):
            yield Mutant(path, number, found.start(), "!", "")
        if STATEMENT.match(line.rstrip()):
            start = len(line) - len(line.lstrip())
            yield Mutant(path, number, start, line.strip(), ";")


def chosen(seed, only):
    """All mutants in the order in which they are tried."""
    every = [m for header in headers() if re.search(only, str(header)) for m in mutants(header)]
    return sorted(every, key=lambda m: hashlib.sha256(f"{seed} {m}  {m.column}".encode()).digest())


class Bench:
    """Compiles a test against a changed header, and runs it."""

    def __init__(self, folder):
        self.folder, self.flags = pathlib.Path(folder), ["-std=c++20", "-O0", "-g0", "-w", "-fsized-deallocation", "-DASHLAR_CHECKS=2"]
        (self.folder / "first/catch2").mkdir(parents=True)
        self.includes = ["-I", str(self.folder / "first"), "-I", str(ROOT / "include"), "-I", str(ROOT / "tests")]
        self._must(["-x", "c++-header", "/usr/include/catch2/catch.hpp", "-o", str(self.folder / "first/catch2/catch.hpp.gch")])
        self.objects = []
        for source in ["tests/support/catch_main.cpp", *map(str, sorted((ROOT / "src/os").glob("*.cpp")))]:
            self.objects.append(str(self.folder / (pathlib.Path(source).stem + ".o")))
            self._must(["-c", str(ROOT / source), "-o", self.objects[-1]])

    def _must(self, arguments):
        done = subprocess.run(["g++", *self.flags, *self.includes, *arguments], stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"mutate: cannot compile what the tests stand on:\n{done.stderr}")

    def verdict(self, number, header, text):
        """`killed`, `survived` or `stillborn`: does not compile or link, and not because of a static assertion."""
        place = self.folder / str(number)
        changed = place / header.relative_to(ROOT / "include")
        changed.parent.mkdir(parents=True, exist_ok=True)
        changed.write_text(text)
        program = str(place / "program")
        built = subprocess.run(["g++", *self.flags, "-I", str(place), *self.includes, "-include", "catch2/catch.hpp",
                                *map(str, tests_of(header)), *self.objects, "-o", program, "-pthread"], stderr=subprocess.PIPE, text=True)
        if built.returncode != 0:
            return "killed" if "static assertion failed" in built.stderr or "constant expression" in built.stderr else "stillborn"
        try:
            ran = subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=100, check=False)
        except subprocess.TimeoutExpired:
            return "killed"
        finally:
            pathlib.Path(program).unlink()
        return "killed" if ran.returncode != 0 else "survived"


def mutated(mutant):
    """The header's text with the one change."""
    lines = (ROOT / mutant.path).read_text().splitlines(keepends=True)
    line = lines[mutant.line - 1]
    if line[mutant.column:].startswith(mutant.old):
        lines[mutant.line - 1] = line[:mutant.column] + mutant.new + line[mutant.column + len(mutant.old):]
    else:  # a statement whose comment or string was blanked
        lines[mutant.line - 1] = line[:mutant.column] + mutant.new + "\n"
    return "".join(lines)


def run(arguments):
    every, verdicts = chosen(arguments.seed, arguments.only), {}
    if arguments.again:  # the tests may have become better: what was killed stays so
        before = json.loads(pathlib.Path(arguments.again).read_text())["verdicts"]
        verdicts = {m: before[key] for m in every if before.get(key := f"{m} at {m.column}", "survived") != "survived"}
        known = len(every)
        every = [m for m in every if before.get(f"{m} at {m.column}") == "survived"]
    deadline = time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory(prefix="ashlar-mutate-") as folder:
        bench = Bench(folder)

        def attempt(number):
            mutant = every[number]
            if time.monotonic() > deadline:
                return
            verdicts[mutant] = bench.verdict(number, ROOT / mutant.path, mutated(mutant))
            print(f"{len(verdicts)}: {verdicts[mutant]}: {mutant}", file=sys.stderr, flush=True)

        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            list(pool.map(attempt, range(len(every))))
    return {"seed": arguments.seed, "minutes": arguments.minutes, "all": known if arguments.again else len(every), "again": bool(arguments.again), "verdicts": verdicts}


def counts(result):
    """[layer, killed, survived, stillborn], the sum last."""
    by_layer = collections.defaultdict(collections.Counter)
    for mutant, verdict in result["verdicts"].items():
        by_layer[mutant.path.split("/")[2]][verdict] += 1
        by_layer["all"][verdict] += 1
    for layer in sorted(by_layer, key=lambda name: (name == "all", name)):
        each = by_layer[layer]
        yield layer, each["killed"], each["survived"], each["stillborn"]


def score(killed, survived):
    return f"{100 * killed / (killed + survived):.0f} %" if killed + survived else "-"


def as_markdown(result):
    rows = "".join(f"| {layer} | {k + s} | {k} | {s} | {b} | {score(k, s)} |\n" for layer, k, s, b in counts(result))
    survivors = sorted((m for m, v in result["verdicts"].items() if v == "survived"), key=lambda m: (m.path, m.line, m.column))
    tried = sum(v != "stillborn" for v in result["verdicts"].values())
    again = ", then what had survived once more, with the tests that were written for it (`--again`)" if result.get("again") else ""
    page = f"""# Which changes of one token the unit tests notice

`./dev mutate --minutes {result["minutes"]:g} --seed {result["seed"]} --markdown FILE`{again}: of {result["all"]} mutants of the headers of strategy, of foundation
and of the malloc's arithmetic **{tried} were tried**, a sample that the seed decides. A mutant has one operator, constant or
comparison changed or one statement dropped; only the header's mirrored unit test is compiled against it, without optimisation and with
every invariant checked. *Killed*: the test fails, dies, is not done after 100 seconds, or a static assertion fails. What does not
compile or link otherwise is *stillborn* and does not count. Lines of templates, contracts and declarations are passed over, what only a sanitizer sees
(`poison`), and functions that tell whether the invariants hold (`consistent`): they are checks themselves, which no right program sees fail.

| layer | tried | killed | survived | stillborn | score |
|---|---:|---:|---:|---:|---:|
{rows}
## Survivors
Each is a test that is missing, or a change that means the same.

""" + "".join(f"- {m}: {why_same(m) or 'not looked at'}\n" for m in survivors)
    return page


def main():
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="time to spend (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another sample (default %(default)s)")
    parser.add_argument("--only", default="", metavar="REGEX", help="only headers whose path matches")
    parser.add_argument("--jobs", type=int, default=2, help="compilers at once (default %(default)s)")
    parser.add_argument("--again", metavar="FILE", help="only those that survived in an earlier run that wrote FILE (--json)")
    parser.add_argument("--list", action="store_true", help="print the mutants and try none")
    parser.add_argument("--json", metavar="FILE", help="write every verdict")
    parser.add_argument("--markdown", metavar="FILE", help="write the page")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(map(str, chosen(arguments.seed, arguments.only))))
        return 0
    result = run(arguments)
    for layer, killed, survived, stillborn in counts(result):
        print(f"{layer:12} killed {killed}, survived {survived}, stillborn {stillborn}: {score(killed, survived)}")
    if arguments.json:
        verdicts = {f"{m} at {m.column}": v for m, v in result["verdicts"].items()}
        pathlib.Path(arguments.json).write_text(json.dumps({**result, "verdicts": verdicts}, indent=1))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(as_markdown(result))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("mutate: interrupted")
