"""What each tier promises, attack by attack and size by size (attacks.cpp), and that programs that do nothing wrong see nothing."""
import os
import signal
import subprocess
import sys

program, usual, hardened = sys.argv[1:4]
SIZES = (8, 4096, 262144)
TIERS = [(usual, "guard_samples=0"), (hardened, "guard_samples=0"), (hardened, "harden=2,guard_samples=0"),
         (usual, "harden=1,guard_samples=0")]
FOUND_BY = {0: "0", 1: "01", 2: "012", 3: "01"}  # of each of TIERS: the marks of what it must find
RIGHT = [(usual, ""), (usual, "zero_on_free=on"), (usual, "harden=1"), (usual, "harden=1,zero_on_free=on,guard_samples=1000000"),
         (usual, "harden=2"), (usual, "harden=2,quarantine_bytes=0"), (usual, "guard_samples=1000000,guard_slots=300"), (hardened, ""),
         (hardened, "zero_on_free=on,guard_samples=1000000"), (hardened, "harden=2"), (hardened, "harden=2,quarantine_bytes=0")]
bad = []


def attacked(library, options, kind, name, size):
    return subprocess.run([program, kind, name, str(size)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          env={**os.environ, "LD_PRELOAD": library, "ASHLAR_OPTIONS": options})


def finds(tier, kind, name, size):
    library, options = TIERS[tier]
    done = attacked(library, options, kind, name, size)
    told = done.returncode in (-signal.SIGABRT, -signal.SIGSEGV) and done.stderr.startswith("ashlar: ")
    nothing_read = done.returncode == 0 and (kind in ("uninitialised leak", "read after free") or name == "read")
    if done.stdout or not (told or nothing_read):
        bad.append(f"{os.path.basename(library)}, {options}: {kind}: {name} of {size} bytes: ended with {done.returncode}, "
                   f"{done.stdout!r}, {done.stderr!r}")


attacks = [line.split("\t") for line in subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()]
if len(attacks) * len(SIZES) < 100:
    bad.append(f"there are only {len(attacks)} attacks")
for kind, name, found_by in attacks:
    for size, lowest in zip(SIZES, found_by, strict=True):
        for tier, marks in FOUND_BY.items():
            # The usual library with harden=1 is as the hardened one: a third of it is enough.
            if lowest in marks and not (tier == 3 and size != 8):
                finds(tier, kind, name, size)
for library, options in RIGHT:
    for size in SIZES:
        done = attacked(library, options, "none", "none", size)
        if done.returncode != 0 or done.stdout or done.stderr:
            bad.append(f"{os.path.basename(library)}, {options}: nothing wrong, {size} bytes: ended with {done.returncode}, {done.stderr!r}")
sys.exit("\n".join(bad) or None)
