"""What is run: each workload's name, its command, and what its output must be."""
import dataclasses
import shutil

from .build import BENCH, PROGRAMS

INPUTS = BENCH / "workloads" / "inputs"


@dataclasses.dataclass(frozen=True)
class Workload:
    """One command, run under the malloc that is measured.

    `same_output`: every malloc must make it print the same. `repeat`: for programs too short to time once.
    `served`: the command is a server on the Unix socket {socket}; these are its clients, run outside the malloc, and
    the time is theirs. `needs`: system programs without which the workload is left out. `idles`: what is resident while
    it idles is reported, for ours also with background_purge.
    """
    name: str
    command: tuple
    same_output: bool = False
    repeat: int = 1
    served: tuple = ()
    needs: tuple = ()
    idles: bool = False

    def missing(self):
        """The programs that it needs and that are not installed."""
        return [program for program in self.needs if not system_program(program)]


def system_program(name):
    """Its path among the system's own programs: what a user's PATH puts before them is another program."""
    return shutil.which(name, path="/usr/bin:/bin")


def every(scale, threads):
    """All workloads, at `scale` times their usual work, with `threads` threads where there is a choice."""
    return [*_synthetic(scale, max(threads, 2)), *_real(scale)]


def _synthetic(scale, many):
    def program(name, share=1.0, threads=1, variant=None, source=None, idles=False):
        words = (str(PROGRAMS / (source or name)), f"{scale * share:g}", str(threads))
        return Workload(name, words + ((variant,) if variant else ()), idles=idles)

    return [
        Workload("hello", (str(PROGRAMS / "hello"),), repeat=max(1, round(200 * scale))),
        program("larson", 2, many),
        program("larson_sized", 2, many, "sized", "larson"),
        program("xmalloc", 1, many),
        program("mstress", .7, many),
        program("mstress8", 1, 8, source="mstress"),
        program("rptest", 1.5, many),
        program("alloc_test"),
        program("cache_scratch", 2.5, many),
        program("cache_thrash", 3, many),
        program("glibc_simple"),
        program("glibc_thread", .8, many),
        program("malloc_large", .5),
        program("mleak", 2, many),
        program("sh6", 1.7, many),
        program("sh8", 1, many, "migrate", "sh6"),
        program("espresso"),
        program("cfrac"),
        program("pipeline", 1.5),
        program("realloc_vector", 2.5),
        program("phases", 1, many, idles=True),
    ]


def _real(scale):
    def system(name, program, *words, **rest):
        return Workload(name, (system_program(program) or program, *words), needs=(program, *rest.pop("also", ())), **rest)

    def load(share, tests):
        return ("redis-benchmark", "-s", "{socket}", "-q", "-c", "16", "-P", "16", "-r", "100000", "-d", "100",
                "-n", str(max(100, round(share * scale))), "-t", tests)

    return [
        system("compiler", "g++", "-std=c++20", "-S", "-o", "-", str(INPUTS / "large_source.cpp"), same_output=True),
        system("python", "python3", "-S", str(INPUTS / "json_churn.py"), f"{scale:g}", same_output=True),
        system("lua", "lua5.4", str(INPUTS / "binary_trees.lua"), f"{scale:g}", same_output=True),
        system("sqlite", "sqlite3", "-batch", ":memory:",
               f"CREATE TABLE size AS SELECT {round(120_000 * scale)} AS rows", f".read '{INPUTS / 'database.sql'}'",
               same_output=True),
        system("perl", "perl", str(INPUTS / "words.pl"), f"{scale:g}", same_output=True),
        system("jq", "jq", "-n", f"[range({round(90_000 * scale)}) | {{id: ., name: \"n\\(.)\", place: {{x: ., y: [1, 2, .]}}}}]"
               " | tostring | fromjson | map(.place.y | add) | add", same_output=True),
        system("awk", "awk", f"BEGIN {{ for (i = 0; i < {round(1_200_000 * scale)}; ++i) {{ k = sprintf(\"%x\", i * 7919 % 400009);"
               " a[k] = a[k] i; if (length(a[k]) > 24) delete a[k] }; print length(a) }", same_output=True),
        system("redis", "redis-server", "--port", "0", "--unixsocket", "{socket}", "--save", "", "--appendonly", "no",
               also=("redis-benchmark", "redis-cli"), served=(
                   load(70_000, "set,get,lpush,hset,sadd,zadd"), load(10_000, "lpush,lrange_100"),
                   ("redis-cli", "-s", "{socket}", "shutdown", "nosave"))),
    ]
