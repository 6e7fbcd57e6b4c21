"""What each tier promises of docs/malloc.md, class by class and size by size, on a program that misuses its blocks."""
import os
import signal
import subprocess
import sys

library, program = sys.argv[1:3]
SIZES = (40, 6000, 300000)
FREES = ("interior-free", "unaligned-free", "interior-free-by-thread", "aligned-interior-free", "stack-free", "static-free",
         "foreign-free", "double-free", "double-free-later", "realloc-freed", "realloc-interior", "mismatched-delete")
# options, misuses, sizes, how the program must end
PROMISED = [
    ("guard_samples=0", FREES, SIZES, "told"),
    ("guard_samples=0", ("double-free-by-thread", "write-after-free-first"), (40, 6000), "told"),
    ("harden=1", ("interior-free", "double-free", "mismatched-delete", "overflow-1", "overflow-16"), SIZES, "told"),
    ("harden=1", ("double-free-by-thread", "write-after-free-first"), (40, 6000), "told"),
    ("harden=2", ("interior-free", "double-free", "mismatched-delete", "overflow-1", "overflow-page", "write-after-free",
                  "write-after-free-first", "double-free-by-thread"), SIZES, "told"),
    ("harden=2", ("read-after-free",), (300000,), "told"),
    ("", ("none",), SIZES, "went on"),
    ("zero_on_free=on", ("none",), SIZES, "went on"),
    ("harden=1", ("none",), SIZES, "went on"),
    ("harden=1,zero_on_free=on,guard_samples=1000000", ("none",), SIZES, "went on"),
    ("harden=2", ("none",), SIZES, "went on"),
    ("harden=2,quarantine_bytes=0", ("none",), SIZES, "went on"),
    ("guard_samples=1000000,guard_slots=300", ("none",), SIZES, "went on"),
]
if "-hardened" in library:  # there harden is 1 where nothing is said
    PROMISED = [(options.replace("harden=1", ""), *rest) for options, *rest in PROMISED if "harden=" in options]
bad = []
for options, misuses, sizes, wanted in PROMISED:
    for misuse in misuses:
        for size in sizes:
            done = subprocess.run([program, misuse, str(size)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "LD_PRELOAD": library, "ASHLAR_OPTIONS": options}, timeout=60)
            told = done.returncode in (-signal.SIGABRT, -signal.SIGSEGV) and done.stderr.startswith("ashlar: ")
            went_on = done.returncode == 0 and done.stdout == "went on\n" and done.stderr == ""
            if not (told if wanted == "told" else went_on):
                bad.append(f"{options}: {misuse} of {size} bytes: ended with {done.returncode}, {done.stdout!r}, {done.stderr!r}")
sys.exit("\n".join(bad) or None)
