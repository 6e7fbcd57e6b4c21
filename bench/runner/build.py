"""Build the benchmark programs in the release tree; when nothing changed that takes a fraction of a second."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
TREE = ROOT / "out" / "build" / "release"
PROGRAMS = TREE / "bench" / "bin"


def build():
    """Configure once, build what changed; end with the compiler's own words when that fails."""
    if not (TREE / "build.ninja").exists():
        _run(["cmake", "--preset", "release"])
    _run(["cmake", "--build", "--preset", "release", "--target", "bench", "-j", "2"])


def _run(command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command[:4])} failed\n{done.stdout}")
