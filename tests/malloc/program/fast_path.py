"""The budget of the fast paths: how many instructions malloc and free execute when nothing is out of the ordinary.

Read from the disassembly: from the entry to the first `ret`, which is where the common case leaves; conditional
branches are counted as not taken. x86-64 only; elsewhere the test says so and passes.
"""
import platform
import re
import subprocess
import sys

library = sys.argv[1]
# name: most instructions before ret, most conditional branches
BUDGET = {"malloc": (18, 2), "free": (24, 3), "_Znwm": (18, 2), "_ZdlPv": (24, 3), "_ZdlPvm": (29, 4)}

if platform.machine() != "x86_64":
    print("not x86-64: nothing is counted")
    sys.exit(0)
listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
addresses = {}
for line in subprocess.run(["nm", "-D", "--defined-only", library], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.splitlines():
    address, _, symbol = line.split()
    addresses[symbol] = int(address, 16)
functions = {}  # by address: a function may be listed under another of its names
for block in re.split(r"\n\n+", listing):
    head = re.match(r"([0-9a-f]+) <[^>]+>:\n", block)
    if head:
        functions[int(head.group(1), 16)] = [line.split("\t")[1].strip() for line in block[head.end():].splitlines() if "\t" in line]
bad = []
for name, (most, branches) in BUDGET.items():
    path = []
    for instruction in functions.get(addresses.get(name), []):
        if instruction.startswith("ret"):
            break
        if not instruction.startswith(("nop", "endbr")):
            path.append(instruction)
    jumps = [i for i in path if i.startswith("j")]
    print(f"{name}: {len(path)} instructions and ret, {len(jumps)} branches (budget {most}, {branches})")
    if not path or len(path) > most or len(jumps) > branches:
        bad.append(f"{name} is over its budget:\n  " + "\n  ".join(path))
    if any(i.startswith(("call", "push", "jmp")) for i in path):
        bad.append(f"{name}: calls, saves registers or jumps on its fast path")
sys.exit("\n".join(bad) or None)
