"""worst.py SOURCE OBJECT: no path through a function of SOURCE, compiled to OBJECT, is longer than it promises.

The promise is a comment on the line before a function that has C linkage:

    // at most 168 instructions on any path

What has no loop has a longest path, and the disassembly shows it: every branch is taken both ways, calls of functions in
the same object are followed. Each instruction counts, the `ret` too. A jump backwards to where the path has been, or a call
that leaves the object (but for the one that a broken contract makes, which returns no more), is over any budget.
x86-64 only; elsewhere the test says so and passes.
"""
import functools
import pathlib
import platform
import re
import subprocess
import sys

sys.setrecursionlimit(20_000)


def disassembled(path):
    """{function: [(address, mnemonic, operands)]}"""
    text = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", "--insn-width=16", path], capture_output=True, text=True,
                          check=True).stdout
    functions, lines = {}, []
    for line in text.splitlines():
        head = re.match(r"[0-9a-f]+ <(.+)>:$", line)
        if head:
            lines = functions.setdefault(head.group(1), [])
        elif found := re.match(r"\s*[0-9a-f]+: R_X86_\S+\s+(.+?)(?:[-+]0x[0-9a-f]+)?$", line):
            lines[-1] = (*lines[-1][:2], lines[-1][2] + " @" + found.group(1))
        elif found := re.match(r"\s*([0-9a-f]+):\t(\S+)\s*(.*)$", line):
            lines.append((int(found.group(1), 16), found.group(2), found.group(3)))
    return functions


def longest(functions, name):
    """The number of instructions of the longest path through the function; infinite where there is a loop."""
    code = functions[name]
    index = {address: i for i, (address, _, _) in enumerate(code)}
    on_path = set()

    @functools.lru_cache(None)
    def from_(i):
        if i in on_path:
            return float("inf")
        on_path.add(i)
        found = 1 + behind(i)
        on_path.discard(i)
        return found

    def behind(i):
        _, mnemonic, operands = code[i]
        if mnemonic.startswith(("ret", "ud2", "hlt")):
            return 0
        if mnemonic.startswith("call"):
            callee = operands.split("@")[-1] if "@" in operands else re.search(r"<(.+?)(\+|>)", operands).group(1)
            return (longest(functions, callee) if callee in functions else float("inf")) + from_(i + 1)
        if mnemonic.startswith("j"):
            if "@" in operands:  # a tail call
                callee = operands.split("@")[-1]
                return longest(functions, callee) if callee in functions else float("inf")
            target = int(operands.split()[0], 16)
            if target not in index:
                return float("inf")
            taken = from_(index[target])
            return taken if mnemonic == "jmp" else max(taken, from_(i + 1))
        return from_(i + 1) if i + 1 < len(code) else 0

    return from_(0)


def main():
    """Prints the longest path of each; 1 where one is over its budget."""
    if platform.machine() != "x86_64":
        print("not x86-64: nothing is counted")
        return 0
    source, compiled = sys.argv[1:3]
    promised = re.findall(r"// at most (\d+) instructions on any path\nextern \"C\"[^(]*?(\w+)\(",
                          pathlib.Path(source).read_text())
    functions, over = disassembled(compiled), not promised
    for budget, name in promised:
        cost = longest(functions, name)
        print(f"{name}: {cost} instructions at worst (budget {budget})")
        over = over or cost > int(budget)
    return int(over)


sys.exit(main())
