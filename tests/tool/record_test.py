"""`ashlar record`: the program is undisturbed, and what it did is in the trace."""
import json
import os
import pathlib
import signal
import subprocess

import tool
from tool import ASHLAR, PYTHON


class Record(tool.ToolTest):
    def report(self, trace):
        done = self.ashlar("report", "--json", trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_output_input_and_status_are_the_programs_own_and_one_line_tells_the_rest(self):
        done = self.ashlar("record", "--", "sh", "-c", "cat; exit 7", input="text\n", stdin=None)
        self.assertEqual((done.returncode, done.stdout), (7, "text\n"))
        self.assertRegex(done.stderr, r"^ashlar: [\d,]+ events of 1 thread, [\d.]+ KiB, in \S*/ashlar.trace[^\n]*\n$")
        self.assertIn("ashlar.trace", self.files())

    def test_every_allocation_of_the_program_is_there(self):
        pathlib.Path("p.c").write_text("#include <stdlib.h>\nint main(void) { for (int i = 0; i < 1234; ++i) { void *volatile p = malloc(1000 + i % 2); free(p); } malloc(77777); }\n")
        subprocess.run(["cc", "-O0", "-w", "-o", "p", "p.c"], check=True)
        for malloc in ("system", "ashlar"):
            self.ashlar("record", "--malloc", malloc, "-o", "p.trace", "--", "./p")
            told = self.report("p.trace")
            self.assertEqual((told["allocations"], told["frees"]), (1235, 1234))
            self.assertEqual((told["leaked_blocks"], told["leaked_bytes"]), (1, 77777))

    def test_an_older_trace_is_replaced(self):
        self.record(code="x = [str(i) for i in range(100000)]")
        before = os.path.getsize("t.trace")
        self.record(code="pass")
        self.assertLess(os.path.getsize("t.trace"), before)

    def test_an_older_trace_does_not_pass_for_a_recording_of_nothing(self):
        self.record()
        pathlib.Path("s.c").write_text("int main(void) { return 0; }\n")
        subprocess.run(["cc", "-static", "-o", "s", "s.c"], check=True)
        done = self.ashlar("record", "-o", "t.trace", "--", "./s")
        self.assertIn("nothing was recorded", done.stderr)
        self.assertEqual(done.returncode, 1, "its own would be 0, but there is no trace")
        self.assertNotIn("t.trace", self.files())

    def test_children_have_traces_of_their_own_and_are_counted(self):
        done = self.ashlar("record", "-o", "c.trace", "--", PYTHON, "-c", "import subprocess\nfor _ in range(2): subprocess.run(['/bin/ls', '/'], stdout=subprocess.DEVNULL)")
        self.assertIn("traces of child processes beside it", done.stderr)
        children = [name for name in self.files() if name.startswith("c.trace.")]
        self.assertGreaterEqual(len(children), 2)
        for child in children:
            self.assertGreaterEqual(self.report(child)["allocations"], 0)

    def test_a_killed_program_leaves_a_readable_trace(self):
        code = "x = [str(i) for i in range(50000)]\nprint('ready', flush=True)\nimport time; time.sleep(60)"
        process = subprocess.Popen([ASHLAR, "record", "-o", "k.trace", "--", PYTHON, "-c", code], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONMALLOC": "malloc"})
        self.assertEqual(process.stdout.readline(), b"ready\n")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        self.assertEqual(process.wait(30), -signal.SIGKILL)
        process.stdout.close()
        self.assertGreater(self.report("k.trace")["allocations"], 50000)

    def test_traces_are_packed_when_the_program_has_ended_unless_told_otherwise(self):
        program = ("--", PYTHON, "-c", "import subprocess\nx = [str(i) for i in range(20000)]\nsubprocess.run(['/bin/ls', '/'], stdout=subprocess.DEVNULL)")
        figures = {}
        for name, words in (("p.trace", ()), ("r.trace", ("--no-compress",))):
            self.ashlar("record", *words, "-o", name, *program, env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "1"})
            figures[name] = (os.path.getsize(name), self.report(name)["allocations"])
        self.assertLess(figures["p.trace"][0] * 2, figures["r.trace"][0])
        self.assertAlmostEqual(figures["p.trace"][1], figures["r.trace"][1], delta=200)
        children = [name for name in self.files() if name.startswith("r.trace.")]
        before = self.report("r.trace")
        done = self.ashlar("pack", "r.trace", *children)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(done.stdout.splitlines()), 1 + len(children))
        self.assertEqual(self.report("r.trace"), before)
        self.assertIn("packed already", self.ashlar("pack", "r.trace").stdout)
        self.assertFalse([name for name in self.files() if name.endswith(".packing")])

    def test_what_cannot_be_packed_is_told_in_one_sentence_and_stays(self):
        self.complains(1, "cannot read the trace missing", "pack", "missing")
        pathlib.Path("text").write_text("no trace")
        self.complains(1, "text is not a trace of Ashlar", "pack", "text")
        self.ashlar("record", "--no-compress", "-o", "t.trace", "--", PYTHON, "-c", "x = [str(i) for i in range(20000)]", env={"PYTHONMALLOC": "malloc"})
        whole = pathlib.Path("t.trace").read_bytes()
        pathlib.Path("t.trace").write_bytes(whole[:len(whole) // 2 // 4096 * 4096])
        self.complains(1, "is damaged; it is left as it is: .*missing at the end of the file", "pack", "t.trace")

    def test_a_trace_that_a_child_still_writes_is_left_as_it_is(self):
        code = "import os, time\nif os.fork() == 0:\n    x = [str(i) for i in range(5000)]\n    print('ready', flush=True)\n    time.sleep(60)\nelse: os._exit(0)"
        process = subprocess.Popen([ASHLAR, "record", "-o", "d.trace", "--", PYTHON, "-c", code], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONMALLOC": "malloc"})
        self.assertEqual(process.stdout.readline(), "ready\n")
        child = next(name for name in self.files() if name.startswith("d.trace."))
        self.addCleanup(os.kill, int(child.split(".")[2]), signal.SIGKILL)
        self.complains(1, "is still being written; it is left as it is", "pack", child)
        process.stdout.close()
        process.stderr.close()
        process.wait(60)

    def test_a_sample_is_small_its_figures_are_scaled_and_called_estimates(self):
        program = ("--", PYTHON, "-c", "x = [bytes(i % 900 + 600) for i in range(40000)]")
        figures = {}
        for name, words in (("s.trace", ("--sample", "64K", "--stacks")), ("w.trace", ())):
            done = self.ashlar("record", *words, "-o", name, *program)
            self.assertEqual(done.returncode, 0, done.stderr)
            figures[name] = self.report(name)
        part, whole = figures["s.trace"], figures["w.trace"]
        self.assertEqual((part["sample_mean"], whole["sample_mean"]), (64000, 0))
        self.assertIn("It is a sample, one byte in 64000: figures are estimates", part["state_text"])
        self.assertLess(part["events"] * 20, whole["events"])
        for figure in ("bytes_allocated", "peak_bytes", "allocations", "frees"):
            self.assertAlmostEqual(part[figure] / whole[figure], 1, delta=0.25, msg=figure)  # some 700 samples: five deviations are 0.19
        self.assertEqual(sum(kind["events"] for kind in part["kinds"] if kind["group"] == "request"), part["allocations"])
        text = self.ashlar("report", "--no-html", "s.trace").stdout
        self.assertIn("figures are estimates", text)
        self.assertNotIn("temporary", text.split("Call sites")[0])
        for form, where in (("speedscope", "stdout"), ("dhat", "stdout"), ("folded", "stderr"), ("pprof", "stderr")):
            done = self.ashlar("export", "--format", form, "s.trace", text=form != "pprof")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("estimates", done.stderr if isinstance(done.stderr, str) else done.stderr.decode())
            if where == "stdout":
                self.assertIn("estimates: a sample, one byte in 64000", done.stdout)
        folded = self.ashlar("export", "--by", "allocated", "s.trace").stdout
        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in folded.splitlines()), part["bytes_allocated"])
        self.complains(1, "has no place for estimates", "export", "--format", "heaptrack", "s.trace")
        self.complains(1, "is a sample, and this needs every event", "replay", "s.trace")
        checked = self.ashlar("check", "--max-peak", "1TB", "s.trace")
        self.assertEqual(checked.returncode, 1)

    def test_what_a_program_maps_and_loads_is_told_with_its_time_if_asked_for(self):
        code = "import mmap, sys\nm = mmap.mmap(-1, 5_000_000)\nm.close()\nkept = mmap.mmap(-1, 300_000)"
        done = self.ashlar("record", "--maps", "-o", "m.trace", "--", PYTHON, "-c", code)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = self.report("m.trace")["mappings"]
        self.assertGreaterEqual(told["bytes"], 5_300_000)
        self.assertGreaterEqual(told["peak_bytes"], 5_000_000)
        self.assertGreaterEqual(told["live_bytes"], 300_000)
        self.assertEqual(max(told["mapped_most"]), told["peak_bytes"])
        loaded = [each["name"] for each in told["libraries"] if each["call"] == "dlopen"]
        self.assertTrue(any("/mmap.cpython" in name for name in loaded), loaded)
        text = self.ashlar("report", "--no-html", "m.trace").stdout
        self.assertRegex(text, r"mapped, the most +\d")
        for word in ("Peak", "Never freed", "Temporary", "Lifetime"):
            self.assertRegex(text, f"(?m)^{word}: [A-Z]")
        self.assertRegex(text, r"dlopen +/usr/lib/\S*/mmap.cpython")
        rows = [line.split(",") for line in self.ashlar("export", "--format", "csv", "m.trace").stdout.splitlines()]
        self.assertEqual(rows[0][-1], "name")
        self.assertTrue(any(row[2] == '"mmap"' and row[4] == "5000000" for row in rows))
        self.assertTrue(any(row[2] == '"dlopen"' and "/mmap.cpython" in row[9] for row in rows))
        self.assertNotIn("mappings", self.report_of_nothing_mapped())
        self.complains(2, "--maps goes with a program", "record", "--maps", "--pid", "1")

    def report_of_nothing_mapped(self):
        self.record()
        return self.report("t.trace")

    def compile(self, name, body):
        pathlib.Path(f"{name}.c").write_text(f"#include <stdio.h>\n#include <stdlib.h>\n#include <sys/wait.h>\n#include <unistd.h>\n{body}\n")
        subprocess.run(["cc", "-O0", "-w", "-o", name, f"{name}.c"], check=True)

    def test_recursion_of_fifty_thousand_frames_is_recorded_as_deep_as_asked_for(self):
        self.compile("deep", "void *volatile p; int f(int n) { if (n % 1000 == 0) { p = malloc(100 + n); free(p); } return n ? f(n - 1) + 1 : 0; }\n"
                             "int main(void) { return f(50000) == 50000 ? 5 : 6; }")
        done = self.ashlar("record", "--stacks=256", "-o", "d.trace", "--", "./deep")
        self.assertEqual(done.returncode, 5, done.stderr)
        told = self.report("d.trace")
        self.assertEqual((told["allocations"], told["frees"], told["leaked_blocks"]), (51, 51, 0))
        self.assertEqual([site["function"] for site in told["sites"]], ["f"])

    def test_a_storm_of_forks_is_a_trace_for_each_child(self):
        self.compile("storm", "int main(void) { for (int i = 0; i < 100; ++i) if (fork() == 0) { free(malloc(100 + i)); _exit(0); }\n"
                              "int n = 0, s; while (wait(&s) > 0) n += s == 0; free(malloc(n)); return n; }")
        done = self.ashlar("record", "-o", "s.trace", "--", "./storm")
        self.assertEqual(done.returncode, 100, done.stderr)
        self.assertIn("100 traces of child processes beside it", done.stderr)
        children = [name for name in self.files() if name.startswith("s.trace.")]
        self.assertEqual(len(children), 100)
        for child in children[::20]:
            told = self.report(child)
            self.assertEqual((told["allocations"], told["frees"], told["process"]["forked"]), (1, 1, True))

    @tool.unittest.skipIf(os.getuid() != 0, "only root can make a program that runs as another user")
    def test_a_program_with_borrowed_rights_runs_unrecorded_and_that_is_said(self):
        self.compile("mine", 'int main(void) { free(malloc(5)); printf("%d\\n", geteuid()); return 0; }')
        os.chown("mine", 65534, 65534)
        os.chmod("mine", 0o4755)
        done = self.ashlar("record", "-o", "u.trace", "--", "./mine")
        self.assertEqual((done.stdout, done.returncode), ("65534\n", 1))
        self.assertRegex(done.stderr, r"^ashlar: nothing was recorded of ./mine: [^\n]*setuid[^\n]*\n$")
        self.assertEqual([name for name in self.files() if ".trace" in name], [])

    def test_a_library_is_found_by_the_search_path_of_who_loads_it(self):
        os.mkdir("lib")
        pathlib.Path("l.c").write_text("int answer(void) { return 42; }\n")
        pathlib.Path("p.c").write_text("""#include <dlfcn.h>
            int main(void) { void* l = dlopen("libanswer.so", RTLD_NOW); return l ? ((int (*)(void))dlsym(l, "answer"))() : 1; }""")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", "lib/libanswer.so", "l.c"], check=True)
        subprocess.run(["cc", "-o", "p", "p.c", "-Wl,-rpath,$ORIGIN/lib"], check=True)
        for more in ([], ["--maps"], ["--stacks", "--maps", "--malloc", "ashlar"]):
            self.assertEqual(self.ashlar("record", *more, "-o", "p.trace", "--", "./p").returncode, 42)

    def test_a_conf_serves_the_recorded_program_on_our_malloc(self):
        pathlib.Path("my.conf").write_text("version = 1\npurge_delay_ms = 0\n")
        done = self.ashlar("record", "--malloc", "ashlar", "--conf", "my.conf", "--", "sh", "-c", "echo $ASHLAR_CONF; grep -c ashlar-malloc /proc/$$/maps")
        self.assertRegex(done.stdout, r"^/\S*/my.conf\n[1-9]")

    def test_nothing_of_ours_reaches_the_programs_standard_output_or_error(self):
        done = self.ashlar("record", "--", "sh", "-c", "exec 2>mine; echo error >&2")
        self.assertEqual(pathlib.Path("mine").read_text(), "error\n")
        self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    tool.main()
