"""Build the benchmark programs; when nothing changed that takes a fraction of a second."""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
TREE = ROOT / "out" / "build" / "bench"
PROGRAMS = TREE / "bin"


def build(*targets):
    """Configure once, build what changed, all or these targets; end with the compiler's own words when that fails."""
    if not (TREE / "CMakeCache.txt").exists():
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        _run(["cmake", "-S", str(BENCH), "-B", str(TREE), *generator])
    only = [word for target in targets for word in ("--target", target)]
    _run(["cmake", "--build", str(TREE), "--parallel", "2", *only])


def _run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: the programs could not be built\n{done.stdout}")
