"""Run one workload once under one malloc, through the small launcher, and read its report."""
import json
import os
import subprocess

from .build import PROGRAMS

LAUNCHER = str(PROGRAMS / "measure")


class SelfCheckFailed(Exception):
    """The workload ended with anything but success; the text says how."""


def once(workload, peer, timeout):
    """{seconds, user, sys, max_rss_kib, minor_faults, major_faults, output, and the program's own figures}."""
    reader, writer = os.pipe()
    command = [LAUNCHER, "--report-fd", str(writer), "--preload", peer.library, "--timeout", str(timeout),
               "--repeat", str(workload.repeat), "--", *workload.command]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "1"}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          pass_fds=[writer], env=environment, check=False)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        report = pipe.read()
    if done.returncode != 0 or not report:
        words = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SelfCheckFailed(f"{workload.name} under {peer.name}: {_ending(done.returncode)}: {words}")
    return _with_own_figures(json.loads(report), done.stdout)


def _with_own_figures(cost, output):
    """A line `figure NAME VALUE` adds to, or replaces, what the launcher saw."""
    lines = []
    for line in output.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "figure":
            cost[words[1]] = float(words[2])
        else:
            lines.append(line)
    cost["output"] = "\n".join(lines)
    return cost


def _ending(status):
    if status == 128 + 9:
        return "killed, or out of time"
    return f"signal {status - 128}" if status > 128 else f"status {status}"
