"""bench/run.py adaptors - what every adaptor costs: instructions per allocate and deallocate over the bare upstream.

Counted by callgrind, so exact and free of noise; they say nothing of cache misses. The upstream is a pool of blocks of 128
bytes in a buffer, asked for 40 bytes through a call that is not inlined.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

from . import machine, report, rounds
from .build import PROGRAMS, build
from .workloads import system_program

COUNT = 1000


def add_arguments(commands):
    """The command line of `bench/run.py adaptors`."""
    rounds.add_command(commands, run, "what every adaptor costs")


def run(arguments):
    """0 when everything was counted."""
    if not system_program("valgrind"):
        sys.exit("bench: valgrind is not installed, and only it can count instructions")
    build()
    counts = _counts()
    none, alone = counts.pop("(nothing)"), counts.pop("(pool, alone)")
    header = ["over the bare upstream", "allocate", "deallocate"]
    rows = [["the upstream itself", *(f"{alone[part] - none[part]:.0f}" for part in header[1:])]]
    rows += [[name, *(f"{of[part] - alone[part]:+.0f}" for part in header[1:])] for name, of in counts.items()]
    report.tell(arguments, machine.sentence(), [("Instructions of each adaptor", header, rows)], counts)
    return 0


def _counts():
    """{adaptor: {part: instructions per operation}}, from one dump each."""
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "counted")
        command = [system_program("valgrind"), "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}",
                   str(PROGRAMS / "adaptors"), str(COUNT)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode == 77:
            sys.exit("bench: the programs were built without valgrind/callgrind.h; install valgrind and build again")
        if done.returncode != 0:
            sys.exit(f"bench: the adaptors failed in valgrind:\n{done.stdout[-2000:]}")
        for dump in sorted(pathlib.Path(folder).glob("counted.*"), key=lambda path: int(path.suffix[1:])):
            text = dump.read_text()
            name = re.search(r"^desc: Trigger: Client Request: (.*)\|(.*)$", text, re.MULTILINE)
            total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
            if name and total:
                counts.setdefault(name.group(1), {})[name.group(2)] = int(total.group(1)) / COUNT
    return counts
