#!/usr/bin/python3
"""bench/run.py - the one runner: builds the benchmarks, runs them against the installed peers, prints the tables.

    bench/run.py malloc        real and synthetic programs under every malloc: all of it: time, peak RSS, RSS after idle, faults, instructions
    bench/run.py instructions  instructions per malloc and free, counted by callgrind
    bench/run.py attacks       what each malloc does when a program attacks it, by kind and size
    bench/run.py faults        what each malloc does when the system refuses it a call
    bench/run.py edges         what each malloc answers at its edges
    bench/run.py hardening     what the tiers of checks cost real programs
    bench/run.py adaptors      instructions that each adaptor adds to its upstream's
    bench/run.py adaptive      an allocator that changes with the phases of a program, against each of its candidates
    bench/run.py strategies    the toolkit's strategies against std::pmr and Boost.Container
    bench/run.py traces        the general heaps on recorded traces of programs, against glibc's malloc
    bench/run.py pools         pool, slab and object_pool against the pools of others
    bench/run.py ownership     rc and arc against std::shared_ptr and hand-written pointers
    bench/run.py gc            the collected heap against libgc and malloc, its steps, and compaction against memmove
    bench/run.py realtime      the worst operation of heaps with a bound, and fixed pools of several threads
    bench/run.py async         coroutine frames and awaitable pools, next to malloc and Asio
    bench/run.py compile_time  what including Ashlar costs a compiler
    bench/run.py recorder      what recording costs, with and without call stacks, beside heaptrack
    bench/run.py choose        whether replay and advice come true when the programs themselves run
    bench/run.py tune          what `ashlar tune` gains over the best of the other mallocs
    bench/run.py truth         whether Valgrind and heaptrack count of a program what we count
    bench/run.py p0089         growth, locality, utilisation and contention, as the paper P0089 measured them

Each command has --help. Needs nothing but the standard library.
"""
import argparse
import importlib
import sys

from runner import (adaptive, adaptors, attacks, choose, compile_time, edges, faults, gc, hardening, instructions, malloc, ownership,
                    p0089, places, pools, realtime, recorder, strategies, traces, truth, tune)

asynchronous = importlib.import_module("runner.async")  # the word is one of Python's own


def main():
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Ashlar's benchmarks.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (malloc, instructions, attacks, faults, edges, hardening, adaptors, adaptive, strategies, pools, ownership, gc,
                    compile_time, p0089, realtime, asynchronous, traces, recorder, truth, choose, tune):
        command.add_arguments(commands)
    arguments = parser.parse_args()
    places.require(arguments)
    return arguments.run(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
