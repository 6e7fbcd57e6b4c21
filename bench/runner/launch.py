"""Run one workload once under one malloc, through the small launcher, and read its report."""
import json
import os
import pathlib
import subprocess
import tempfile
import time

from .build import PROGRAMS
from .workloads import system_program

LAUNCHER = str(PROGRAMS / "measure")
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if k != "LD_PRELOAD"},  # only the launcher preloads
               "LC_ALL": "C", "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "1"}


class SelfCheckFailed(Exception):
    """The workload ended with anything but success; the text says how."""


def once(workload, peer, timeout):
    """{seconds, user, sys, max_rss_kib, minor_faults, major_faults, output, and the program's own figures}."""
    with tempfile.TemporaryDirectory(prefix="ashlar-bench-") as folder:
        socket = pathlib.Path(folder) / "socket"
        command = [word.format(socket=socket) if workload.served else word for word in workload.command]
        reader, writer = os.pipe()
        launched = [LAUNCHER, "--report-fd", str(writer), "--preload", peer.library, "--timeout", str(timeout),
                    "--repeat", str(workload.repeat), "--", *command]
        with subprocess.Popen(launched, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, pass_fds=[writer], cwd=folder, preexec_fn=_place_server if workload.served else None,
                              env={**ENVIRONMENT, **({"ASHLAR_OPTIONS": peer.options} if peer.options else {})}) as running:
            os.close(writer)
            try:
                busy = _serve(workload, socket, running, timeout) if workload.served else None
                output, errors = running.communicate()
            finally:
                running.terminate()  # the launcher ends its command with itself
    with os.fdopen(reader) as pipe:
        report = pipe.read()
    if running.returncode != 0 or not report:
        words = (errors.strip().splitlines() or ["no message"])[-1]
        raise SelfCheckFailed(f"{workload.name} under {peer.name}: {_ending(running.returncode)}: {words}")
    cost = json.loads(report)
    if busy is not None:
        cost["seconds"], output = busy, ""  # what a server prints holds times and process ids
    return _with_own_figures(cost, output)


def _serve(workload, socket, server, timeout):
    """Run the clients against the server once it listens; the seconds that they took."""
    begin = time.monotonic()
    while not socket.exists() and server.poll() is None and time.monotonic() < begin + timeout:
        time.sleep(0.002)
    begin = time.monotonic()
    for client in workload.served:
        words = [system_program(client[0]), *(w.format(socket=socket) for w in client[1:])]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=timeout, check=False, preexec_fn=_place_client)
        except subprocess.TimeoutExpired:
            raise SelfCheckFailed(f"{workload.name}: {client[0]} had no answer in {timeout} s") from None
        if done.returncode != 0 or "ERR" in done.stdout:
            raise SelfCheckFailed(f"{workload.name}: {client[0]}: {done.stdout.strip()[-200:]}")
    return time.monotonic() - begin


def _place_server():
    """On the first core alone, its clients on the others: else where the scheduler puts them decides the time."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])


def _place_client():
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)


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
