"""Compiles small pieces of C++ for the lints, through ccache where there is one."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
from typing import NamedTuple

FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]


class Unit(NamedTuple):
    """One translation unit: `label` says in a finding what it is, `file` is where it stands."""
    label: str
    compiler: str
    file: pathlib.Path
    flags: list[str] = []


class Outcome(NamedTuple):
    unit: Unit
    succeeded: bool
    output: str


def compilers() -> list[str]:
    """g++ first, then clang 19 where it is installed."""
    return [found for found in ("g++", "clang++-19") if shutil.which(found)]


def compile_unit(root: pathlib.Path, unit: Unit) -> Outcome:
    tag = "-".join([unit.compiler, *[f.strip("-=") for f in unit.flags]]).replace("/", "_")
    result = unit.file.with_suffix(f".{tag}.o")
    launcher = ["ccache"] if shutil.which("ccache") else []
    environment = dict(os.environ, CCACHE_BASEDIR=str(root), CCACHE_NOHASHDIR="1", LC_ALL="C")
    done = subprocess.run([*launcher, unit.compiler, *FLAGS, *unit.flags, f"-I{root / 'include'}", f"-I{root / 'tests'}",
                           "-c", str(unit.file), "-o", str(result)],
                          capture_output=True, text=True, env=environment, timeout=300, check=False)
    result.unlink(missing_ok=True)
    return Outcome(unit, done.returncode == 0, done.stderr)


def compile_all(root: pathlib.Path, units: list[Unit]) -> list[Outcome]:
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(lambda unit: compile_unit(root, unit), units))


def first_error(output: str) -> str:
    for line in output.splitlines():
        if "error:" in line:
            return line.split("error:", 1)[1].strip()
    return output.strip().splitlines()[0] if output.strip() else "the compiler failed without a message"


def workspace(root: pathlib.Path, lint: str) -> pathlib.Path:
    """A folder for generated units at a place that stays, so that ccache recognises them."""
    folder = root / "out" / "lint" / lint
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(path: pathlib.Path, content: str) -> pathlib.Path:
    if not path.is_file() or path.read_text() != content:
        path.write_text(content)
    return path
