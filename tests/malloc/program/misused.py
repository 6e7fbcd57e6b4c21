"""Every misuse ends the program by abort, with exactly one line that names the call, the pointer and what it is."""
import re
import signal
import subprocess
import sys

library, program = sys.argv[1:3]
EXPECTED = {
    "interior": r"free\(0x[0-9a-f]+\): not the start of a block; it lies inside a block of 112 bytes at 0x[0-9a-f]+",
    "unaligned": r"free\(0x[0-9a-f]+\): not the start of a block",
    "interior-large": r"free\(0x[0-9a-f]+\): not the start of a block; it lies inside a block of 303104 bytes",
    "interior-other-thread": r"free\(0x[0-9a-f]+\): not the start of a block",
    "stack": r"free\(0x[0-9a-f]+\): not a block of this malloc; it lies on the stack",
    "constant": r"free\(0x[0-9a-f]+\): not a block of this malloc",
    "wild": r"free\(0xdead00000010\): not a block of this malloc",
    "not-canonical": r"free\(0xffff800000000010\): not a block of this malloc",
    "delete-foreign": r"operator delete\(0x[0-9a-f]+\): not a block of this malloc",
    "twice-large": r"free\(0x[0-9a-f]+\): (a block of 303104 bytes that is free already|not a block of this malloc)",
    "twice-last": r"free\(0x[0-9a-f]+\): a block of 7168 bytes that is free already",
    "realloc-interior": r"realloc\(0x[0-9a-f]+\): not the start of a block",
    "usable-foreign": r"malloc_usable_size\(0x[0-9a-f]+\): not a block of this malloc",
}
bad = []
for how, pattern in EXPECTED.items():
    done = subprocess.run([program, how], env={"LD_PRELOAD": library}, stderr=subprocess.PIPE, text=True, timeout=60)
    lines = done.stderr.splitlines()
    if done.returncode != -signal.SIGABRT or len(lines) != 1 or not re.match("ashlar: " + pattern, lines[0]):
        bad.append(f"{how}: ended with {done.returncode}, said {done.stderr!r}")
done = subprocess.run([program, "none"], env={"LD_PRELOAD": library}, stderr=subprocess.PIPE, text=True, timeout=60)
if done.returncode != 0 or done.stderr:
    bad.append(f"no misuse: ended with {done.returncode}, said {done.stderr!r}")
sys.exit("\n".join(bad) or None)
