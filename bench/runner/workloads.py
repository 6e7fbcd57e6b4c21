"""What is run: each workload's name, its command, and what its output must be."""
import dataclasses

from .build import BENCH, PROGRAMS


@dataclasses.dataclass(frozen=True)
class Workload:
    """A command line; `same_output` when every malloc must print the same, `repeat` for programs too short to time."""
    name: str
    command: tuple
    same_output: bool = False
    repeat: int = 1


def _own(name, scale, threads=1, variant=None, program=None):
    words = [str(PROGRAMS / (program or name)), f"{scale:g}", str(threads)]
    return Workload(name, tuple(words + ([variant] if variant else [])))


def every(scale, threads):
    """All workloads, at `scale` times their usual work, with `threads` threads where there is a choice."""
    many = max(threads, 2)
    return [
        Workload("hello", (str(PROGRAMS / "hello"),), repeat=max(1, round(100 * scale))),
        _own("larson", scale * 2, many),
        _own("larson_sized", scale * 2, many, "sized", "larson"),
        _own("xmalloc", scale, many),
        _own("mstress", scale, many),
        _own("mstress8", scale, 8, None, "mstress"),
        _own("rptest", scale, many),
        _own("alloc_test", scale),
        _own("glibc_simple", scale),
        _own("glibc_thread", scale * .5, many),
        _own("malloc_large", scale * .5),
    ]
