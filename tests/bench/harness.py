"""Runs bench/run.py as a user would."""
import os
import pathlib
import subprocess
import sys

RUNNER = pathlib.Path(__file__).resolve().parents[2] / "bench" / "run.py"


def bench(*words, **environment):
    """The ended process, its output as text."""
    return subprocess.run([sys.executable, "-B", str(RUNNER), *words], capture_output=True, text=True, timeout=500,
                          env={**os.environ, **environment}, check=False)
