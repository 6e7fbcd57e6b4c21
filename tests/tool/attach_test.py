"""Recording that begins and ends while the program runs, and the live view."""
import errno
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import stat
import struct
import subprocess
import termios
import time
import unittest

import tool
from tool import ASHLAR, PYTHON

BUSY = """
import os, sys, time
print(os.getpid(), flush=True)
end = time.time() + 60
while time.time() < end:
    kept = [bytes(3000 + i) for i in range(200)]
    time.sleep(0.002)
"""


class Running(tool.ToolTest):
    def start(self, *words, code=BUSY, **more):
        process = subprocess.Popen([ASHLAR, "record", *words, "--", PYTHON, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env={**os.environ, "PYTHONMALLOC": "malloc"}, **more)
        pid = int(process.stdout.readline())
        self.addCleanup(self.stop, process, pid)
        return process, pid

    @staticmethod
    def stop(process, pid):
        if process.poll() is None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(60)
        process.stdout.close()
        process.stderr.close()

    def page(self, pid):
        return pathlib.Path(f"/tmp/ashlar-{os.geteuid()}/{pid}")

    def report(self, trace):
        return json.loads(self.ashlar("report", "--json", trace).stdout)


class Attach(Running):
    def test_a_running_process_is_recorded_for_a_while_and_again(self):
        process, pid = self.start("--paused")
        self.assertEqual(self.files(), [])
        for trace, words, mean in (("one.trace", ("--stacks",), 0), ("two.trace", ("--sample", "16K"), 16000)):
            done = self.ashlar("record", "--pid", pid, "--for", "1s", "-o", trace, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stderr, rf"^ashlar: [0-9.]+ m?s of process {pid}, [0-9.]+ .iB, in .*/{trace}\n$")
            told = self.report(trace)
            self.assertEqual((told["state"], told["sample_mean"], told["process"]["pid"]), ("closed", mean, pid))
            self.assertGreater(told["allocations"], 50)
            self.assertLess(told["duration_ns"], 30e9)
            self.assertIn("packed already", self.ashlar("pack", trace).stdout)
            self.assertEqual(stat.S_IMODE(os.stat(trace).st_mode), 0o600)
        self.assertEqual(sorted(self.files()), ["one.trace", "two.trace"])
        self.assertIsNone(process.poll())

    def test_a_process_that_is_recorded_from_its_beginning_can_be_ended_but_not_recorded_twice(self):
        _, pid = self.start("-o", "t.trace")
        self.complains(1, f"process {pid} is being recorded already, into .*t.trace", "record", "--pid", pid, "-o", "u.trace")
        self.assertEqual(self.files(), ["t.trace"])

    def test_interrupting_us_ends_the_recording_and_not_the_process(self):
        process, pid = self.start("--paused")
        ours = subprocess.Popen([ASHLAR, "record", "--pid", str(pid), "-o", "i.trace"], stderr=subprocess.PIPE, text=True)
        deadline = time.time() + 60
        while not pathlib.Path("i.trace").exists() and time.time() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        ours.send_signal(signal.SIGINT)
        _, errors = ours.communicate(timeout=60)
        self.assertEqual(ours.returncode, 0, errors)
        self.assertEqual(self.report("i.trace")["state"], "closed")
        self.assertIsNone(process.poll())

    def test_the_page_is_its_users_alone_and_goes_with_the_process(self):
        code = "import os\nprint(os.getpid(), flush=True)\ninput()"
        process, pid = self.start("--paused", code=code, stdin=subprocess.PIPE)
        self.assertEqual(stat.S_IMODE(os.stat(self.page(pid)).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.page(pid).parent).st_mode), 0o700)
        process.stdin.write("\n")
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)
        self.assertFalse(self.page(pid).exists())
        self.complains(1, f"process {pid} was not started by ashlar record, or has ended", "record", "--pid", pid, "--for", "1s")

    def test_a_page_that_a_killed_process_left_is_taken_for_no_other_process(self):
        stranger = subprocess.Popen(["sleep", "60"])
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        process, pid = self.start("--paused")
        left = self.page(pid).read_bytes()
        mine = self.page(stranger.pid)
        mine.write_bytes(left[:12] + struct.pack("=IQ", stranger.pid, 1) + left[24:])
        self.addCleanup(lambda: mine.unlink(missing_ok=True))
        self.complains(1, "was not started by ashlar record", "record", "--pid", stranger.pid, "--for", "1s")
        self.assertFalse(mine.exists())
        mine.write_bytes(b"short")
        self.complains(1, "is no page of control", "record", "--pid", stranger.pid, "--for", "1s")

    def test_where_the_process_cannot_write_we_say_so_and_it_goes_on(self):
        process, pid = self.start("--paused")
        os.mkdir("gone")
        self.complains(1, "cannot", "record", "--pid", pid, "--for", "1s", "-o", "missing/t.trace")
        done = self.ashlar("record", "--pid", pid, "--for", "1s", "-o", "fine.trace")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_forks_child_is_asked_for_itself_also_when_its_parent_has_gone(self):
        code = "import os\nif os.fork():\n    os._exit(0)\n" + BUSY
        _, pid = self.start("--paused", code=code)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        done = self.ashlar("record", "--pid", pid, "--for", "1s", "-o", "child.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.report("child.trace")["process"]["pid"], pid)

    def test_words_that_make_no_sense_together_are_refused(self):
        self.complains(2, "'soon' is no duration", "record", "--pid", "1", "--for", "soon")
        self.complains(2, "a process or a program", "record", "--pid", "1", "--", "true")
        self.complains(2, "--for goes with --pid", "record", "--for", "1s", "--", "true")
        self.complains(1, "process 1 was not started by ashlar record", "top", "--once", "1")


class Top(Running):
    def test_one_picture_of_a_paused_process_is_a_sample_that_leaves_nothing_behind(self):
        _, pid = self.start("--paused")
        done = self.ashlar("top", "--once", "--sample", "16K", "--interval", "1s", pid)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, rf"process {pid}, watched for .*; estimates: one byte in 16,000")
        self.assertRegex(done.stdout, r"a second: [1-9][0-9,]* allocations, [0-9.]+ .iB, [1-9]")
        self.assertRegex(done.stdout, r"live +blocks +bytes/s +allocations/s +where")
        self.assertNotIn("\x1b", done.stdout)
        self.assertFalse(pathlib.Path(str(self.page(pid)) + ".top").exists())
        again = self.ashlar("top", "--frames", "2", "--interval", "1s", "--by", "allocated", pid)
        self.assertEqual(again.stdout.count("watched for"), 2, again.stderr)

    def test_a_trace_being_written_and_one_that_is_finished_are_shown_too(self):
        _, pid = self.start("--stacks", "-o", "t.trace")
        for what in (pid, "t.trace"):
            done = self.ashlar("top", "--once", "--interval", "1s", what)
            self.assertIn(f"process {pid}, watched for", done.stdout, done.stderr)
        self.record("done.trace")
        self.assertIn("thread", self.ashlar("top", "--once", "done.trace").stdout)
        self.complains(1, "cannot read the trace missing", "top", "--once", "missing")

    def test_in_a_terminal_it_refreshes_sorts_and_q_gives_the_screen_back(self):
        _, pid = self.start("--paused")
        child, terminal = pty.fork()
        if child == 0:
            os.execv(ASHLAR, [ASHLAR, "top", "--interval", "200ms", "--sample", "16K", str(pid)])
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        before = termios.tcgetattr(terminal)[3]
        seen = ""

        def read_until(pattern):
            nonlocal seen
            deadline = time.time() + 60
            while not re.search(pattern, seen, re.S) and time.time() < deadline:
                if select.select([terminal], [], [], 0.5)[0]:
                    try:
                        seen += os.read(terminal, 65536).decode(errors="replace")
                    except OSError as gone:
                        self.assertEqual(gone.errno, errno.EIO)
                        break
            self.assertRegex(seen, re.compile(pattern, re.S))

        read_until(r"\x1b\[\?1049h.*sorted by live.*sorted by live")
        os.write(terminal, b"s")
        read_until(r"sorted by allocated")
        for picture in seen.split("\x1b[H")[2:-1]:
            lines = re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", picture).replace("\r", "").split("\n")
            self.assertLessEqual(len(lines), 12)
            self.assertLessEqual(max(map(len, lines)), 60)
        os.write(terminal, b"q")
        read_until(r"\x1b\[\?1049l")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertTrue(before & termios.ICANON)
        self.assertFalse(pathlib.Path(str(self.page(pid)) + ".top").exists())


if __name__ == "__main__":
    unittest.main()
