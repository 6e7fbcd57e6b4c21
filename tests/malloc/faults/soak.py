#!/usr/bin/python3
"""What ./dev soak runs: the fault programs with their full counts, then the stress test for as long as asked.

    soak.py --library SO --programs FOLDER [--minutes N] [--seed S] [--threads T] [--only NAME]

Prints every step with what it took, and at the end one verdict. What fails is repeated by the command that is printed.
"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import time


def steps(library, programs, minutes, seed, threads):
    """Name, what is shown, command. The counts are those that the malloc is said to stand."""
    def program(name, *arguments):
        return [str(programs / f"malloc-faults-{name}"), *map(str, arguments)]

    return [
        ("refused", "every call of the system refused, once and from then on", program("refused_calls")),
        ("signals", "a handler that allocates at every instruction of the fast paths", program("signals")),
        ("crowd", "eight threads at the limit of a control group",
         [sys.executable, str(pathlib.Path(__file__).with_name("crowd.py")), str(library), str(programs / "malloc-faults-crowd")]),
        ("libraries", "10,000 times a library is opened and closed", program("ends", programs / "libmalloc-faults-visitor.so", 10000)),
        ("threads", "100,000 threads begin and end", program("threads", 100000)),
        ("forks", "10,000 forks of a program with five threads", program("forks", 10000, seed)),
        ("storm", "10,000 forks while eight threads hand blocks on", program("storm", 10000, seed)),
        ("collected", f"{minutes / 2:g} minutes of random programs on a collected heap, against their model",
         ["env", f"ASHLAR_SOAK_SECONDS={round(minutes * 30)}", f"ASHLAR_SOAK_SEED={seed}", str(programs / "test-gc"), "[soak]"]),
        ("pool", "1,000,000 interleavings of grant, cancellation, timeout and close of an async_pool, under the thread sanitizer",
         ["env", "-u", "LD_PRELOAD", "ASHLAR_SOAK_INTERLEAVINGS=1000000", f"ASHLAR_SOAK_SEED={seed}",
          str(programs.parents[1] / "tsan" / "tests" / "test-async"), "[soak]"]),
        ("stress", f"{minutes:g} minutes of everything at once", program("soak", round(minutes * 60), seed, threads)),
    ]


def run(command, library, seconds):
    """Its status, or what became of it, and how long it took. What it prints is shown as it comes."""
    began = time.monotonic()
    try:
        status = subprocess.run(command, env=dict(os.environ, LD_PRELOAD=str(library)), timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        status = f"no end within {seconds:.0f} s"
    return status, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(prog="./dev soak", description="Runs the malloc's faults in full, and its stress test for minutes.")
    parser.add_argument("--minutes", type=float, default=5, help="of the stress test (default: 5); the rest takes some more")
    parser.add_argument("--seed", type=int, help="numbers of an earlier run; a new one each day otherwise")
    parser.add_argument("--threads", type=int, default=4, help="of the stress test (default: 4)")
    parser.add_argument("--only", action="append", metavar="STEP", help="refused, signals, crowd, libraries, threads, forks, storm, collected, pool or stress")
    parser.add_argument("--library", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.minutes <= 0 or not 1 <= options.threads <= 64:
        parser.error("--minutes must be above 0, and --threads between 1 and 64")
    seed = options.seed if options.seed is not None else int(time.time()) // 86400
    library = options.library.resolve()
    all_steps = steps(library, options.programs.resolve(), options.minutes, seed, options.threads)
    known = [name for name, _, _ in all_steps]
    if unknown := [name for name in options.only or [] if name not in known]:
        parser.error(f"no step {unknown[0]}; there are: {' '.join(known)}")

    if not library.is_file():
        parser.error(f"{library} does not exist")
    chosen = [step for step in all_steps if not options.only or step[0] in options.only]
    failed = []
    for number, (name, words, command) in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {name}: {words}", flush=True)
        status, seconds = run(command, library, 3600 + options.minutes * 120)
        print(f"      {'well' if status == 0 else f'FAILED with {status}'}, {seconds:.1f} s", flush=True)
        if status != 0:
            failed.append(name)
            print(f"      again: LD_PRELOAD={shlex.quote(str(library))} {shlex.join(command)}", flush=True)
    if failed:
        print(f"soak: FAILED in {', '.join(failed)}; seed {seed}")
        return 1
    print(f"soak: {len(chosen)} of {len(chosen)} went well; seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
