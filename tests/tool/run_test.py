"""`ashlar run`: the program is as it would be without us, but on our malloc."""
import json
import os
import signal
import subprocess
import time

import tool
from tool import ASHLAR, PYTHON


class Run(tool.ToolTest):
    def test_output_input_and_status_are_the_programs_own(self):
        done = self.ashlar("run", "--", "sh", "-c", "cat; echo error >&2; exit 7", input="text\n", stdin=None)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "text\n", "error\n"))

    def test_the_program_has_our_malloc_loaded(self):
        done = self.ashlar("run", "--", "cat", "/proc/self/maps")
        self.assertIn("libashlar-malloc.so", done.stdout)

    def test_what_the_user_preloads_stays_preloaded_after_ours(self):
        done = self.ashlar("run", "--", "sh", "-c", "echo $LD_PRELOAD", env={"LD_PRELOAD": "libc.so.6"})
        self.assertRegex(done.stdout, r"^/\S*libashlar-malloc.so:libc.so.6$")

    def test_options_of_the_program_are_not_ours(self):
        done = self.ashlar("run", "--", "echo", "--stats", "--", "--help")
        self.assertEqual(done.stdout, "--stats -- --help\n")

    def test_a_signal_that_ends_the_program_is_what_the_parent_sees(self):
        for number in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL):
            done = self.ashlar("run", "--", "sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(done.returncode, -number)

    def test_a_signal_sent_to_us_reaches_the_program(self):
        for command in (["run"], ["record", "-o", "s.trace"]):
            # Many short sleeps: a signal between the print and one long sleep would be seen when that is over.
            code = ("import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint('ready', flush=True)\n"
                    "for _ in range(6000): time.sleep(0.01)")
            process = subprocess.Popen([ASHLAR, *command, "--", PYTHON, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 9)
            process.stdout.close()

    def test_stats_are_printed_on_stderr_at_exit(self):
        done = self.ashlar("run", "--stats", "--", PYTHON, "-c", "print('out')")
        self.assertEqual(done.stdout, "out\n")
        self.assertGreater(len(done.stderr.splitlines()), 2)

    def test_stats_can_be_json(self):
        done = self.ashlar("run", "--stats", "--json", "--", PYTHON, "-c", "print('out')")
        self.assertGreater(json.loads(done.stderr)["ashlar_malloc"]["allocations"], 10)
        self.complains(2, "--json goes with --stats or --stacks", "run", "--json", "--", "true")

    def test_stats_of_a_program_that_closes_stderr_first_are_printed_too(self):
        done = self.ashlar("run", "--stats", "--", "ls", "/")
        self.assertIn("blocks granted", done.stderr)

    def test_stacks_of_threads_that_run_and_of_those_that_have_ended_are_told_at_exit(self):
        code = ("import json, os, threading, time\n"
                "value = []\nfor n in range(900):\n"
                "    value = [value]\n"
                "    if n == 300: half = value\n"
                "def deep(): json.dumps(value); tell('deep')\n"
                "def tell(who): print(who, threading.get_native_id(), flush=True)\n"
                "def flat(): json.dumps(half); tell('flat'); time.sleep(60)\n"
                "for _ in range(1100):\n"
                "    one = threading.Thread(target=len, args=('',)); one.start(); one.join()\n"
                "threading.stack_size(1 << 20)\n"
                "one = threading.Thread(target=deep); one.start(); one.join()\n"
                "threading.Thread(target=flat, daemon=True).start(); time.sleep(0.02)\n"
                "while len(os.listdir('/proc/self/task')) != 2: time.sleep(0.01)\n"
                "os.close(2)\n")
        done = self.ashlar("run", "--stacks", "--json", "--", PYTHON, "-c", code)
        told = json.loads(done.stderr)["ashlar_stacks"]
        self.assertEqual((told["program"], len(told["threads"]), told["more"], told["not_watched"]), ("python3", 1001, 102, 0))
        self.assertEqual((told["threads"][0]["tid"], told["threads"][0]["ended"]), (told["pid"], False))
        by_id = {one["tid"]: one for one in told["threads"]}
        of = {who: by_id[int(number)] for who, number in (line.split() for line in done.stdout.splitlines())}
        self.assertEqual([(one["size"], one["ended"]) for one in of.values()], [(1 << 20, True), (1 << 20, False)])
        self.assertEqual(told["threads"][1], of["deep"])
        self.assertTrue(64 << 10 < of["deep"]["used"] < 1 << 20)
        self.assertTrue(0 < of["flat"]["used"] < of["deep"]["used"])

    def test_stacks_are_a_table_unless_told_otherwise(self):
        lines = self.ashlar("run", "--stacks", "--", PYTHON, "-c", "pass").stderr.splitlines()
        self.assertRegex(lines[0], r"^ashlar: stacks of python3 \(\d+\), 1 thread$")
        self.assertRegex(lines[2], r"^  python3 +\d+ +\d+ KiB +\d+ KiB +\d+\.\d %  runs$")

    def test_a_conf_is_obeyed_from_the_option_and_from_the_environment(self):
        with open("my.conf", "w") as conf:
            conf.write("version = 1\nstats_at_exit = text\n")
        self.assertGreater(len(self.ashlar("run", "--conf", "my.conf", "--", PYTHON, "-c", "pass").stderr), 10)
        self.assertGreater(len(self.ashlar("run", "--", PYTHON, "-c", "pass", env={"ASHLAR_CONF": "my.conf"}).stderr), 10)

    def test_rules_for_call_sites_have_the_malloc_that_obeys_them(self):
        self.folder.joinpath("sites.conf").write_text("version = 1\nroute = 1 arena\nsite = 1 gone.so:0123abcd:0x10:make\nroutes_at_exit = all\n")
        done = self.ashlar("run", "--conf", "sites.conf", "--", "cat", "/proc/self/maps")
        self.assertIn("libashlar-malloc-obey.so", done.stdout)
        self.assertIn("ashlar: site 1 (route 1, make): its file is not loaded, 0 blocks", done.stderr)

    def test_the_first_tier_of_checks_has_the_malloc_that_is_made_for_it(self):
        self.folder.joinpath("hard.conf").write_text("version = 1\nharden = 1\n")
        self.assertIn("libashlar-malloc-hardened.so", self.ashlar("run", "--conf", "hard.conf", "--", "cat", "/proc/self/maps").stdout)
        self.folder.joinpath("hard.conf").write_text("version = 1\nharden = 2\n")
        self.assertIn("libashlar-malloc.so", self.ashlar("run", "--conf", "hard.conf", "--", "cat", "/proc/self/maps").stdout)

    def test_a_program_that_changes_its_folder_still_finds_the_conf(self):
        with open("my.conf", "w") as conf:
            conf.write("version = 1\nstats_at_exit = text\n")
        done = self.ashlar("run", "--conf", "my.conf", "--", "sh", "-c", "cd / && exec true")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("cannot", done.stderr)

    def test_a_static_program_runs_and_is_told_about(self):
        with open("s.c", "w") as source:
            source.write("int main(void) { return 3; }\n")
        subprocess.run(["cc", "-static", "-o", "s", "s.c"], check=True)
        done = self.ashlar("run", "--", "./s")
        self.assertEqual(done.returncode, 3)
        self.assertIn("linked statically", done.stderr)

    @tool.unittest.skipIf(os.getuid() != 0, "only root can make a program that runs as another user")
    def test_a_setuid_program_is_told_about(self):
        subprocess.run(["cp", "/bin/true", "u"], check=True)
        os.chown("u", 65534, 65534)
        os.chmod("u", 0o4755)
        done = self.ashlar("run", "--", "./u")
        self.assertEqual(done.returncode, 0)
        self.assertIn("setuid", done.stderr)


if __name__ == "__main__":
    tool.main()
