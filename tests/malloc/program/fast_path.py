"""The budget of the fast paths: how many instructions malloc and free execute when nothing is out of the ordinary, and
how many of them load and store.

Read from the disassembly: from the entry to the first `ret`, which is where the common case leaves; conditional
branches are counted as not taken. x86-64 only; elsewhere the test says so and passes.
"""
import platform
import re
import subprocess
import sys

library = sys.argv[1]
# name: most instructions before ret, most conditional branches, most loads, most stores. One load is of the place of the
# thread's heap, from the table of offsets: a shared library's price. Linked statically, malloc has five.
BUDGET = {"malloc": (18, 2, 6, 2), "free": (24, 3, 10, 4), "_Znwm": (18, 2, 6, 2), "_ZdlPv": (24, 3, 10, 4),
          "_ZdlPvm": (29, 4, 12, 4)}
FORBIDDEN = ("call", "push", "jmp")
if "-hardened" in library:  # the seal is written, and read again, and the canary where it lies apart from that; all ways out are in the count
    BUDGET = {"malloc": (34, 4, 9, 5), "free": (62, 10, 15, 4), "_Znwm": (34, 4, 9, 5), "_ZdlPv": (62, 10, 15, 4)}
    FORBIDDEN = ("call",)
if "-obey" in library:  # whether a rule may be about the call: seven more, of which one is a branch and two are loads
    BUDGET.update({name: (25, 3, 8, 2) for name in ("malloc", "_Znwm")})


def loads_and_stores(instruction):
    name, _, operands = instruction.partition(" ")
    if name.startswith(("lea", "nop", "j", "ret")) or not re.search(r"\(|%fs:", operands):
        return 0, 0
    into_memory = operands.rstrip().endswith(")") or re.search(r"%fs:[^,]*$", operands)
    if not into_memory or name.startswith(("cmp", "test")):
        return 1, 0
    return (0, 1) if name.startswith("mov") else (1, 1)


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
for name, (most, branches, loads, stores) in BUDGET.items():
    path = []
    for instruction in functions.get(addresses.get(name), []):
        if instruction.startswith("ret"):
            break
        if not instruction.startswith(("nop", "endbr")):
            path.append(instruction)
    jumps = [i for i in path if i.startswith("j")]
    memory = [loads_and_stores(i) for i in path]
    loaded, stored = sum(m[0] for m in memory), sum(m[1] for m in memory)
    print(f"{name}: {len(path)} instructions and ret, {len(jumps)} branches, {loaded} loads, {stored} stores "
          f"(budget {most}, {branches}, {loads}, {stores})")
    if not path or len(path) > most or len(jumps) > branches or loaded > loads or stored > stores:
        bad.append(f"{name} is over its budget:\n  " + "\n  ".join(path))
    if any(i.startswith(FORBIDDEN) for i in path):
        bad.append(f"{name}: calls, saves registers or jumps on its fast path")
sys.exit("\n".join(bad) or None)
