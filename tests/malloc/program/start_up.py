"""What a program that does next to nothing has resident: at most 300 KiB more than with the C library's own malloc.

Of a cat that waits for input; from smaps_rollup, which counts pages (what rusage tells is off by up to 200 KiB).
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

library = sys.argv[1]
MOST_KIB = 300


def resident(preloaded):
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    if preloaded:
        environment["LD_PRELOAD"] = library
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as cat:
        cat.stdin.write(b"hello\n")
        cat.stdin.flush()
        cat.stdout.readline()  # it is past its start, and waits for more or will in a moment
        time.sleep(0.02)
        text = pathlib.Path(f"/proc/{cat.pid}/smaps_rollup").read_text(encoding="ascii")
        cat.stdin.close()
    return int(re.search(r"^Rss:\s+(\d+) kB", text, re.M).group(1))


own = statistics.median(resident(False) for _ in range(5))
ours = statistics.median(resident(True) for _ in range(5))
print(f"with the C library's malloc {own} KiB, with this one {ours} KiB")
sys.exit(0 if ours - own <= MOST_KIB else "more than is said")
