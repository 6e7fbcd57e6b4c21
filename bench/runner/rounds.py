"""What the commands begin with: their options, and the lines of JSON of the program that they run in rounds.

How they end is `report.tell`.
"""
import argparse
import json
import subprocess
import sys

from .build import PROGRAMS, build


def add_command(commands, run, summary, rounds=None, each="pair is run", plots=None):
    """The parser of a command that is called as the module of `run` is, with the options that all have: --rounds, whose
    default is `rounds`, --json, --markdown, and --plots, where `plots` says what it writes."""
    module = sys.modules[run.__module__]
    p = commands.add_parser(module.__name__.rpartition(".")[2], help=summary, description=module.__doc__)
    if rounds:
        p.add_argument("--rounds", type=positive, default=rounds, metavar="N", help=f"times that every {each} (default {rounds})")
    p.add_argument("--json", metavar="FILE", help="write every figure")
    p.add_argument("--markdown", metavar="FILE", help="write the page of tables")
    if plots:
        p.add_argument("--plots", metavar="FOLDER", help=f"write {plots}")
    p.set_defaults(run=run)
    return p


def positive(text):
    """A number of rounds."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be positive")
    return number


def figures(program, rounds):
    """What a program of the benchmarks printed, a JSON object a line; it is built before where it has changed."""
    build()
    done = subprocess.run([str(PROGRAMS / program), str(rounds)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {program} ended with status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]
