"""`ashlar report A --against B`: what changed, with figures counted by hand in tests/browser/make_trace.cpp."""
import json
import os
import pathlib
import re
import subprocess

import tool

MAKE_TRACE = os.environ.get("ASHLAR_MAKE_TRACE",
                            pathlib.Path(__file__).resolve().parents[2] / "out/build/release/tests/make-trace")

PROGRAM = """#include <cstdlib>
#include <vector>
%s
[[gnu::noinline]] void* keep(std::size_t n) { return std::malloc(n); }
[[gnu::noinline]] void* other(std::size_t n) { return std::malloc(n); }
int main() { void* volatile a = keep(%d); void* volatile b = other(500); (void)a; (void)b; return 0; }
"""


class Compare(tool.ToolTest):
    def make(self, *scenarios):
        for name in scenarios:
            subprocess.run([MAKE_TRACE, name, name], check=True, timeout=120)

    def difference(self, now, before):
        done = self.ashlar("report", "--json", now, "--against", before)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)["difference"]

    def test_figures_and_sites_are_those_of_both_traces(self):
        self.make("callers", "grown")
        changed = self.difference("grown", "callers")
        self.assertEqual(changed["figures"]["peak_bytes"], {"before": 1000, "now": 1050})
        self.assertEqual(changed["figures"]["allocations"], {"before": 3, "now": 3})
        self.assertEqual(changed["before"], "demo --of 'a trace'")
        sites = {s["function"].split("+")[-1]: (s["before"]["at_peak_bytes"], s["now"]["at_peak_bytes"]) for s in changed["sites"]}
        self.assertEqual(sites, {"0x2000": (600, 0), "0x4000": (300, 900), "0x5000": (0, 50)})

    def test_the_other_way_round_says_the_opposite(self):
        self.make("callers", "grown")
        there, back = self.difference("grown", "callers"), self.difference("callers", "grown")
        turn = lambda pair: {"before": pair["now"], "now": pair["before"]}
        self.assertEqual({k: turn(v) for k, v in there["figures"].items()}, back["figures"])
        self.assertEqual({s["function"]: turn(s) for s in there["sites"]},
                         {s["function"]: {"before": s["before"], "now": s["now"]} for s in back["sites"]})

    def test_the_terminal_shows_what_grew_and_shrank_and_names_the_page(self):
        self.make("callers", "grown")
        done = self.ashlar("report", "grown", "--against", "callers")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for pattern in (r"^before: demo --of 'a trace'$", r"^now:    demo --of more$", r"peak +1000 B +1.03 KiB +\+50 B +\+5.0 %",
                        r"600 B +0 B +-600 B +gone ", r"300 B +900 B +\+600 B +\+200.0 % ", r"0 B +50 B +\+50 B +new ", "^Page: grown.against.html$"):
            self.assertRegex(done.stdout, re.compile(pattern, re.MULTILINE))
        self.assertEqual(self.files(), ["callers", "grown", "grown.against.html"])
        by = self.ashlar("report", "--no-html", "--by", "allocations", "--top", "1", "grown", "--against", "callers").stdout
        self.assertRegex(by, r"by what is allocations(?s:.*)and 1 more")

    def test_a_trace_against_itself_has_changed_nothing(self):
        self.make("callers")
        changed = self.difference("callers", "callers")
        self.assertEqual(changed["sites"], [])
        self.assertTrue(all(f["before"] == f["now"] for f in changed["figures"].values()))
        self.assertIn("No call site changed", self.ashlar("report", "--no-html", "callers", "--against", "callers").stdout)

    def test_sites_are_the_same_where_lines_and_addresses_moved(self):
        for name, more, size in (("before", "", 1000), ("now", "\n\nint unused(int n) { return n * 7; }\n", 1400)):
            os.makedirs(name)
            pathlib.Path(name, "p.cpp").write_text(PROGRAM % (more, size))
            subprocess.run(["g++", "-g", "-O1", "-o", f"{name}/p", f"{name}/p.cpp"], check=True, timeout=120)
            self.assertEqual(self.ashlar("record", "--stacks", "-o", f"{name}.t", "--", f"{name}/p").returncode, 0)
        sites = {s["function"].split("(")[0]: s for s in self.difference("now.t", "before.t")["sites"]}
        self.assertEqual(list(sites), ["keep"])
        self.assertEqual([sites["keep"][when]["leaked_bytes"] for when in ("before", "now")], [1000, 1400])

    def test_traces_without_call_stacks_are_compared_by_their_figures(self):
        self.make("busy", "callers")
        self.assertRegex(self.ashlar("report", "--no-html", "busy", "--against", "callers").stdout, "(?s)peak.*Call sites are not compared")

    def test_what_is_no_trace_is_refused(self):
        self.make("known")
        pathlib.Path("text").write_text("hello\n" * 100)
        self.complains(1, "text", "report", "known", "--against", "text")
        self.complains(1, "missing", "report", "known", "--against", "missing")
        self.assertEqual(self.files(), ["known", "text"])


if __name__ == "__main__":
    tool.main()
