"""Blocks between guard pages: each touch beside one or after its end, and each misuse, is told with the calls that granted
and freed it, and the program dies as it would have; programs that do nothing wrong see nothing."""
import re
import signal
import subprocess
import sys

library, program = sys.argv[1:3]
ALL = "guard_samples=1000000,guard_slots=64"
AT = r"0x[0-9a-f]+"
FAULT, ABORT = -signal.SIGSEGV, -signal.SIGABRT
STACKS = {"g": "granted", "f": "freed", "t": "touched"}
bad = []


def run(how, *more, options=ALL):
    return subprocess.run([program, how, *more], env={"LD_PRELOAD": library, "ASHLAR_OPTIONS": options},
                          stderr=subprocess.PIPE, text=True, timeout=60)


def expect(how, status, first, stacks, more=()):
    """The first line, the stacks that follow it (those of gft), and each of them from the program's own functions on."""
    done = run(how, *more)
    lines = done.stderr.splitlines()
    heads = [line.split()[0] for line in lines if re.match(r"  \w+ by thread \d+:$", line)]
    frames = [line for line in lines if re.match(rf"    #0 {AT} \S*{re.escape(program.rsplit('/', 1)[-1])}\+{AT}$", line)]
    if done.returncode != status or not lines or not re.match("ashlar: " + first, lines[0]):
        bad.append(f"{how}: ended with {done.returncode}, said {done.stderr!r}")
    elif heads != [STACKS[s] for s in stacks] or len(frames) != len(stacks):
        bad.append(f"{how}: stacks of {heads}, {len(frames)} of them from the program's own code: {done.stderr}")
    return lines


lines = expect("read-freed", FAULT, f"use after free: read at {AT}, 8 bytes into a freed block of 40 bytes at {AT}$", "gft")
for line in lines:  # a place of this library in a stack is of no use to anybody
    if "libashlar" in line:
        bad.append(f"a call of the library itself is told: {line}")
expect("write-freed", FAULT, f"use after free: write at {AT}, 8 bytes into a freed block of 40 bytes", "gft")
lines = expect("read-freed-by-thread", FAULT, f"use after free: read at {AT}, 8 bytes into a freed block of 40 bytes", "gft")
if len({line.split()[-1] for line in lines if " by thread " in line}) != 2:
    bad.append(f"read-freed-by-thread: the threads are not told apart: {lines}")
expect("read-behind", FAULT, f"overflow: read at {AT}, 0 bytes behind the end of a block of 48 bytes at {AT}$", "gt")
expect("write-behind", FAULT, f"overflow: write at {AT}, 100 bytes behind the end of a block of 5000 bytes at {AT}$", "gt")
expect("write-before", FAULT, f"underflow: write at {AT}, 1 bytes before a block of 48 bytes at {AT}$", "gt")
expect("twice", ABORT, rf"free\({AT}\): a block of 40 bytes that is free already$", "gf")
expect("overrun", ABORT, rf"free\({AT}\): something was written beside a block of 37 bytes", "gf")
expect("inside", ABORT, rf"free\({AT}\): not the start of a block; it lies inside a block of 40 bytes", "g")
expect("beside", ABORT, rf"free\({AT}\): not a block of this malloc", "")
expect("realloc-freed", ABORT, rf"realloc\({AT}\): a block of 40 bytes that is free already$", "gf")
expect("wrong-size", ABORT, rf"operator delete\({AT}\): a block of 40 bytes is freed with the size 24$", "g")
expect("child", FAULT, "use after free: read", "gft")
expect("alternate-stack", FAULT, "use after free: read", "gft")
lines = expect("read-freed", 3, "use after free: read", "gft", more=("handled",))
if lines[-1:] != ["the program's own handler"]:
    bad.append(f"the handler that was there before was not called behind the report: {lines}")
lines = expect("recovers", 0, "use after free: read", "gftgft")

for how, status, said in (("none", 0, ""), ("null", FAULT, ""), ("killed", FAULT, ""),
                          ("own-handler", 3, "the program's own handler\n")):
    done = run(how)
    if done.returncode != status or done.stderr != said:
        bad.append(f"{how}: ended with {done.returncode}, said {done.stderr!r}")
done = run("read-freed", options="guard_samples=0")
if done.stderr:
    bad.append(f"without guarded blocks: said {done.stderr!r}")
sys.exit("\n".join(bad) or None)
