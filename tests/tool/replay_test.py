"""`ashlar replay`: every engine serves the trace or is shown as unable, and what is not a time is always the same."""
import json
import pathlib
import subprocess

import tool


class Replay(tool.ToolTest):
    def replay(self, *words, trace="t.trace"):
        done = self.ashlar("replay", "--json", "--rounds", "1", *words, trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def rows(self, *words, **options):
        return {row["name"]: row for row in self.replay(*words, **options)["rows"]}

    def test_every_engine_has_a_row_with_figures_or_a_reason(self):
        self.record()
        rows = self.rows()
        for name in ("system", "page", "bump", "first_fit", "next_fit", "best_fit", "tlsf", "cached_best_fit", "cached_tlsf", "buddy", "segregated", "ashlar"):
            self.assertIn(name, rows)
        for row in rows.values():
            if "refused" in row:
                self.assertGreater(len(row["refused"]), 5)
                continue
            self.assertGreaterEqual(row["p99"], row["p50"])
            self.assertGreaterEqual(row["p999"], row["p99"])
            self.assertGreaterEqual(row["p9999"], row["p999"])
            self.assertGreater(row["peak_footprint"], 0)

    def test_what_is_not_a_time_is_the_same_every_time(self):
        self.record(code="x = [bytes(i % 3000) for i in range(30000)]")
        engines = ["--engines", "system,bump,best_fit,first_fit", "--no-latency"]
        first, second = self.rows(*engines), self.rows(*engines)
        for name, row in first.items():
            self.assertEqual(row.get("refused"), second[name].get("refused"))
            self.assertAlmostEqual(row["peak_footprint"], second[name]["peak_footprint"], delta=0.01 * row["peak_footprint"])

    def test_fragmentation_and_lines_are_the_same_every_time_and_in_order(self):
        self.record(code="x = [bytes(i % 3000) for i in range(30000)]; y = x[::3]; del x; z = [bytes(i % 5000) for i in range(9000)]")
        engines = ["--engines", "system,best_fit,buddy,page", "--no-latency", "--no-check"]
        first, second = self.replay(*engines), self.replay(*engines)
        self.assertEqual(first["packing"], second["packing"])
        self.assertLessEqual(first["packing"]["least"], first["packing"]["reached"])
        self.assertLess(first["packing"]["reached"], 1.3 * first["packing"]["least"])
        again = {row["name"]: row for row in second["rows"]}
        for row in first["rows"]:
            told, other = row["fragmentation"], again[row["name"]]["fragmentation"]
            for key in ("lines_per_op", "lines_missed_per_op", "distinct_lines", "distinct_pages", "reallocations_in_place", "internal"):
                self.assertEqual(told[key], other[key], (row["name"], key))
            for one, two in zip(told["johnstone_wilson"], other["johnstone_wilson"]):
                self.assertAlmostEqual(one, two, delta=0.02 * one)
            self.assertGreater(row["page_faults"], 0)
            self.assertGreaterEqual(told["lines_per_op"], told["lines_missed_per_op"])
            for _, live, granted, held, _ in told["over_time"]["rows"]:
                self.assertLessEqual(live, granted)
                self.assertLessEqual(granted, held)

    def test_fragmentation_of_pages_and_of_powers_of_two_is_what_arithmetic_says(self):
        pathlib.Path("h.c").write_text("""#include <stdlib.h>
static void *volatile kept[8000];
int main(void) { for (int i = 0; i < 8000; ++i) kept[i] = malloc(2500); return 0; }
""")
        subprocess.run(["cc", "-O0", "-o", "h", "h.c"], check=True)
        self.ashlar("record", "-o", "h.trace", "--", "./h")
        told = self.rows("--engines", "page,buddy", "--no-latency", "--touch", "all", trace="h.trace")
        for name in ("page", "buddy"):  # both grant 4096 bytes for 2500
            self.assertAlmostEqual(told[name]["fragmentation"]["internal"], 1 - 2500 / 4096, delta=0.01)
        self.assertLess(told["page"]["fragmentation"]["scattered"], 0.01)
        self.assertAlmostEqual(told["page"]["fragmentation"]["johnstone_wilson"][3], 4096 / 2500, delta=0.1)
        self.assertAlmostEqual(told["page"]["fragmentation"]["over_packing"], 4096 / 2504, delta=0.1)

    def test_the_film_has_a_picture_of_every_cell_in_every_frame(self):
        self.record(code="x = [bytes(i % 3000) for i in range(30000)]")
        for row in self.replay("--engines", "system,best_fit", "--no-latency", "--no-check")["rows"]:
            film = row["film"]
            self.assertGreater(len(film["frames"]), 50)
            for frame in film["frames"]:
                self.assertEqual(len(frame["map"]), len(film["gaps"]))
                self.assertRegex(frame["map"], "^[.0-9a-f]+$")
            self.assertTrue(any("f" in frame["map"] for frame in film["frames"]))

    def test_the_second_table_says_what_the_trace_could_be_packed_into(self):
        self.record()
        done = self.ashlar("replay", "--rounds", "1", "--engines", "system,ashlar", "--no-latency", "--fragmentation", "t.trace")
        self.assertRegex(done.stdout, r"engine +mean +at most live +at most used +peaks +internal +external")
        self.assertRegex(done.stdout, r"could pack it into .*; less than .* is not possible\.")

    def test_the_peak_footprint_is_at_least_what_is_live_where_all_is_touched(self):
        self.record(code="x = [b'x' * 5000 for i in range(4000)]")
        told = self.replay("--engines", "system,ashlar,page", "--touch", "all")
        for row in told["rows"]:
            self.assertGreater(row["peak_footprint"], 0.98 * told["peak_bytes"], row)

    def test_an_untouched_block_costs_no_memory_and_a_touched_one_does(self):
        self.record(code="x = bytes(200 << 20); del x")
        touched = self.rows("--engines", "page", "--touch", "pages")["page"]["peak_footprint"]
        untouched = self.rows("--engines", "page", "--touch", "none")["page"]["peak_footprint"]
        self.assertGreater(touched, 190 << 20)
        self.assertLess(untouched, 20 << 20)

    def test_a_strategy_that_runs_out_of_room_is_refused_and_the_others_are_not(self):
        self.record(code="x = None\nfor i in range(300): x = bytes(1000000)")
        rows = self.rows("--engines", "bump,system")
        self.assertRegex(rows["bump"]["refused"], "refused .* at step")
        self.assertNotIn("refused", rows["system"])

    def test_blocks_of_every_alignment_and_kind_are_served_rightly(self):
        pathlib.Path("k.c").write_text("""#include <stdlib.h>
#include <string.h>
int main(void) {
    void *kept[500] = {0};
    for (int i = 0; i < 5000; ++i) {
        void **p = &kept[i * 7919 % 500];
        size_t size = (size_t)(i * 2654435761u % 9000);
        switch (i % 5) {
            case 0: free(*p); *p = malloc(size); break;
            case 1: free(*p); *p = calloc(size + 1, 3); break;
            case 2: *p = realloc(*p, size + 1); break;
            case 3: free(*p); *p = NULL; if (posix_memalign(p, (size_t)16 << i % 9, size)) return 1; break;
            case 4: free(*p); *p = aligned_alloc(64, (size + 64) / 64 * 64); break;
        }
    }
    return 0;
}
""")
        subprocess.run(["cc", "-O0", "-o", "k", "k.c"], check=True)
        self.ashlar("record", "-o", "k.trace", "--", "./k")
        for name, row in self.rows("--touch", "all", trace="k.trace").items():
            self.assertNotIn("refused", row, name)

    def test_threads_are_merged_into_one_order(self):
        self.record(code="import threading\nts = [threading.Thread(target=lambda: [str(i) * 2 for i in range(5000)]) for _ in range(3)]\n[t.start() for t in ts]; [t.join() for t in ts]")
        told = self.replay("--engines", "system,ashlar")
        self.assertGreaterEqual(told["threads"], 2)
        for row in told["rows"]:
            self.assertNotIn("refused", row)

    def test_a_limit_of_steps_is_obeyed_and_told(self):
        self.record()
        told = self.replay("--engines", "system", "--limit", "1000")
        self.assertLessEqual(told["steps"], 1000)
        self.assertIn("left out", told["note"])

    def test_an_unknown_engine_is_named_with_those_that_exist(self):
        self.record()
        self.complains(2, "no engine 'hoard' here; there are: system, ", "replay", "--engines", "hoard", "t.trace")

    def test_the_table_has_a_line_for_each_engine(self):
        self.record()
        done = self.ashlar("replay", "--rounds", "1", "--engines", "system,bump,ashlar", "t.trace")
        for name in ("engine", "system", "bump", "ashlar"):
            self.assertRegex(done.stdout, rf"(?m)^  {name} ")
        self.assertEqual(done.stderr, "")

    def test_the_users_own_preload_does_not_reach_the_engines(self):
        self.record()
        done = self.ashlar("replay", "--json", "--rounds", "1", "--engines", "system", "t.trace", env={"LD_PRELOAD": "libmimalloc.so.2"})
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    tool.main()
