"""The heap profile: decoded here field by field, its sums are near what the program granted, and its stacks name it."""
import glob
import os
import re
import subprocess
import sys
import tempfile

library, program = sys.argv[1:3]
MEAN = 64 * 1024
bad = []


def expect(condition, what):
    if not condition:
        bad.append(what)


def fields(data):
    """Yields (number, value) of a message: integers, or bytes."""
    at = 0

    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return n

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            expect(at + length <= len(data), "a field ends behind its message")
            yield key >> 3, data[at:at + length]
            at += length
        else:
            raise ValueError(f"wire type {key & 7}")


def packed(data):
    out, n, shift = [], 0, 0
    for byte in data:
        n |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            out.append(n)
            n = shift = 0
    return out


def load(path):
    with open(path, "rb") as file:
        top = list(fields(file.read()))
    strings = [v.decode() for n, v in top if n == 6]
    types = [tuple(strings[dict(fields(v)).get(k, 0)] for k in (1, 2)) for n, v in top if n == 1]
    expect(types == [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"),
                     ("inuse_space", "bytes")], f"sample types {types}")
    mappings = {m[1]: m for m in (dict(fields(v)) for n, v in top if n == 3)}
    locations = {loc[1]: loc for loc in (dict(fields(v)) for n, v in top if n == 4)}
    samples = []
    for n, v in top:
        if n == 2:
            s = dict(fields(v))
            samples.append((packed(s[1]), packed(s[2]), dict(fields(s[3]))))
    expect(strings[0] == "", "the first string is not empty")
    expect(len(locations) == sum(1 for n, _ in top if n == 4), "a location is there twice")
    for places, values, label in samples:
        expect(len(values) == 4 and all(p in locations for p in places), "a sample is not whole")
        expect(values[2] <= values[0] and values[3] <= values[1], "more lives than was granted")
        expect(strings[label[1]] == "bytes" and label[3] > 0, "a sample has no size")
    expect(dict((n, v) for n, v in top if n == 12).get(12) == MEAN, "the period")
    return samples, locations, mappings, strings


def named(profile, symbols):
    """By function of the program: the sums of its samples."""
    samples, locations, mappings, strings = profile
    sums = {}
    for places, values, _ in samples:
        for place in places:
            mapping = mappings.get(locations[place].get(2))
            if mapping is None or os.path.basename(strings[mapping[5]]) != os.path.basename(program):
                continue
            offset = place - mapping[2] + mapping.get(4, 0)
            name = next((n for start, size, n in symbols if start <= offset < start + size), None)
            if name:
                old = sums.setdefault(name, [0, 0, 0, 0])
                sums[name] = [a + b for a, b in zip(old, values)]
                break
    return sums


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def symbols_of(path):
    """Functions of the program by their place in the file."""
    segments = []
    for line in output("readelf", "-lW", path):
        m = re.match(r"\s+LOAD\s+(0x\w+)\s+(0x\w+)\s+\S+\s+(0x\w+)", line)
        if m:
            segments.append([int(g, 16) for g in m.groups()])
    out = []
    for line in output("nm", "-S", path):
        parts = line.split()
        if len(parts) == 4 and parts[2] in "tT":
            address = int(parts[0], 16)
            offset = next((address - v + o for o, v, s in segments if v <= address < v + s), None)
            if offset is not None:
                out.append((offset, int(parts[1], 16), parts[3]))
    return out


def near(value, wanted, what, samples):
    # A sum of n samples is off by about 1/sqrt(n); five times that happens once in two million runs.
    room = 5 / max(samples, 1) ** 0.5
    expect(abs(value - wanted) <= wanted * room, f"{what}: {value}, granted {wanted}, allowed {room:.0%}")


def run(*arguments, **options):
    text = ",".join(f"{key}={value}" for key, value in options.items())
    return subprocess.run([program, *arguments], env={"LD_PRELOAD": library, "ASHLAR_OPTIONS": text}, timeout=100,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "heap.pb")
    done = run(profile_sample_bytes=MEAN, profile_path=path, profile_signal=12)
    expect(done.returncode == 0 and done.stderr == "", f"ended with {done.returncode}, said {done.stderr!r}")
    symbols = symbols_of(program)
    for file, half in ((path, 2), (path + ".1", 1)):  # at exit half of it was freed; at the signal nothing
        sums = named(load(file), symbols)
        stay, go = sums.get("small_that_stay", [0] * 4), sums.get("small_that_go", [0] * 4)
        large, zeroed = sums.get("large_that_stay", [0] * 4), sums.get("zeroed_that_stay", [0] * 4)
        near(stay[0], 300_000, "small blocks", 300_000 * 112 / MEAN)
        near(stay[1], 300_000 * 112, "bytes of small blocks", 300_000 * 112 / MEAN)
        near(stay[3], 300_000 * 112 / half, "live bytes of small blocks", 300_000 * 112 / half / MEAN)
        near(go[0], 600_200, "blocks freed at once", 600_000 * 104 / MEAN / 4)
        near(sums.get("larger_that_go", [0] * 4)[0], 50_000, "larger blocks freed at once", 50_000 * 2048 / MEAN)
        expect(go[2] == 0 and go[3] == 0, f"what was freed lives: {go}")
        near(large[1], 100 * 400_000, "bytes of large blocks", 99)
        near(large[3], 100 * 400_000 / half, "live bytes of large blocks", 25)
        near(zeroed[1], 20_000 * 1536, "zeroed bytes", 20_000 * 1536 / MEAN)
    done = run("fork", profile_sample_bytes=MEAN, profile_signal=12, profile_path=os.path.join(folder, "each.%p"))
    expect(done.returncode == 0, f"with fork: ended with {done.returncode}, said {done.stderr!r}")
    files = glob.glob(os.path.join(folder, "each.*"))
    expect(len(files) == 3, f"parent (twice) and child wrote {files}")
    for file in files:
        load(file)
    done = run(profile_sample_bytes=MEAN, profile_signal=12, profile_path=os.path.join(folder, "missing", "heap.pb"))
    expect("cannot be written" in done.stderr, f"an unwritable path: said {done.stderr!r}")
sys.exit("\n".join(bad) or None)
