"""What is wrong is said in one clear sentence, with a status that is not 0, and nothing half-written stays."""
import json
import os
import pathlib
import resource
import signal
import subprocess

import tool
from tool import PYTHON

QUICK = ["--engines", "system", "--rounds", "1", "--no-latency", "--no-check"]


class Programs(tool.ToolTest):
    def test_an_unknown_option_is_named_wherever_it_stands(self):
        for arguments in (["report", "-o", "x", "t.trace"], ["replay", "t.trace", "-o"]):
            done = self.ashlar(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("unknown option '-o'", done.stderr)

    def test_a_missing_program_is_127(self):
        for command in ("run", "record", "tune"):
            self.complains(127, "no such program", command, "--", "./not-there")
            self.complains(127, "no such program in PATH", command, "--", "no-such-program-at-all")
        self.assertEqual(self.files(), [])

    def test_a_program_that_cannot_be_executed_is_126(self):
        pathlib.Path("text").write_text("hello\n")
        for command in ("run", "record", "tune"):
            self.complains(126, "text: cannot be executed: permission denied", command, "--", "./text")
            self.complains(126, "it is a directory", command, "--", "/")
        self.assertEqual(self.files(), ["text"])

    def test_a_file_that_is_no_program_is_126(self):
        pathlib.Path("junk").write_bytes(b"\x7fELF junk")
        os.chmod("junk", 0o755)
        self.complains(126, "junk: cannot be executed: Exec format error", "run", "--", "./junk")
        self.complains(126, "junk: cannot be executed: Exec format error", "record", "--", "./junk")
        self.assertEqual(self.files(), ["junk"])

    def test_an_empty_name_is_no_program(self):
        self.complains(127, "name is empty", "run", "--", "")

    def test_a_program_killed_while_recorded_or_tuned_ends_us_the_same_way(self):
        for command in (["record", "-o", "k.trace"], ["tune", "--output", "o"]):
            done = self.ashlar(*command, "--", PYTHON, "-c", "import os; os.kill(os.getpid(), 9)")
            self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
        self.assertEqual(self.ashlar("report", "--no-html", "k.trace").returncode, 0, "the killed program's trace is readable")

    def test_a_static_program_cannot_be_tuned_and_records_nothing(self):
        pathlib.Path("s.c").write_text("int main(void) { return 3; }\n")
        subprocess.run(["cc", "-static", "-o", "s", "s.c"], check=True)
        self.complains(1, "./s cannot be tuned: it is linked statically", "tune", "--", "./s")
        done = self.ashlar("record", "--", "./s")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, "^ashlar: nothing was recorded of ./s: it is linked statically[^\n]*\n$")
        self.assertEqual(self.files(), ["s", "s.c"])


class Traces(tool.ToolTest):
    COMMANDS = (["replay", *QUICK], ["advise", "--rounds", "1"], ["report", "--no-html"])

    def refuse(self, pattern, trace):
        for command in (*self.COMMANDS, ["check", "--no-leaks"], ["export", "--format", "pprof", "-o", "out"]):
            self.complains(1, pattern, *command, trace)
        self.assertFalse({"ashlar.conf", "out"} & set(self.files()))

    def test_a_missing_trace(self):
        self.refuse("nowhere.trace", "nowhere.trace")

    def test_a_folder_is_no_trace(self):
        self.refuse("/", "/")

    def test_an_empty_trace(self):
        pathlib.Path("empty.trace").write_bytes(b"")
        self.refuse("empty.trace", "empty.trace")

    def test_a_file_of_another_kind(self):
        pathlib.Path("text.trace").write_text("this is not a trace\n" * 1000)
        self.refuse("text.trace", "text.trace")

    def test_a_device_or_a_pipe_is_no_trace_and_nobody_waits_for_it(self):
        os.mkfifo("pipe")
        for name in ("/dev/null", "/dev/zero", "/dev/full", "pipe"):
            self.refuse(f"^ashlar: {name} is not a trace of Ashlar: it is no regular file$", name)

    def test_a_trace_that_may_not_be_read(self):
        if os.getuid() == 0:  # who may read everything but what the kernel does not give
            name = "/proc/sys/vm/drop_caches"
        else:
            name = "closed.trace"
            pathlib.Path(name).touch(0o200)
        self.refuse(f"cannot read the trace {name}: Permission denied", name)

    def test_a_trace_of_a_machine_of_the_other_byte_order(self):
        self.record(code="pass")
        whole = bytearray(pathlib.Path("t.trace").read_bytes())
        for at in (8, 12):
            whole[at:at + 4] = whole[at:at + 4][::-1]
        pathlib.Path("other.trace").write_bytes(whole)
        self.refuse("other.trace was written on a machine of the other byte order", "other.trace")

    def test_a_trace_without_an_allocation(self):
        self.record()
        whole = pathlib.Path("t.trace").read_bytes()
        pathlib.Path("head.trace").write_bytes(whole[:4096])
        for command in self.COMMANDS[:2]:
            self.complains(1, "head.trace: ", *command, "head.trace")

    def test_a_trace_cut_anywhere_is_refused_in_one_sentence_or_replayed_in_part(self):
        self.record(code="pass")
        whole = pathlib.Path("t.trace").read_bytes()
        cuts = [*range(0, 256, 13), *range(256, len(whole), max(1, len(whole) // 60))]
        for cut in cuts:
            pathlib.Path("cut.trace").write_bytes(whole[:cut])
            self.is_handled("cut.trace", f"cut at {cut}")

    def test_a_trace_with_any_bit_flipped_is_refused_in_one_sentence_or_replayed_in_part(self):
        self.record(code="pass")
        whole = bytearray(pathlib.Path("t.trace").read_bytes())
        for at in [*range(0, 256, 17), *range(256, len(whole), max(1, len(whole) // 60))]:
            whole[at] ^= 1 << (at % 8)
            pathlib.Path("flip.trace").write_bytes(whole)
            whole[at] ^= 1 << (at % 8)
            self.is_handled("flip.trace", f"bit flipped at {at}")

    def is_handled(self, trace, what):
        done = self.ashlar("replay", *QUICK, trace)
        self.assertIn(done.returncode, (0, 1), what + done.stderr)
        if done.returncode == 1:
            self.assertEqual(len(done.stderr.splitlines()), 1, what + done.stderr)
            self.assertEqual(done.stdout, "", what)


class Confs(tool.ToolTest):
    def refuse(self, pattern, text):
        pathlib.Path("my.conf").write_text(text)
        self.complains(2, "my.conf:" + pattern, "run", "--conf", "my.conf", "--", "echo", "out")
        self.complains(2, "my.conf:" + pattern, "run", "--", "echo", "out", env={"ASHLAR_CONF": "my.conf"})
        self.complains(2, "my.conf:" + pattern, "record", "--malloc", "ashlar", "--conf", "my.conf", "--", "echo", "out")

    def test_an_unknown_key_is_named_with_its_line(self):
        self.refuse("3: .*'colour'", "version = 1\n# a comment\ncolour = blue\n")

    def test_an_impossible_value_is_named_with_its_line(self):
        for line in ("retain_bytes = many", "retain_bytes = -5", "thp = perhaps", "purge_delay_ms = 99999999999999999999", "retain_bytes"):
            self.refuse("2: ", f"version = 1\n{line}\n")

    def test_a_wrong_rule_for_a_call_site_is_named_with_its_line(self):
        self.folder.joinpath("sites.conf").write_text("version = 1\nroute = 1 arena\nsite = 1 nowhere\n")
        self.complains(2, r"sites.conf:3: a place is FILE:BUILDID:OFFSET", "run", "--conf", "sites.conf", "--", "true")

    def test_another_version_or_none_is_refused(self):
        self.refuse("1: .*version", "version = 2\n")
        self.refuse("1: .*version", "thp = auto\n")

    def test_a_conf_that_cannot_be_read(self):
        self.complains(2, "no.conf: cannot be read: No such file", "run", "--conf", "no.conf", "--", "true")
        self.complains(2, "is a directory", "run", "--conf", "/", "--", "true")

    def test_a_device_or_a_pipe_is_no_conf_and_nobody_waits_for_it(self):
        os.mkfifo("pipe")
        for name in ("/dev/zero", "pipe"):
            self.complains(2, f"{name}: is not a regular file", "run", "--conf", name, "--", "true")
            self.complains(2, f"{name}: is not a regular file", "run", "--", "true", env={"ASHLAR_CONF": name})
            self.complains(2, f"{name}: is not a regular file", "record", "--malloc", "ashlar", "--conf", name, "--", "true")
        self.assertEqual(self.ashlar("run", "--conf", "/dev/null", "--", "true").returncode, 0, "no settings")

    def test_a_conf_longer_than_the_malloc_reads_is_refused(self):
        pathlib.Path("long.conf").write_text("version = 1\n" + "# comment\n" * 1000)
        self.complains(2, "long.conf: is longer than", "run", "--conf", "long.conf", "--", "true")


class Outputs(tool.ToolTest):
    def test_an_output_that_cannot_be_written_is_told_before_the_program_runs(self):
        pathlib.Path("file").write_text("")
        touch = ["--", "touch", "ran"]
        self.complains(1, "file/t.trace", "record", "-o", "file/t.trace", *touch)
        self.complains(1, "no-folder/t.trace", "record", "-o", "no-folder/t.trace", *touch)
        self.complains(1, "'/'", "record", "-o", "/", *touch)
        self.complains(1, "file: cannot be made a folder", "tune", "--output", "file", *touch)
        self.complains(1, "file/o: cannot be made a folder", "tune", "--output", "file/o", *touch)
        self.complains(1, "/proc/o: cannot be made a folder", "tune", "--output", "/proc/o", *touch)
        self.assertEqual(self.files(), ["file"])

    def test_a_place_that_takes_no_new_file_is_told_before_the_program_runs(self):
        for where in ("/proc/x", "/sys/x", "/proc/self/fd/x", "/dev/full"):
            for sort in ([], ["--stacks"], ["--sample", "1K"]):
                self.complains(1, f"{where}: |'{where}'", "record", *sort, "-o", where, "--", "touch", "ran")
        self.complains(1, "'t.trace': File too large", "record", "-o", "t.trace", "--", "touch", "ran",
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
        self.assertEqual(self.files(), [])

    def test_a_recording_that_came_to_nothing_is_a_failure_and_a_program_that_asks_for_nothing_is_none(self):
        done = self.ashlar("record", "-o", "n.trace", "--", "sh", "-c", "ulimit -f 0; exec true")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "ashlar: nothing was recorded of sh: [^\n]*\n$")
        for body, status in (("return 0;", 0), ("return 9;", 9)):
            pathlib.Path("e.c").write_text(f"int main(void) {{ {body} }}\n")
            subprocess.run(["cc", "-o", "e", "e.c"], check=True)
            done = self.ashlar("record", "-o", "e.trace", "--", "./e")
            self.assertEqual(done.returncode, status)
            self.assertRegex(done.stderr, "^ashlar: 0 events of 0 threads, [^\n]* in [^\n]*e.trace\n$")
            told = self.ashlar("report", "--json", "e.trace")
            self.assertEqual((told.returncode, json.loads(told.stdout)["allocations"]), (0, 0), told.stderr)
            self.assertEqual(self.ashlar("check", "--no-leaks", "e.trace").returncode, 0)

    def test_a_conf_that_cannot_be_written_is_told_before_the_replay(self):
        self.record()
        self.complains(1, "no-folder/a.conf", "advise", "-o", "no-folder/a.conf", "t.trace")

    def test_a_file_that_is_not_a_trace_is_never_overwritten(self):
        pathlib.Path("thesis").write_text("ten years of work\n")
        self.complains(1, "thesis: is there already and is not a trace", "record", "-o", "thesis", "--", "true")
        self.assertEqual(pathlib.Path("thesis").read_text(), "ten years of work\n")

    @tool.unittest.skipIf(os.getuid() == 0, "root may write everywhere")
    def test_a_folder_without_permission(self):
        os.mkdir("closed", 0o500)
        self.complains(1, "closed", "record", "-o", "closed/t.trace", "--", "true")
        self.complains(1, "closed", "tune", "--output", "closed", "--", "true")


class FullDisks(tool.ToolTest):
    CODE = "x = [str(i) for i in range(200000)]\nprint(len(x))"

    def is_cut(self, done):
        self.assertEqual((done.returncode, done.stdout), (0, "200000\n"), done.stderr)
        self.assertRegex(done.stderr, r"(?i)space|full|limit")
        self.assertNotEqual(self.ashlar("report", "--no-html", "cut/t.trace").stdout, "")
        done = self.ashlar("replay", *QUICK, "cut/t.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ashlar: ", done.stderr)

    def mount_small_disk(self):
        os.mkdir("cut")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", "cut"], stderr=subprocess.DEVNULL)
        if mounted.returncode != 0:
            self.skipTest("no mounting here")
        self.addCleanup(subprocess.run, ["umount", "cut"])

    @tool.unittest.skipIf(os.getuid() != 0, "only root can mount a small disk")
    def test_a_disk_that_is_full_or_read_only_is_told_before_the_program_runs(self):
        self.mount_small_disk()
        with open("cut/filler", "wb") as filler:
            filler.write(bytes(256 * 1024 - 4096))
        self.complains(1, "'cut/t.trace': No space left on device", "record", "-o", "cut/t.trace", "--", "touch", "ran")
        subprocess.run(["mount", "-o", "remount,ro", "cut"], check=True)
        self.complains(1, "'cut/t.trace': Read-only file system", "record", "-o", "cut/t.trace", "--", "touch", "ran")
        self.assertEqual((self.files(), os.listdir("cut")), (["cut"], ["filler"]))

    @tool.unittest.skipIf(os.getuid() != 0, "only root can mount a small disk")
    def test_a_full_disk_leaves_the_program_alone_and_the_trace_is_told_to_be_cut(self):
        self.mount_small_disk()
        self.is_cut(self.ashlar("record", "-o", "cut/t.trace", "--", PYTHON, "-c", self.CODE, env={"PYTHONMALLOC": "malloc"}))

    def test_a_limit_on_file_size_leaves_the_program_alone_too(self):
        os.mkdir("cut")
        done = self.ashlar("record", "-o", "cut/t.trace", "--", "sh", "-c", f"ulimit -f 256; exec {PYTHON} -c '{self.CODE}'", env={"PYTHONMALLOC": "malloc"})
        self.is_cut(done)

    def test_stdout_that_cannot_be_written_is_told(self):
        self.record()
        with open("/dev/full", "w") as full:
            done = self.ashlar("replay", *QUICK, "t.trace", stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write the output", done.stderr)


if __name__ == "__main__":
    tool.main()
