"""The mallocs to compare: glibc, the installed peers, Ashlar, and any library given by hand."""
import dataclasses
import pathlib
import platform
import re
import shutil
import subprocess
import sys

from .build import ROOT

OURS = "ashlar"
PURGING = "ashlar, background_purge"  # ours with that option on: only for what is resident after idle
LIBRARIES = {
    "glibc": None,  # the system's own: nothing preloaded
    "mimalloc": "libmimalloc.so.2",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "tbb": "libtbbmalloc_proxy.so.2",
    OURS: ROOT / "out" / "lib" / "libashlar-malloc.so",
}


@dataclasses.dataclass(frozen=True)
class Peer:
    """A malloc by name; `library` is what LD_PRELOAD gets, empty for the system's; `options` are for ours."""
    name: str
    library: str
    version: str
    options: str = ""


def chosen(listed, added=()):
    """The peers of a comma-separated list; says on stderr which are missing, ends when none is left."""
    names = [n for n in listed.split(",") if n]
    for name in names:
        if name not in LIBRARIES:
            sys.exit(f"bench: no malloc is called {name}; known are {', '.join(LIBRARIES)}")
    found, missing = find(names, added)
    for each in missing:
        print(f"bench: not measured, because it is not installed or not built: {each}", file=sys.stderr)
    return found or sys.exit("bench: there is nothing to measure")


def find(names, added=()):
    """(found, missing): peers in the order asked for. `added` are NAME=PATH, measured beside the peers."""
    found, missing = [], []
    for name in names:
        wanted = LIBRARIES[name]
        if wanted is None:
            found.append(Peer(name, "", platform.libc_ver()[1]))
            continue
        path = wanted if isinstance(wanted, pathlib.Path) else _look_up(wanted)
        if path and path.exists():
            found.append(Peer(name, str(path), "this tree" if name == OURS else _version(path)))
        else:
            missing.append(f"{name} ({getattr(wanted, 'name', wanted)})")
    for each in added:
        name, _, path = each.partition("=")
        if pathlib.Path(path).is_file():
            found.append(Peer(name, str(pathlib.Path(path).resolve()), "given by hand"))
        else:
            missing.append(f"{name} ({path or 'no path: write NAME=PATH'})")
    return found, missing


def purging(found):
    """Ours with the thread that purges, when ours is among those found."""
    return [dataclasses.replace(p, name=PURGING, options="background_purge=on") for p in found if p.name == OURS]


def _look_up(soname):
    folders = [pathlib.Path("/usr/local/lib"), *sorted(pathlib.Path("/usr/lib").glob("*-linux-gnu*")),
               pathlib.Path("/usr/lib64"), pathlib.Path("/usr/lib")]
    return next((f / soname for f in folders if (f / soname).exists()), None)


def _version(path):
    """The package's upstream version where dpkg knows it, else what the file's real name ends in."""
    if shutil.which("dpkg-query"):
        for name in (path, path.resolve()):
            owner = _ask(["dpkg-query", "-S", str(name)]).split(": ")[0]
            version = owner and _ask(["dpkg-query", "-W", "-f=${Version}", owner])
            if version:
                return re.sub(r"^\d+:|[+-].*$", "", version)
    found = re.search(r"\.so\.([\d.]+)$", path.resolve().name)
    return found.group(1) if found else "unknown"


def _ask(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
