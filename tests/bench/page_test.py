"""bench: a small recorded result becomes the whole table of `bench/run.py malloc`, its page and its plots."""
import json
import pathlib
import tempfile
import unittest

from harness import bench


def run(seconds, rss_kib=2048, **own):
    """One run's report as the launcher writes it, with figures of the program's own."""
    return {"seconds": seconds, "user": seconds, "sys": 0, "max_rss_kib": rss_kib, "minor_faults": 5, "major_faults": 0,
            "status": 0, **own}


def idle(silent, ticking):
    return [run(1.0, rss_after_silent_idle_mib=silent, rss_after_ticking_idle_mib=ticking)]


RECORDED = {
    "machine": {"processor": "P", "cores": 2}, "load": 0.1, "rounds": 3, "scale": 1, "threads": 2,
    "peers": {"glibc": "2", "mimalloc": "3", "ashlar": "this tree"},
    "runs": {
        "steady": {"glibc": [run(1.0), run(1.01), run(1.0)], "mimalloc": [run(4.0)], "ashlar": [run(2.0), run(2.0), run(2.01)]},
        "noisy": {"glibc": [run(1.0), run(1.5), run(2.0)], "mimalloc": [run(9.0)], "ashlar": [run(1.2), run(1.8), run(2.4)]},
        "phases": {"glibc": idle(40, 44), "mimalloc": idle(20, 22), "ashlar": idle(10, 11), "ashlar, background_purge": idle(5, 5.5)},
    },
    "instructions": {"malloc, 16 B": {"glibc": 44.2, "mimalloc": 20, "ashlar": 17.6}},
}


class Page(unittest.TestCase):
    def again(self, result, *words):
        """What `--again` prints of a recorded result."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(result, file)
            file.flush()
            done = bench("malloc", "--again", file.name, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def row(self, text, begin):
        """The words of the first line that begins so."""
        return next(line for line in text.splitlines() if line.startswith(begin)).split()

    def test_the_summary_comes_first_with_the_means_and_the_worst_workload_of_each_malloc(self):
        text = self.again(RECORDED)
        self.assertLess(text.index("Summary"), text.index("Time (s"))
        summary = text[text.index("Summary"):text.index("Time (s")]
        # ours over the best peer in time: 2.0, 1.8 / 1.5 and 1.0
        self.assertEqual(self.row(summary, "ashlar")[1:4], ["1.34", "2.00", "steady"])
        self.assertEqual(self.row(summary, "mimalloc")[1:4], ["2.88", "6.00", "noisy"])

    def test_a_ratio_within_noise_carries_a_tilde_and_another_does_not(self):
        text = self.again(RECORDED)
        self.assertEqual(self.row(text, "steady")[-1], "2.00")
        self.assertEqual(self.row(text, "noisy")[-1], "~1.20")
        self.assertIn("~ marks a ratio within noise", text)

    def test_what_is_resident_after_idle_stands_behind_the_peak_for_every_malloc_and_for_ours_with_its_thread(self):
        text = self.again(RECORDED)
        self.assertLess(text.index("Peak RSS (MiB"), text.index("RSS after idle"))
        self.assertLess(text.index("RSS after idle"), text.index("Page faults"))
        self.assertEqual(self.row(text, "after 2 s without a call")[6:],
                         ["40.0", "20.0", "10.0", "5.000", "0", "0.50", "0.50"])
        self.assertNotIn("background_purge", text[text.index("Page faults"):])

    def test_the_instructions_are_a_part_of_the_table_unless_they_were_left_out(self):
        self.assertEqual(self.row(self.again(RECORDED), "malloc, 16 B")[3:], ["44", "20", "18"])
        without = {k: v for k, v in RECORDED.items() if k != "instructions"}
        self.assertNotIn("Instructions per operation", self.again(without))

    def test_the_page_holds_every_table_and_shows_the_plots_from_where_it_lies(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.md")
            text = self.again(RECORDED, "--markdown", str(page), "--plots", folder)
            written = page.read_text()
            self.assertIn("](./time.svg)", written)
            self.assertIn("](./rss.svg)", written)
            for heading in ("Summary", "Time (s", "CPU time", "Peak RSS", "RSS after idle", "Page faults", "Instructions"):
                self.assertIn(f"## {heading}", written)
                self.assertIn(heading, text)
            self.assertIn(">steady<", pathlib.Path(folder, "time.svg").read_text())
            self.again(RECORDED, "--markdown", str(page))
            self.assertNotIn(".svg", page.read_text())


if __name__ == "__main__":
    unittest.main()
