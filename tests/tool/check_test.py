"""`ashlar check`: limits kept and broken, the file for continuous integration, and traces that prove nothing."""
import json
import os
import pathlib
import subprocess
import xml.etree.ElementTree as xml

import tool

MAKE_TRACE = os.environ.get("ASHLAR_MAKE_TRACE",
                            pathlib.Path(__file__).resolve().parents[2] / "out/build/release/tests/make-trace")


class Check(tool.ToolTest):
    def make(self, scenario):
        subprocess.run([MAKE_TRACE, scenario, "t"], check=True, timeout=120)

    def outcome(self, *limits):
        done = self.ashlar("check", "t", "--json", *limits)
        self.assertEqual(done.stderr, "")
        rows = {row["limit"]: row["kept"] for row in json.loads(done.stdout)}
        self.assertEqual(done.returncode, 0 if all(rows.values()) else 1)
        return rows

    def test_each_limit_is_kept_at_its_figure_and_broken_below(self):
        self.make("known")  # the figures of report_test.py
        for limit, figure, below in (("max-peak", "458", "457"), ("max-bytes", "558", "557"), ("max-leaked", "50", "49"),
                                     ("max-allocations", "5", "4"), ("max-temporary", "20%", "19.9%"),
                                     ("max-refused", "1", "0")):
            self.assertEqual(self.outcome("--" + limit, figure), {limit: True, "trace-is-complete": True}, limit)
            self.assertEqual(self.outcome("--" + limit, below), {limit: False, "trace-is-complete": True}, limit)
        self.assertEqual(self.outcome("--no-leaks"), {"no-leaks": False, "trace-is-complete": True})

    def test_sizes_are_said_as_people_say_them(self):
        self.make("busy")
        peak = json.loads(self.ashlar("report", "--json", "t").stdout)["peak_bytes"]
        self.assertGreater(peak, 10_000)
        self.assertTrue(self.outcome("--max-peak", f"{peak // 1000 + 1}KB")["max-peak"])
        self.assertFalse(self.outcome("--max-peak", f"{peak // 1024} KiB")["max-peak"])
        self.assertTrue(self.outcome("--max-peak", "1GB", "--max-bytes", "1 GiB")["max-bytes"])

    def test_a_table_says_what_is_broken(self):
        self.make("known")
        done = self.ashlar("check", "t", "--max-peak", "100", "--max-allocations", "9")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, r"max-peak +100 B .*458 B .*BROKEN")
        self.assertEqual(done.stdout.count("BROKEN"), 1)

    def test_the_junit_file_is_xml_whatever_was_recorded(self):
        self.make("hostile")
        done = self.ashlar("check", "t", "--max-peak", "1", "--max-allocations", "99999", "--junit", "out.xml")
        self.assertEqual(done.returncode, 1)
        suite = xml.parse("out.xml").getroot()
        self.assertEqual((suite.tag, suite.get("tests"), suite.get("failures")), ("testsuite", "3", "1"))
        names = [case.get("name") for case in suite.iter("testcase")]
        self.assertEqual(names, ["max-peak", "max-allocations", "trace-is-complete"])
        failed = [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None]
        self.assertEqual(failed, ["max-peak"])
        self.assertIn("<script>", suite.find("testcase").get("classname"))

    def test_a_trace_with_holes_proves_nothing(self):
        self.make("busy")
        whole = pathlib.Path("t").read_bytes()
        pathlib.Path("t").write_bytes(whole[:len(whole) // 2 // 4096 * 4096])
        self.assertFalse(self.outcome("--max-peak", "1TB")["trace-is-complete"])

    def test_what_checks_nothing_or_cannot_be_is_refused(self):
        self.make("known")
        self.complains(2, "no limit given", "check", "t")
        self.complains(2, "max-temporary 'much' is no share", "check", "t", "--max-temporary", "much")
        self.complains(2, "'101%' is no share", "check", "t", "--max-temporary", "101%")
        self.complains(2, "--max-peak", "check", "t", "--max-peak", "huge")
        self.complains(2, "--max-allocations", "check", "t", "--max-allocations=-1")
        self.complains(1, "missing", "check", "missing", "--no-leaks")
        self.complains(1, "nowhere", "check", "t", "--no-leaks", "--junit", "nowhere/out.xml")


if __name__ == "__main__":
    tool.main()
