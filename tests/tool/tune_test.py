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
        self.assertRegex(done.stdout, r"(?m)^  default .* \+- .* 1\.000x")
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
            self.assertEqual([len(run["values"]) for run in metric["runs"]], [3, 3, 3])
        adopted = told["tune"]["adopted"]
        self.assertEqual(pathlib.Path("o/ashlar.conf").exists(), adopted)
        self.assertRegex(told["tune"]["verdict"], "^Use" if adopted else "^Keep")
        self.assertTrue(all("film" in row for row in told["replay"]["rows"] if "refused" not in row))

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

    def test_what_was_learnt_from_one_input_is_tried_on_another(self):
        pathlib.Path("a").write_text("one")
        pathlib.Path("b").write_text("another")
        reads = [PYTHON, "-c", "import sys; t = open(sys.argv[1]).read(); open('seen', 'a').write(t + '\\n'); x = [t * i for i in range(900)]", "{}"]
        told = json.loads(self.tune("--json", "--train", "a", "--test", "b", program=reads).stdout)
        seen = pathlib.Path("seen").read_text().split()
        self.assertEqual(seen, ["one"] * 2 + ["another"] * (len(seen) - 2))
        self.assertGreaterEqual(len(seen), 2 + 1 + 2 * 3)
        self.assertIn("with a; these runs are with b", told["tune"]["note"])
        self.complains(2, "there is none", "tune", "--train", "a", "--test", "b", "--", PYTHON)

    def test_all_runs_it_under_every_candidate_and_compares_ours_with_the_others(self):
        told = json.loads(self.tune("--json", "--all").stdout)
        served = [c["name"] for c in told["advice"]["candidates"] if "refused" not in c]
        self.assertEqual([run["name"] for run in told["tune"]["metrics"][0]["runs"]][1:], [*served[1:], "default, huge pages"])
        if "Ashlar" in told["tune"]["choice"]:
            self.assertEqual(set(told["tune"]["against_others"]), {"wall time", "processor time", "peak memory"})

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
