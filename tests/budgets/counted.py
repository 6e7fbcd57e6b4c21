"""counted.py SOURCE PROGRAM: does PROGRAM, run under callgrind, take as few instructions a step as SOURCE promises?

The promise is a comment: `// at most 12 instructions a step`. The program does as many steps as its argument says; what
20,000 further steps cost is counted, so that starting it and preparing do not matter.
"""
import pathlib
import re
import subprocess
import sys


def instructions(program, steps):
    """How many instructions the program takes for so many steps."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, str(steps)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=True)
    return int(re.search(r"Collected\s*:\s*(\d+)", done.stderr).group(1))


def main():
    """Prints the cost of a step; 1 where it is over the budget."""
    source, program = sys.argv[1:3]
    budget = int(re.search(r"// at most (\d+) instructions a step", pathlib.Path(source).read_text()).group(1))
    cost = (instructions(program, 40_000) - instructions(program, 20_000)) / 20_000
    print(f"{pathlib.Path(source).stem}: {cost:.2f} instructions a step (budget {budget})")
    return 0 if cost <= budget else 1


sys.exit(main())
