"""`ashlar tune`: the whole way, and a verdict that the program's own runs support."""
import json
import pathlib
import subprocess

import tool
from tool import PYTHON

SMALL = [PYTHON, "-c", "x = [str(i) * 3 for i in range(20000)]; print(len(x))"]


class Tune(tool.ToolTest):
    def tune(self, *words, program=SMALL, **options):
        return self.ashlar("tune", "--rounds", "1", "--runs", "3", *words, "--", *program, **options)

    def test_everything_is_written_and_told(self):
        done = self.tune()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("20000\n"), 1, "the program's output is shown once")
        self.assertRegex(done.stdout, r"(?m)^  wall time .* \+- .*x")
        self.assertRegex(done.stdout, r"(?m)^(Use|Keep) ")
        made = sorted(path.name for path in pathlib.Path("out").iterdir())
        self.assertLessEqual({"ashlar.trace", "report.html"}, set(made))
        self.assertLess(set(made), {"ashlar.trace", "report.html", "ashlar.conf", "ashlar.trace.1"})
        page = pathlib.Path("out/report.html").read_text()
        self.assertIn('"tune"', page)

    def test_json_is_the_pages_data_and_the_programs_output_goes_to_stderr(self):
        done = self.tune("--json", "--output", "o")
        told = json.loads(done.stdout)
        self.assertLessEqual({"ashlar_page", "title", "advice", "tune", "replay", "trace"}, set(told))
        self.assertIn("20000\n", done.stderr)
        for metric in told["tune"]["metrics"]:
            self.assertEqual([len(run["values"]) for run in metric["runs"]], [3, 3])
        adopted = told["tune"]["adopted"]
        self.assertEqual(pathlib.Path("o/ashlar.conf").exists(), adopted)
        self.assertRegex(told["tune"]["verdict"], "^Use" if adopted else "^Keep")

    def test_peak_memory_is_the_programs_and_not_ours(self):
        pathlib.Path("small.c").write_text("#include <stdlib.h>\nint main(void) { free(malloc(10)); return 0; }\n")
        subprocess.run(["cc", "-O0", "-o", "small", "small.c"], check=True)
        told = json.loads(self.tune("--json", program=["./small"]).stdout)
        memory = next(metric for metric in told["tune"]["metrics"] if metric["unit"] == "bytes")
        self.assertLess(memory["runs"][0]["median"], 3 << 20)

    def test_standard_input_from_a_file_is_read_by_every_run(self):
        pathlib.Path("data").write_text("some text\n" * 1000)
        with open("data") as data:
            done = self.tune("--json", program=[PYTHON, "-c", "import sys; sys.exit(len(sys.stdin.read()) != 10000)"], stdin=data)
        self.assertNotIn("does not end the same way", json.loads(done.stdout)["tune"]["verdict"])

    def test_a_program_that_fails_is_told_about_and_tuned_all_the_same(self):
        done = self.tune(program=[PYTHON, "-c", "raise SystemExit(3)"])
        self.assertEqual(done.returncode, 0)
        self.assertIn("the program ended with exit status 3", done.stderr)

    def test_a_program_that_ends_differently_each_time_is_not_compared(self):
        done = self.tune(program=["sh", "-c", "echo x >>count; exit $(wc -l <count)"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "(?m)^Keep the default: the program does not end the same way")
        self.assertFalse(pathlib.Path("out/ashlar.conf").exists())

    def test_an_older_conf_goes_when_the_default_is_kept(self):
        pathlib.Path("out").mkdir()
        pathlib.Path("out/ashlar.conf").write_text("version = 1\n")
        self.tune(program=["sh", "-c", "echo x >>count; exit $(wc -l <count)"])
        self.assertFalse(pathlib.Path("out/ashlar.conf").exists())


if __name__ == "__main__":
    tool.main()
