"""count.py SOURCE OBJECT: are the functions of SOURCE, compiled to OBJECT, within the budgets that stand above them?

A budget is a comment on the line before a function that has C linkage:

    // at most 8 instructions, 1 branch
    extern "C" std::byte* bump_allocate_64(bump& a) { ... }

What is counted is the path of the common case: from the entry to the first `ret`, with conditional branches not taken
and jumps within the function followed. `ret` itself and padding do not count. A call on that path is over any budget.
The function is the operation seen from a caller that inlines it: the allocator comes in a register, the block leaves
in one. x86-64 only; elsewhere the test says so and passes.
"""
import pathlib
import platform
import re
import subprocess
import sys

BUDGET = re.compile(r'// at most (\d+) instructions?, (\d+) branch(?:es)?\nextern "C" [^({]*?(\w+)\(')


def functions(disassembly):
    """name -> [(address, instruction)]."""
    found, current = {}, None
    for line in disassembly.splitlines():
        if head := re.match(r"[0-9a-f]+ <([^>]+)>:$", line):
            current = found.setdefault(head.group(1), [])
        elif current is not None and (step := re.match(r"\s*([0-9a-f]+):\t(.+)", line)):
            current.append((int(step.group(1), 16), step.group(2).strip()))
        elif current and "R_X86_64_P" in line:  # the target lies outside: the displacement says nothing yet
            current[-1] = (current[-1][0], re.sub(r"^jmp\b.*", "jmp elsewhere", current[-1][1]))
    return found


def common_path(code):
    """The instructions from the entry to the first ret, branches not taken; None where it leaves the function."""
    at = {address: i for i, (address, _) in enumerate(code)}
    path, i, seen = [], 0, set()
    while i < len(code) and i not in seen:
        seen.add(i)
        instruction = code[i][1]
        if instruction.startswith("ret"):
            return path
        if instruction.startswith("jmp"):
            path.append(instruction)
            target = re.match(r"jmp\s+([0-9a-f]+) ", instruction)
            i = at.get(int(target.group(1), 16), len(code)) if target else len(code)
            continue
        if not re.match(r"(data16 |cs )*nop|endbr|xchg\s+%ax,%ax", instruction):
            path.append(instruction)
        if instruction.startswith("call"):
            break
        i += 1
    return None if i >= len(code) or i in seen else path


def main():
    """Prints a line per budget, and the code of what exceeds its own."""
    source, compiled = sys.argv[1:3]
    if platform.machine() != "x86_64":
        print("not x86-64: nothing is counted")
        return 0
    listing = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", compiled], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    code, bad = functions(listing), []
    budgets = BUDGET.findall(pathlib.Path(source).read_text())
    if not budgets or len(budgets) != pathlib.Path(source).read_text().count('extern "C"'):
        bad.append("each function with C linkage needs a budget on the line before it, and there must be one")
    for most, branches, name in budgets:
        path = common_path(code.get(name, []))
        jumps = [i for i in path or [] if re.match(r"j(?!mp)", i)]
        ends = path is not None and not any(i.startswith("call") for i in path)
        print(f"{name}: {len(path) if path is not None else 'no'} instructions and ret, {len(jumps)} branches "
              f"(budget {most}, {branches})")
        if not ends or len(path) > int(most) or len(jumps) > int(branches):
            bad.append(f"{name} is over its budget, or calls:\n  " + "\n  ".join(i for _, i in code.get(name, [])))
    print("\n".join(bad), end="")
    return 1 if bad else 0


sys.exit(main())
