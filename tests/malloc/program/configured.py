"""ASHLAR_CONF and ASHLAR_OPTIONS are obeyed; what is wrong in them is named by file and line, and the program runs."""
import json
import os
import subprocess
import sys
import tempfile

library, program = sys.argv[1:3]
bad = []


def run(**environment):
    return subprocess.run([program, "none"], env={"LD_PRELOAD": library, **environment}, stderr=subprocess.PIPE,
                          text=True, timeout=60)


def expect(what, condition, done):
    if not condition or done.returncode != 0:
        bad.append(f"{what}: ended with {done.returncode}, said {done.stderr!r}")


with tempfile.TemporaryDirectory() as folder:
    conf = os.path.join(folder, "ashlar.conf")

    def write(text):
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)

    write("version = 1\nstats_at_exit = json\n")
    done = run(ASHLAR_CONF=conf)
    counts = {}
    try:
        counts = json.loads(done.stderr)["ashlar_malloc"]
    except (ValueError, KeyError):
        pass
    expect("JSON statistics", counts.get("allocations", 0) >= 2 and counts.get("large") and
           counts.get("options", {}).get("stats_at_exit") == "json" and
           sum(c["live"] for c in counts.get("classes", [])) + counts["large"]["live"] == counts["live_blocks"], done)
    done = run(ASHLAR_CONF=conf, ASHLAR_OPTIONS="stats_at_exit=off")
    expect("the environment goes before the file", done.stderr == "", done)
    write("version = 1\nno_such_key = 1\nthp = sometimes\n")
    done = run(ASHLAR_CONF=conf)
    lines = done.stderr.splitlines()
    expect("wrong lines", len(lines) == 2 and lines[0].startswith(f"ashlar: {conf}:2:") and
           lines[1].startswith(f"ashlar: {conf}:3:"), done)
    done = run(ASHLAR_CONF=os.path.join(folder, "missing"))
    expect("a missing file", len(done.stderr.splitlines()) == 1 and "cannot be read" in done.stderr, done)
    write("version = 1\n" + "# filler\n" * 2000)
    done = run(ASHLAR_CONF=conf)
    expect("a long file", "longer than" in done.stderr, done)
done = run(ASHLAR_OPTIONS="stats_at_exit=text")
expect("text statistics", "blocks granted" in done.stderr and "given back" in done.stderr, done)
for options in ("purge_delay_ms=0", "thp=always", "thp=never", "page_extend=compact", "page_extend=fast",
                "zero_on_free=on", "retain_bytes=0", "large_cache_bytes=0"):
    done = run(ASHLAR_OPTIONS=options)
    expect(options, done.stderr == "", done)
sys.exit("\n".join(bad) or None)
