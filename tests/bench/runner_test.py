"""bench: bad words on the command line get one clear sentence, and results can be printed again."""
import json
import pathlib
import tempfile
import unittest

from harness import bench


class Runner(unittest.TestCase):
    def refused(self, *words):
        """stderr of a run that must end at once with a sentence and without a traceback."""
        done = bench(*words)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_unknown_names_are_refused_with_the_known_ones(self):
        self.assertIn("known are glibc", self.refused("malloc", "--peers", "dlmalloc"))
        self.assertIn("no workload is called lars0n", self.refused("malloc", "--only", "lars0n"))
        self.assertIn("invalid choice", self.refused("speed"))

    def test_numbers_that_make_no_sense_are_refused(self):
        for words in (("--rounds", "0"), ("--scale", "0"), ("--scale", "-1"), ("--scale", "nan"), ("--threads", "0")):
            self.assertIn("must be positive", self.refused("malloc", "--only", "hello", *words))

    def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(self):
        for option in ("--json", "--markdown", "--plots"):
            self.assertIn("cannot write", self.refused("malloc", "--only", "hello", option, "/nonexistent/x"))

    def test_a_missing_library_is_named_and_the_others_are_measured(self):
        done = bench("malloc", "--only", "hello", "--rounds", "1", "--scale", "0.01", "--peers", "glibc",
                     "--add", "gone=/nonexistent/lib.so")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("not installed or not built: gone", done.stderr)

    def test_a_workload_that_runs_too_long_is_ended_and_reported(self):
        done = bench("malloc", "--only", "phases", "--rounds", "1", "--peers", "glibc", "--timeout", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED phases under glibc: killed, or out of time", done.stderr)

    def test_a_result_that_was_written_prints_the_same_tables_again(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "result.json")
            first = bench("malloc", "--only", "hello,cfrac", "--rounds", "2", "--scale", "0.02", "--peers", "glibc",
                          "--json", str(file), "--plots", folder, "--markdown", str(pathlib.Path(folder, "table.md")))
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertEqual(len(json.loads(file.read_text())["runs"]["cfrac"]["glibc"]), 2)
            self.assertEqual({p.name for p in pathlib.Path(folder).iterdir()},
                             {"result.json", "table.md", "time.svg", "rss.svg"})
            self.assertEqual(bench("malloc", "--again", str(file)).stdout, first.stdout)

    def test_a_damaged_result_is_refused_with_a_sentence(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            for text in ("", "{", "[]", '{"runs": 3}'):
                file.seek(0)
                file.truncate()
                file.write(text)
                file.flush()
                self.assertIn("holds no result", self.refused("malloc", "--again", file.name))

    def test_no_command_measures_what_it_could_not_write(self):
        for command in ("malloc", "instructions", "adaptors", "strategies", "pools", "ownership", "gc", "compile_time", "p0089", "traces"):
            self.assertIn("cannot write into /nonexistent", self.refused(command, "--markdown", "/nonexistent/page.md"))

    def test_the_strategies_are_measured_in_every_order_and_drawn(self):
        self.assertIn("must be positive", self.refused("strategies", "--rounds", "0"))
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.md")
            done = bench("strategies", "--rounds", "1", "--markdown", str(page), "--plots", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            for words in ("single 16", "butterfly 4096", "mixed", "over pmr pool", "Peak footprint over live bytes"):
                self.assertIn(words, done.stdout)
                self.assertIn(words, page.read_text())
            for plot in ("orders", "objects", "footprints"):
                self.assertIn(f"]({plot}.svg)", page.read_text())
                self.assertIn("</svg>", pathlib.Path(folder, f"{plot}.svg").read_text())

    def test_the_traces_of_programs_are_replayed_on_the_heaps(self):
        self.assertIn("must be positive", self.refused("traces", "--rounds", "0"))
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.md")
            done = bench("traces", "--rounds", "1", "--limit", "20000", "--markdown", str(page), "--plots", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("</svg>", pathlib.Path(folder, "times.svg").read_text())
            for words in ("geometric mean over glibc", "Peak footprint over live bytes", "sqlite3", "redis", "tlsf"):
                self.assertIn(words, done.stdout)
                self.assertIn(words, page.read_text())

    def test_the_pools_are_measured_in_every_order_and_drawn(self):
        self.assertIn("must be positive", self.refused("pools", "--rounds", "0"))
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.md")
            done = bench("pools", "--rounds", "1", "--markdown", str(page), "--plots", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            for words in ("single 16", "butterfly 1024", "slab", "pmr pool", "Time over that of object_pool"):
                self.assertIn(words, done.stdout)
                self.assertIn(words, page.read_text())
            self.assertIn("</svg>", pathlib.Path(folder, "pools.svg").read_text())

    @unittest.skipUnless(pathlib.Path("/usr/bin/valgrind").exists(), "callgrind counts")
    def test_a_malloc_and_a_free_together_cost_what_they_cost_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "counts.json")
            done = bench("instructions", "--only", "malloc,free,pair", "--peers", "glibc", "--json", str(file))
            self.assertEqual(done.returncode, 0, done.stderr)
            counts = {name: by_malloc["glibc"] for name, by_malloc in json.loads(file.read_text()).items()}
            self.assertAlmostEqual(counts["malloc and free, 64 B"], counts["malloc, 64 B"] + counts["free, 64 B"], delta=8)


if __name__ == "__main__":
    unittest.main()
