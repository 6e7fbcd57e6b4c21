"""The curves beside that of live bytes: what blocks have, and what memory the process has, while it is recorded."""
import json
import pathlib
import subprocess

import tool

PROGRAM = """#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char** argv) {
    (void)argc;
    size_t sum = 0, large = strtoul(argv[1], 0, 10), most = strtoul(argv[2], 0, 10);
    for (size_t size = 0; size < most; size = size * 9 / 8 + 1) sum += malloc_usable_size(malloc(size));
    for (size_t align = 32; align <= 2048; align *= 2) sum += argv[3][0] == '1' ? malloc_usable_size(memalign(align, align * 3 + 1)) : 0;
    if (large) memset(malloc(large), 1, large);
    if (argv[3][0] == '2' && fork() == 0) free(malloc(1));
    char text[32];
    const int n = snprintf(text, sizeof text, "%zu", sum);  /* stdio's own buffer would be one block more */
    return write(1, text, n) != n;
}
"""


class Memory(tool.ToolTest):
    def run_recorded(self, large, most, extra, *options):
        pathlib.Path("p.c").write_text(PROGRAM)
        subprocess.run(["cc", "-O1", "-fno-builtin", "-Wno-unused-result", "-o", "p", "p.c"], check=True, timeout=60)
        done = self.ashlar("record", *options, "-o", "t", "--", "./p", str(large), str(most), str(extra))
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout or 0)

    def figures(self, trace="t"):
        done = self.ashlar("report", "--json", trace)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_what_is_usable_is_what_the_c_library_says(self):
        said = self.run_recorded(0, 100_000, 0)
        figures = self.figures()
        self.assertEqual((figures["memory"]["malloc"], figures["memory"]["usable_at_peak"]), ("glibc", said))
        self.assertEqual(max(figures["memory"]["usable_most"]), said)
        self.assertGreater(said, figures["peak_bytes"])

    def test_what_is_usable_is_what_our_malloc_says_of_aligned_and_large_blocks_too(self):
        said = self.run_recorded(0, 3_000_000, 1, "--malloc", "ashlar")
        self.assertEqual((self.figures()["memory"]["malloc"], self.figures()["memory"]["usable_at_peak"]), ("ashlar", said))

    def test_what_is_resident_and_committed_is_told_with_and_without_call_stacks(self):
        for options in ([], ["--stacks"]):
            self.run_recorded(64 << 20, 100, 0, *options)
            memory = self.figures()["memory"]
            self.assertGreater(len(memory["time_ns"]), 1)
            self.assertEqual(memory["time_ns"], sorted(memory["time_ns"]))
            self.assertLess(memory["resident"][0], 64 << 20)
            for curve in ("resident", "committed"):
                self.assertTrue((64 << 20) < memory[curve][-1] < (120 << 20), memory)
        shown = self.ashlar("report", "--no-html", "t").stdout
        self.assertRegex(shown, r"resident, the most +[67]\d\.\d MiB +at .*; committed then")
        self.assertRegex(shown, r"usable at the peak +64.0 MiB +100\S* % of it asked for")

    def test_a_child_of_fork_tells_its_own(self):
        self.run_recorded(32 << 20, 100, 2)
        child, = [name for name in self.files() if name.startswith("t.")]
        memory = self.figures(child)["memory"]
        self.assertGreater(memory["committed"][0], 32 << 20)

    def test_samples_are_no_events(self):
        self.run_recorded(0, 100_000, 0)
        figures = self.figures()
        self.assertEqual(figures["events"], sum(k["events"] for k in figures["kinds"]))
        self.assertNotIn("memory", [k["kind"] for k in figures["kinds"]])


if __name__ == "__main__":
    tool.main()
