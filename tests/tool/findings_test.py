"""What `ashlar report` finds worth a change, with figures counted by hand in tests/browser/make_trace.cpp."""
import json
import os
import pathlib
import subprocess

import tool

MAKE_TRACE = os.environ.get("ASHLAR_MAKE_TRACE",
                            pathlib.Path(__file__).resolve().parents[2] / "out/build/release/tests/make-trace")


class Findings(tool.ToolTest):
    def figures(self, scenario, *words):
        subprocess.run([MAKE_TRACE, scenario, "t", *words], check=True, timeout=120)
        done = self.ashlar("report", "--json", "t")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_a_chain_of_reallocations_is_told_with_what_it_moved_and_where(self):
        figures = self.figures("findings")
        chains = figures["realloc_chains"]
        self.assertEqual((chains["chains"], chains["moved_bytes"]), (1, 32 + 64))
        self.assertEqual(chains["lengths"], [{"from": 2, "to": 3, "chains": 1, "moved_bytes": 96}])
        longest, = chains["longest"]
        self.assertEqual([longest[key] for key in ("reallocations", "moves", "first_size", "last_size")], [3, 2, 16, 128])
        self.assertEqual(longest["function"], "demo+0x1000")
        by_site = {s["function"]: s for s in figures["sites"]}
        self.assertEqual([by_site["demo+0x1000"][key] for key in ("reallocations", "moves", "moved_bytes")], [3, 2, 96])
        self.assertEqual(sum(s["moved_bytes"] for s in figures["sites"]), 96)
        shown = self.ashlar("report", "--no-html", "t").stdout
        self.assertRegex(shown, r"reallocations +3 +1 in place, 96 B moved")
        self.assertRegex(shown, r"(?s)Blocks reallocated most often.* 3 +2 +96 B +16 B +128 B +demo\+0x1000")

    def test_without_call_stacks_chains_are_told_without_places(self):
        self.assertNotIn("where", self.ashlar("report", "--no-html", self.python()).stdout)

    def python(self):
        self.record(code="x = []\nfor i in range(5000): x.append(i)")
        return "t.trace"


if __name__ == "__main__":
    tool.main()
