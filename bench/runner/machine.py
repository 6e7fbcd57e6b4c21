"""The machine in a few words: what a reader needs to judge figures, and nothing that names a host or a path."""
import os
import pathlib
import platform
import re


def describe():
    """An ordered mapping of what was measured on."""
    cpu = _first(r"model name\s*:\s*(.+)", "/proc/cpuinfo") or platform.machine()
    memory = int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo") or 0) // 1024
    return {
        "processor": " ".join(cpu.split()),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory} MiB",
        "kernel": re.match(r"[\d.]+", platform.release()).group(0).rstrip("."),
        "glibc": platform.libc_ver()[1],
        "huge pages": _first(r"\[(\w+)\]", "/sys/kernel/mm/transparent_hugepage/enabled") or "unknown",
    }


def sentence(known=None, **more):
    """The same, or what an earlier run knew of its machine, and more, in one line."""
    return "; ".join(f"{k} {v}" for k, v in {**(known or describe()), **more}.items())


def load():
    """The one-minute load: figures taken beside other work are worth less, and the table says so."""
    return os.getloadavg()[0]


def _first(pattern, path):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text())
    except OSError:
        return None
    return found.group(1) if found else None
