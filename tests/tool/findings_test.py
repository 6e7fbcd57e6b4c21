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

    def test_pages_are_told_at_the_peak_and_at_the_end_with_who_holds_the_sparse_ones(self):
        figures = self.figures("findings")
        pages = figures["pages"]
        peak, end = pages["moments"][pages["peak"]], pages["moments"][-1]
        self.assertEqual((peak["time_ns"], peak["live_bytes"], peak["live_blocks"]),
                         (figures["peak_time_ns"], figures["peak_bytes"], figures["blocks_at_peak"]))
        self.assertEqual((peak["pages"], peak["sparse_pages"], peak["pages_by_share"]), (65, 1, [0, 0, 1, *[0] * 13, 64]))
        self.assertEqual((end["pages"], end["sparse_pages"], end["pages_by_share"]), (65, 61, [0, 0, 1, 0, 60, *[0] * 11, 4]))
        self.assertEqual((end["live_bytes"], end["sparse_live_bytes"]), (figures["leaked_bytes"], 60 * 1024 + 320))
        self.assertEqual((end["first_cell"], end["pages_per_cell"]), (0x100, 1))
        self.assertEqual(end["cells"], [0, 1, 1024] * 60 + [0, 1, 4096] * 4 + [0x500 - 0x140, 1, 320])
        self.assertEqual([(r["function"], r["blocks"], r["live_bytes"], r["unused_bytes"]) for r in pages["sparse_at_end"]],
                         [("demo+0x2000", 60, 60 * 1024, 60 * 3072), ("demo+0x3000", 10, 160, 1888), ("demo+0x4000", 10, 160, 1888)])
        self.assertRegex(self.ashlar("report", "--no-html", "t").stdout,
                         r"at the end +260 KiB +65 pages, 29.4 % filled; 61 of them sparse: 60.3 KiB hold 244 KiB")

    def test_lines_with_blocks_of_two_threads_are_told_with_who_asked_for_them(self):
        shared = self.figures("findings")["shared_lines"]
        self.assertEqual((shared["lines"], shared["line_bytes"]), (10, 64))
        pair, = shared["pairs"]
        self.assertEqual((pair["lines"], pair["one"]["function"], pair["one"]["thread"], pair["other"]["function"],
                          pair["other"]["thread"]), (10, "demo+0x3000", 0, "demo+0x4000", 1))
        self.assertRegex(self.ashlar("report", "--no-html", "t").stdout,
                         r"(?s)shared by blocks of different threads: 10.* 10 +demo\+0x3000 +demo\+0x4000")

    def test_cells_and_shares_of_every_moment_add_up_and_stay_within_their_number(self):  # heap_layout.I1
        pages = self.figures("busy", "200000")["pages"]
        self.assertEqual(len(pages["moments"]), 17)
        for m in pages["moments"]:
            self.assertEqual((sum(m["cells"][1::3]), sum(m["cells"][2::3]), sum(m["pages_by_share"])), (m["pages"], m["live_bytes"], m["pages"]))
            self.assertLessEqual(len(m["cells"]), 3 * 2048)

    def test_without_call_stacks_chains_are_told_without_places(self):
        self.assertNotIn("where", self.ashlar("report", "--no-html", self.python()).stdout)

    def python(self):
        self.record(code="x = []\nfor i in range(5000): x.append(i)")
        return "t.trace"


if __name__ == "__main__":
    tool.main()
