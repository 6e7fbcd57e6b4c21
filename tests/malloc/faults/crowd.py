#!/usr/bin/python3
"""A control group whose memory limit is reached by eight threads: crowd.py LIBASHLAR_MALLOC.SO PROGRAM

The program needs three fifths of the limit at any moment; if malloc kept what it does not need, the system would end it.
Where no group may be made (it takes root, and a controller that can be written) it runs without one, and says so.
"""

import os
import pathlib
import subprocess
import sys

MIB = 128
ROOT = pathlib.Path("/sys/fs/cgroup")
KINDS = [(ROOT / "memory", "memory.limit_in_bytes"), (ROOT, "memory.max")]


def make_group():
    """The folder of a new group with the limit set; None where that is not allowed."""
    for parent, limit in KINDS:
        group = parent / f"ashlar-crowd-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(MIB << 20))
            swap = group / ("memory.memsw.limit_in_bytes" if limit.endswith("in_bytes") else "memory.swap.max")
            if swap.exists():
                swap.write_text(str(MIB << 20) if limit.endswith("in_bytes") else "0")
            return group
        except OSError:
            group.rmdir()
    return None


def main():
    library, program = map(os.path.abspath, sys.argv[1:3])
    group = make_group()

    def enter():
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    try:
        status = subprocess.run([program, str(MIB)], env=dict(os.environ, LD_PRELOAD=library), preexec_fn=enter,
                                timeout=250).returncode
    finally:
        if group is not None:
            group.rmdir()
    where = f"in a group of {MIB} MiB" if group is not None else "without a group: none may be made here"
    print(f"{where}: ended with {status}")
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
