"""bench/run.py ownership - rc, arc and their peers on the same work, in interleaved rounds."""
from . import machine, report, rounds
from .figures import median

# What is divided by what: (title, of which owner, by which).
RATIOS = (("by hand / rc", "by hand", "rc"), ("by hand, atomic / arc", "by hand, atomic", "arc"),
          ("shared_ptr / arc", "shared_ptr", "arc"), ("make_shared / arc", "make_shared", "arc"))


def add_arguments(commands):
    """The command line of `bench/run.py ownership`."""
    rounds.add_command(commands, run, "rc and arc against std::shared_ptr and hand-written pointers", 25)


def run(arguments):
    """0 when every owner did every work."""
    measured, sections = {}, []
    for program, checks in (("ownership", "contract checks off"), ("ownership_checked", "contract checks at level 1, the default")):
        measured[program] = rounds.figures(program, arguments.rounds)
        sections.append((f"CPU time per operation (ns, median), {checks}", *_times(measured[program])))
    report.tell(arguments, machine.sentence(rounds=arguments.rounds), sections, measured,
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
