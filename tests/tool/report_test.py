"""`ashlar report`: figures counted by hand, Valgrind's, JSON whatever was recorded, and refusals that leave nothing."""
import json
import os
import pathlib
import re
import subprocess

import tool

MAKE_TRACE = os.environ.get("ASHLAR_MAKE_TRACE",
                            pathlib.Path(__file__).resolve().parents[2] / "out/build/release/tests/make-trace")


class Report(tool.ToolTest):
    def make(self, scenario, *words, trace="t"):
        subprocess.run([MAKE_TRACE, scenario, trace, *words], check=True, timeout=120)
        return trace

    def figures(self, trace):
        done = self.ashlar("report", "--json", trace)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_figures_are_those_counted_by_hand(self):
        figures = self.figures(self.make("known"))
        for key, value in {
                "allocations": 5, "frees": 3, "bytes_allocated": 558, "peak_bytes": 458, "peak_time_ns": 4000,
                "blocks_at_peak": 3, "peak_blocks": 3, "leaked_bytes": 50, "leaked_blocks": 2, "threads": 2,
                "failed_requests": 1, "reallocations": 1, "reallocations_in_place": 0, "reallocations_moved": 1,
                "zero_size": 1, "null_frees": 1, "foreign_frees": 1, "lost_frees": 0, "temporary_blocks": 1,
                "temporary_bytes": 8, "remote_frees": 1, "remote_bytes": 400, "duration_ns": 20000,
                "dropped_events": 0, "state": "closed", "damage_text": ""}.items():
            self.assertEqual(figures[key], value, key)
        self.assertEqual(figures["crossings"], [{"born": 0, "died": 1, "blocks": 1, "bytes": 400}])
        self.assertEqual([(k["kind"], k["events"]) for k in figures["kinds"] if k["group"] == "request"],
                         [("malloc", 3), ("calloc", 1), ("realloc", 1), ("operator new[]", 1)])
        self.assertEqual(figures["process"]["command"], ["demo", "--of", "a trace"])

    def test_the_parts_add_up_to_the_totals(self):  # summary.I1, summary.I2, timeline.I1, timeline.I2
        figures = self.figures(self.make("busy"))
        self.assertEqual(figures["allocations"], figures["frees"] + figures["leaked_blocks"] + figures["lost_frees"])
        for rows, value, total in (
                (figures["sizes"]["classes"], "blocks", "allocations"),
                (figures["sizes"]["classes"], "bytes", "bytes_allocated"),
                (figures["lifetimes"]["time"], "blocks", "frees"),
                (figures["lifetimes"]["bytes"], "blocks", "frees"),
                (figures["never_freed"], "bytes", "leaked_bytes"),
                (figures["kinds"], "bytes", "bytes_allocated"),
                (figures["kinds"], "events", "events"),
                (figures["per_thread"], "allocations", "allocations"),
                (figures["per_thread"], "remote_frees", "remote_frees"),
                (figures["crossings"], "blocks", "remote_frees")):
            self.assertEqual(sum(row[value] for row in rows), figures[total], (value, total))
        self.assertEqual(sum(row[2] for row in figures["size_by_lifetime"]["time"]), figures["frees"])
        self.assertEqual(sum(figures["timeline"]["allocations"]), figures["allocations"])
        self.assertEqual(max(figures["timeline"]["live_most"]), figures["peak_bytes"])
        self.assertLessEqual(len(figures["timeline"]["live_most"]), 2000)

    def test_counts_and_peak_of_a_real_program_are_valgrinds(self):
        program = ["lua5.4", "-e", "t = {} for i = 1, 20000 do t[i % 977] = string.rep(tostring(i), i % 40) end"]
        self.assertEqual(self.ashlar("record", "-o", "t", "--", *program).returncode, 0)
        figures = self.figures("t")
        dhat = subprocess.run(["valgrind", "--tool=dhat", "--dhat-out-file=/dev/null", *program], check=True, timeout=300,
                              stderr=subprocess.PIPE, text=True).stderr.replace(",", "")
        told = {key: re.search(rf"{key}: +(\d+) bytes in (\d+) blocks", dhat).groups()
                for key in ("Total", "At t-gmax", "At t-end")}
        self.assertEqual(told["Total"], (str(figures["bytes_allocated"]), str(figures["allocations"])))
        self.assertEqual(told["At t-gmax"], (str(figures["peak_bytes"]), str(figures["blocks_at_peak"])))
        self.assertEqual(told["At t-end"], (str(figures["leaked_bytes"]), str(figures["leaked_blocks"])))

    def test_the_terminal_shows_the_same_figures_and_names_the_page(self):
        done = self.ashlar("report", self.make("known"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for pattern in ("^demo --of 'a trace'$", "^process 4242, watched for 20.0 us,", "The recording is complete",
                        "allocations +5", "peak +458 B +458 B in 3 blocks, at 4.00 us", "never freed +50 B +50 B in 2 blocks",
                        "refused requests +1", r"operator new\[\] +1", "^Page: t.html$"):
            self.assertRegex(done.stdout, re.compile(pattern, re.MULTILINE))
        self.assertEqual(self.files(), ["t", "t.html"])

    def test_every_command_line_gives_json_and_a_quiet_terminal(self):
        trace = self.make("hostile")
        done = self.ashlar("report", "--json", trace, text=False)
        command = json.loads(done.stdout.decode("utf-8", "strict"))["process"]["command"]
        self.assertIn("\ufffd\ufffd not UTF-8 \ufffd", command)
        shown = self.ashlar("report", trace).stdout
        self.assertIn("\\xe2\\x80\\xaegnp.exe", shown)
        self.assertFalse(set(shown) & {"\x1b", "\u202e", "\u2028"})
        self.assertLess(len(shown.splitlines()[0]), 300)

    def test_json_writes_no_page_unless_asked(self):
        self.ashlar("report", "--json", self.make("known"))
        self.assertEqual(self.files(), ["t"])
        self.ashlar("report", "--no-html", "t")
        self.assertEqual(self.files(), ["t"])
        self.ashlar("report", "--json", "--html", "page.html", "t")
        self.assertEqual(self.files(), ["page.html", "t"])

    def test_what_is_no_trace_is_refused_and_no_page_is_written(self):
        pathlib.Path("empty").touch()
        pathlib.Path("text").write_text("hello\n" * 1000)
        for name in ("missing", "empty", "text", "."):
            self.complains(1, re.escape(name), "report", name)
            self.complains(1, re.escape(name), "report", "--json", name)
        self.assertEqual(self.files(), ["empty", "text"])
        self.complains(2, "TRACE", "report")
        self.complains(2, "--html.*--no-html|--no-html.*--html", "report", "--html", "x", "--no-html", "text")

    def test_a_page_that_cannot_be_written_is_told_and_the_older_one_stays(self):
        trace = self.make("known")
        self.complains(1, "cannot write 'none/page.html': No such file", "report", "--html", "none/page.html", trace)
        self.complains(1, "cannot write '.': Is a directory", "report", "--html", ".", trace)
        self.complains(1, "cannot write '/dev/full': No space left", "report", "--html", "/dev/full", trace)
        pathlib.Path("old.html").write_text("old")
        # The limit on file size stands for a full disk: the write fails in the middle.
        done = subprocess.run(["sh", "-c", f"trap '' XFSZ; ulimit -f 8; exec {tool.ASHLAR} report --html old.html t"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^ashlar: cannot write 'old.html': File too large\n$")
        self.assertEqual(pathlib.Path("old.html").read_text(), "old")
        self.assertEqual(self.files(), ["old.html", "t"])

    def test_a_link_keeps_linking_and_a_device_is_written_to(self):
        trace = self.make("known")
        pathlib.Path("target.html").write_text("old")
        os.symlink("target.html", "link.html")
        self.assertEqual(self.ashlar("report", "--html", "link.html", trace).returncode, 0)
        self.assertTrue(pathlib.Path("link.html").is_symlink())
        self.assertIn("<!doctype html>", pathlib.Path("target.html").read_text())
        self.assertEqual(self.ashlar("report", "--html", "/dev/null", trace).returncode, 0)

    def test_a_full_disk_under_stdout_is_told(self):
        trace = self.make("known")
        for words in (["--json"], ["--no-html"]):
            with open("/dev/full", "w") as full:
                done = self.ashlar("report", *words, trace, stdout=full)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "^ashlar: ")

    def test_a_killed_program_is_reported_and_said_to_be_killed(self):
        self.ashlar("record", "-o", "t", "--", tool.PYTHON, "-c",
                    "import os, signal; x = ['y' * i for i in range(5000)]; os.kill(os.getpid(), signal.SIGKILL)",
                    env={"PYTHONMALLOC": "malloc"})
        figures = self.figures("t")
        self.assertEqual(figures["state"], "running")
        self.assertIn("killed", figures["state_text"])
        self.assertGreater(figures["allocations"], 5000)
        self.assertIn("live at the end", self.ashlar("report", "--no-html", "t").stdout)

    def test_a_trace_cut_anywhere_is_reported_or_refused(self):
        whole = pathlib.Path(self.make("known")).read_bytes()
        for size in range(0, len(whole), max(1, len(whole) // 40)):
            pathlib.Path("cut").write_bytes(whole[:size])
            done = self.ashlar("report", "--json", "cut")
            self.assertIn(done.returncode, (0, 1))
            if done.returncode == 0:
                json.loads(done.stdout)
            else:
                self.assertEqual(len(done.stderr.splitlines()), 1)
                self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    tool.main()
