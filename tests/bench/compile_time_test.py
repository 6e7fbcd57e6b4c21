"""The toolkit in one header costs a compiler less than <memory_resource> and <vector>: by lines, which do not vary."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    done = subprocess.run([sys.executable, "-B", str(ROOT / "bench" / "run.py"), "compile_time", "--lines-only"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
