"""bench/run.py ownership - rc, arc and their peers on the same work, in interleaved rounds."""
from . import machine, plot, report, rounds
from .figures import median

AIM = 1.3  # shared_ptr / arc
# What is divided by what: (title, of which owner, by which).
RATIOS = (("by hand / rc", "by hand", "rc"), ("by hand, atomic / arc", "by hand, atomic", "arc"),
          ("shared_ptr / arc", "shared_ptr", "arc"), ("make_shared / arc", "make_shared", "arc"))


def add_arguments(commands):
    """The command line of `bench/run.py ownership`."""
    rounds.add_command(commands, run, "rc and arc against std::shared_ptr and hand-written pointers", 25,
                       plots="a plot of the ratios as SVG")


def run(arguments):
    """0 when every owner did every work."""
    measured, sections = {}, []
    for program, checks in (("ownership", "contract checks off"), ("ownership_checked", "contract checks at level 1, the default")):
        measured[program] = rounds.figures(program, arguments.rounds)
        sections.append((f"CPU time per operation (ns, median), {checks}", *_times(measured[program])))
    report.tell(arguments, machine.sentence(rounds=arguments.rounds), sections, measured,
                opening=["# Owners beside their peers", INTRODUCTION, _verdict(measured["ownership"])],
                drawings={"owners": _drawing(measured)})
    return 0


INTRODUCTION = """Made by `bench/run.py ownership --markdown docs/benchmarks/ownership.md`; the program is
[bench/toolkit/ownership.cpp](../../bench/toolkit/ownership.cpp). Every owner runs once before any runs again; a second
thread lives throughout, so that `std::shared_ptr` counts atomically; all blocks come from the program's malloc. "By hand"
is a pointer to an object with a count in it, without weak handles: the least that can be written. The last columns are
ratios of medians: above 1, the right-hand owner takes less time. The instructions of a copy are held to those of the
hand-written pointer by `tests/budgets/ownership.cpp`."""


def _verdict(figures):
    """The aims, and by how much they are missed; of the program without checks, as the peers have none."""
    rows = _by_work(figures)
    copies = [row for work, row in rows.items() if work.startswith("copy")]
    by_hand = [f"{title} {', '.join(f'{row[of] / row[by]:.2f}' for row in copies)}" for title, of, by in RATIOS[:2]]
    shared = {work: row["shared_ptr"] / row["arc"] for work, row in rows.items()}
    missed = ", ".join(f"{work} ({ratio:.2f})" for work, ratio in shared.items() if ratio < AIM) or "none"
    return (f"The aims: a copy takes no longer than by hand: {'; '.join(by_hand)}, and within 3% is no difference here. `arc` takes"
            f" at most 1/{AIM} of the time of `std::shared_ptr`: the ratios are {min(shared.values()):.2f} to"
            f" {max(shared.values()):.2f}; less than {AIM}: {missed}.\n{WHY}")


WHY = """Where a table is copied, two locked additions a handle are nearly all there is, for any of them: the one by hand is no
quicker than `arc`. `make_shared` needs less to make and destroy a value, for libstdc++ looks by a plain load whether a handle
is the only one and then counts nothing down; `arc`, as the one by hand, always counts down, which keeps the drop of a copy
short."""


def _by_work(figures):
    """{work: {owner: ns}} in the order in which they were printed."""
    rows = {}
    for f in figures:
        rows.setdefault(f["work"], {})[f["owner"]] = median(f["ns"])
    return rows


def _drawing(measured):
    groups = [(work + checks, {title: row[of] / row[by] for title, of, by in RATIOS})
              for program, checks in (("ownership", ""), ("ownership_checked", ", checked"))
              for work, row in _by_work(measured[program]).items()]
    return plot.bars("Owners beside their peers", "CPU time of a peer over that of ours, the line at 1: above it, ours takes less",
                     [title for title, _, _ in RATIOS], groups, 2)


def _times(figures):
    rows = _by_work(figures)
    owners = list(next(iter(rows.values())))
    header = ["work", *owners, *(title for title, _, _ in RATIOS)]
    return header, [[work, *(f"{row[o]:.1f}" for o in owners), *(f"{row[of] / row[by]:.2f}" for _, of, by in RATIOS)]
                    for work, row in rows.items()]
