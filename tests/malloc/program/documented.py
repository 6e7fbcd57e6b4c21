"""docs/malloc.md says of settings, functions and figures what the library has: each name there exists, with its default."""
import json
import pathlib
import re
import subprocess
import sys

library, program = sys.argv[1:3]
text = (pathlib.Path(__file__).resolve().parents[3] / "docs/malloc.md").read_text(encoding="utf-8")
bad = []


def run(options):
    return subprocess.run([program, "none"], env={"LD_PRELOAD": library, "ASHLAR_OPTIONS": options}, stderr=subprocess.PIPE,
                          text=True, timeout=60).stderr


def rows(header):
    """The cells of the table whose header begins so."""
    body = text.split(f"| {header} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in body]


def number(words):
    value, unit = re.fullmatch(r"(-?\d+) ?([KMG]iB)?", words).groups()
    return int(value) << {None: 0, "KiB": 10, "MiB": 20, "GiB": 30}[unit]


counted = json.loads(run("stats_at_exit=json"))["ashlar_malloc"]
has = dict(counted["options"], stats_at_exit="off", profile_path="none")
exported = {line.split()[-1].split("@")[0] for line in subprocess.run(["nm", "-D", "--defined-only", library],
            stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()}

said = [row[0].strip("`") for row in rows("key")]
if sorted(said) != sorted(has):
    bad.append(f"the table of options has {sorted(said)}, the malloc {sorted(has)}")
for key, default, values, _ in rows("key"):
    key = key.strip("`")
    if key in has and str(has[key]) != default and not (default[-1] in "0123456789B" and has[key] == number(default)):
        bad.append(f"the default of {key} is {has[key]}, not {default}")
    words = values.split(", ") if re.fullmatch(r"[a-z]+(, [a-z]+)+", values) else []
    for word in words:
        complaint = run(f"{key}={word}") if key != "stats_at_exit" else ""
        if complaint and "bytes" not in values:
            bad.append(f"{key} = {word} is not accepted: {complaint}")
for advice in re.findall(r"`(\w+ = [^`]+, [^`]+)`", text):
    if complaint := run(advice):
        bad.append(f"{advice} is not accepted: {complaint}")

for row in rows("to do"):
    for name in re.findall(r"`([^`]+)`", row[-1]):
        if name not in has and name not in exported and name not in ("ASHLAR_OPTIONS", "ashlar.conf", '"stats.*"'):
            bad.append(f"coming from another malloc, {row[0]}: there is no {name}")
for names, *_ in rows("figure"):
    for name in re.findall(r"`([^`]+)`", names):
        if name not in counted:
            bad.append(f"there is no figure {name}")
sys.exit("\n".join(bad) or None)
