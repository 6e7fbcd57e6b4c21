#!/usr/bin/python3
"""What ./dev fuzz runs: every fuzz target in turn, for its share of the minutes.

What they find stays in out/fuzz/TARGET and is where the next run goes on. What breaks something is left as out/fuzz/TARGET-crash-*.
With --keep the few inputs that reach all that is known become tests/fuzz/corpus/TARGET, which ctest replays.
"""
import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRESS = re.compile(r"^#(\d+)\s.*cov: (\d+) .*corp: (\d+)/")
LONGEST = {"trace_reader": 16384, "conf_file": 2000, "laws": 400}  # bytes of an input; 600 otherwise


def names():
    return sorted(source.name.removesuffix("_fuzz.cpp") for source in HERE.glob("*_fuzz.cpp"))


def program(tree, name):
    return tree / "tests" / f"{name.replace('_', '-')}-fuzz"


def options(name, found):
    """Those of libFuzzer that every use of a target has."""
    dictionary = HERE / f"{name}.dict"
    return [f"-max_len={LONGEST.get(name, 600)}", "-timeout=20", f"-artifact_prefix={found}/{name}-",
            *([f"-dict={dictionary}"] if dictionary.exists() else [])]


def starts(name, tree, found):
    """Folders of inputs to begin with: the first is written to."""
    mine = found / name
    mine.mkdir(parents=True, exist_ok=True)
    folders = [mine, *(folder for folder in (HERE / "corpus" / name, HERE / "regressions" / name) if folder.is_dir())]
    if name == "trace_reader":
        seeds = found / "trace_seeds"
        subprocess.run([tree / "tests/trace-seeds", seeds], check=True)
        folders.append(seeds)
    return [str(folder) for folder in folders]


def search(name, tree, found, seconds, seed, label):
    """Whether nothing broke; tells every ten seconds how far it is."""
    command = [str(program(tree, name)), f"-max_total_time={seconds}", f"-seed={seed}", *options(name, found), *starts(name, tree, found)]
    began, told, runs, ways, kept = time.monotonic(), 0.0, 0, 0, 0
    log = found / f"{name}.log"
    with log.open("w") as written, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr:
            written.write(line)
            if match := PROGRESS.match(line):
                runs, ways, kept = map(int, match.groups())
            took = time.monotonic() - began
            if took - told >= 10:
                told = took
                print(f"{label}: {took:.0f} of {seconds} s, {runs:,} inputs, {ways:,} ways through, {kept:,} kept", flush=True)
    took = time.monotonic() - began
    good = process.returncode == 0
    print(f"{label}: {'nothing broke' if good else 'BROKEN'} in {took:.0f} s, {runs:,} inputs, {ways:,} ways through", flush=True)
    if not good:
        told = [line for line in log.read_text(errors="replace").splitlines() if re.search(r"broken:|breaks |ERROR:|runtime error|Test unit written", line)]
        print("\n".join(f"      {line}" for line in told[:6]))
        print(f"      again: {command[0]} FILE, the file being what was written last; all is in {log}", flush=True)
    return good


def cover(name, tree, found, counted):
    """The fewest inputs found that reach all that is known; `counted`: and each way as often as any did, about."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program(tree, name), "-set_cover_merge=1", f"-use_counters={counted:d}", *options(name, found), folder, *starts(name, tree, found)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return sorted((file.read_bytes() for file in pathlib.Path(folder).iterdir()), key=len)


def keep(name, tree, found):
    """Makes the corpus of a target: some dozens of inputs, 100 KB at most, the shortest first."""
    inputs = cover(name, tree, found, True)
    if len(inputs) > 100:
        inputs = cover(name, tree, found, False)
    while sum(map(len, inputs)) > 100_000:
        inputs.pop()
    corpus = HERE / "corpus" / name
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    for content in inputs:
        (corpus / hashlib.sha1(content).hexdigest()).write_bytes(content)
    print(f"{name}: {len(inputs)} inputs of {sum(map(len, inputs)):,} bytes are kept", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="Gives every fuzz target inputs of its own making, under the address sanitizer.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names())}; all by default")
    parser.add_argument("--minutes", type=float, default=10, help="for all together (default: 10)")
    parser.add_argument("--seed", type=int, help="of libFuzzer's choices; another each time otherwise")
    parser.add_argument("--keep", action="store_true", help="afterwards make tests/fuzz/corpus of the fewest that reach everything")
    parser.add_argument("--tree", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.targets if name not in names()]:
        parser.error(f"no target {unknown[0]}; there are: {' '.join(names())}")
    if arguments.minutes < 0:
        parser.error("--minutes must not be negative")
    targets = arguments.targets or names()
    found = ROOT / "out/fuzz"
    found.mkdir(parents=True, exist_ok=True)
    seed = arguments.seed if arguments.seed is not None else int(time.time()) % 2**31
    os.environ["ASAN_OPTIONS"] = "allocator_may_return_null=1:" + os.environ.get("ASAN_OPTIONS", "")
    seconds = round(arguments.minutes * 60 / len(targets))
    broken = []
    for number, name in enumerate(targets, 1):
        if seconds > 0 and not search(name, arguments.tree, found, seconds, seed, f"[{number}/{len(targets)}] {name}"):
            broken.append(name)
        elif arguments.keep:
            keep(name, arguments.tree, found)
    print(f"fuzz: BROKEN: {', '.join(broken)}" if broken else f"fuzz: nothing broke in {len(targets)} targets; seed {seed}")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("fuzz: interrupted")
