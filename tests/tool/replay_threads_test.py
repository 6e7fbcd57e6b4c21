"""`ashlar replay --threads` and `--start`: threads at once, one of them alone, a heap that is not fresh."""
import json
import pathlib
import subprocess

import tool

PASSING = r"""#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static void *slots[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *argument) {
    unsigned state = (unsigned)(size_t)argument;
    for (int i = 0; i < 3000; ++i) {
        state = state * 1103515245u + 12345u;
        void *block = malloc(state % 700 + 1);
        memset(block, 1, 1);
        pthread_mutex_lock(&lock);
        void *old = slots[state >> 16 & 63];
        slots[state >> 16 & 63] = block;
        pthread_mutex_unlock(&lock);
        free(old);
    }
    return NULL;
}
int main(void) {
    pthread_t threads[3];
    for (size_t t = 0; t < 3; ++t) pthread_create(&threads[t], NULL, work, (void *)(t + 1));
    for (int t = 0; t < 3; ++t) pthread_join(threads[t], NULL);
    return 0;
}
"""


class ReplayThreads(tool.ToolTest):
    def setUp(self):
        super().setUp()
        pathlib.Path("p.c").write_text(PASSING)
        subprocess.run(["cc", "-O1", "-pthread", "-o", "p", "p.c"], check=True)
        self.assertEqual(self.ashlar("record", "-o", "t.trace", "--", "./p").returncode, 0)

    def replay(self, *words):
        done = self.ashlar("replay", "--json", "--rounds", "1", *words, "t.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        return told, {row["name"]: row for row in told["rows"]}

    def test_threads_as_recorded_are_served_rightly_by_every_engine_that_serves_them_serially(self):
        serial, one_by_one = self.replay("--no-latency")
        told, rows = self.replay("--threads", "recorded")
        self.assertEqual(told["steps"], serial["steps"])
        self.assertIn("Concurrent replay", told["note"])
        for name, row in rows.items():
            self.assertEqual("refused" in row, "refused" in one_by_one[name], (name, row.get("refused")))
            if "refused" in row:
                continue
            self.assertGreater(row["peak_footprint"], 0, name)
            self.assertGreaterEqual(row["p9999"], row["p50"], name)

    def test_one_thread_alone_has_fewer_steps_and_all_of_its_blocks_end_as_they_ended(self):
        serial, _ = self.replay("--engines", "system", "--no-latency")
        told, rows = self.replay("--engines", "system,best_fit", "--threads", "one", "--no-latency")
        self.assertGreater(told["steps"], 3000)
        self.assertLess(told["steps"], serial["steps"] / 2)
        self.assertEqual(told["threads"], 1)
        for row in rows.values():
            self.assertNotIn("refused", row)

    def test_a_littered_heap_is_the_same_every_time_and_another_with_another_seed(self):
        litter = ("--engines", "best_fit,system", "--start", "littered", "--no-latency")
        clean, _ = self.replay("--engines", "system", "--no-latency")
        first, rows = self.replay(*litter)
        second, again = self.replay(*litter)
        third, other = self.replay(*litter, "--seed", "7")
        self.assertEqual(first["steps"], clean["steps"])
        self.assertGreater(first["lead_in"], 10)
        self.assertGreater(first["peak_bytes"], clean["peak_bytes"])
        key = "distinct_lines"
        self.assertEqual(rows["best_fit"]["fragmentation"][key], again["best_fit"]["fragmentation"][key])
        self.assertNotEqual((third["lead_in"], other["best_fit"]["fragmentation"][key]), (first["lead_in"], rows["best_fit"]["fragmentation"][key]))
        self.assertIn("seed 7", third["note"])

    def test_a_littered_heap_serves_threads_too(self):
        _, rows = self.replay("--engines", "system,ashlar,tlsf", "--start", "littered", "--threads", "recorded")
        for row in rows.values():
            self.assertNotIn("refused", row)

    def test_modes_that_do_not_exist_are_named(self):
        self.complains(2, "--threads", "replay", "--threads", "many", "t.trace")
        self.complains(2, "--start", "replay", "--start", "dirty", "t.trace")


if __name__ == "__main__":
    tool.main()
