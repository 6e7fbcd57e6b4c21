"""bench/run.py ownership - rc, arc and their peers on the same work, in interleaved rounds."""
import json
import subprocess
import sys

from . import machine, report
from .build import PROGRAMS, build
from .figures import median

# What is divided by what: (title, of which owner, by which).
RATIOS = (("by hand / rc", "by hand", "rc"), ("by hand, atomic / arc", "by hand, atomic", "arc"),
          ("shared_ptr / arc", "shared_ptr", "arc"), ("make_shared / arc", "make_shared", "arc"))


def add_arguments(commands):
    """The command line of `bench/run.py ownership`."""
    p = commands.add_parser("ownership", help="rc and arc against std::shared_ptr and hand-written pointers", description=__doc__)
    p.add_argument("--rounds", type=int, default=25, help="times that every pair is run (default 25)")
    p.add_argument("--json", metavar="FILE", help="write every figure")
    p.add_argument("--markdown", metavar="FILE", help="write the tables as Markdown")
    p.set_defaults(run=run)


def run(arguments):
    """0 when every owner did every work."""
    if arguments.rounds < 1:
        sys.exit("bench: --rounds must be positive")
    build()
    measured, sections = {}, []
    for program, checks in (("ownership", "contract checks off"), ("ownership_checked", "contract checks at level 1, the default")):
        done = subprocess.run([str(PROGRAMS / program), str(arguments.rounds)], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"bench: {program} ended with status {done.returncode}")
        measured[program] = [json.loads(line) for line in done.stdout.splitlines()]
        sections.append((f"CPU time per operation (ns, median), {checks}", *_times(measured[program])))
    described = "; ".join(f"{k} {v}" for k, v in machine.describe().items())
    report.tell(arguments, f"{described}; {arguments.rounds} rounds", sections, measured,
                opening=["# Owners beside their peers", INTRODUCTION])
    return 0


INTRODUCTION = """Made by `bench/run.py ownership --markdown docs/benchmarks/ownership.md`; the program is
[bench/toolkit/ownership.cpp](../../bench/toolkit/ownership.cpp). Every owner runs once before any runs again; a second
thread lives throughout, so that `std::shared_ptr` counts atomically; all blocks come from the program's malloc. "By hand"
is a pointer to an object with a count in it, without weak handles: the least that can be written. The last columns are
ratios of medians: above 1, the right-hand owner takes less time. The instructions of a copy are held to those of the
hand-written pointer by `tests/budgets/ownership.cpp`."""


def _times(figures):
    rows = {}
    for f in figures:
        rows.setdefault(f["work"], {})[f["owner"]] = median(f["ns"])
    owners = list(next(iter(rows.values())))
    header = ["work", *owners, *(title for title, _, _ in RATIOS)]
    return header, [[work, *(f"{row[o]:.1f}" for o in owners), *(f"{row[of] / row[by]:.2f}" for _, of, by in RATIOS)]
                    for work, row in rows.items()]
