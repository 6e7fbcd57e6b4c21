"""`ashlar import`: recordings that the real tools have made come to the figures that they, and we, count."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import tool

PROGRAM = ["lua5.4", "-e", "t = {} for i = 1, 5000 do t[i % 977] = string.rep(tostring(i), i % 40) end"]
CHECKED = pathlib.Path("/lib/x86_64-linux-gnu/libc_malloc_debug.so.0")  # of the C library, where mtrace lives


class Import(tool.ToolTest):
    def figures(self, trace):
        done = self.ashlar("report", "--json", trace)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_valgrinds_recording_counts_what_ours_counts(self):
        recorded = self.ashlar("record", "-o", "own.trace", "--", *PROGRAM)
        self.assertEqual(recorded.returncode, 0, recorded.stderr)
        with open("valgrind.txt", "w") as out:
            subprocess.run(["valgrind", "--trace-malloc=yes", "--run-libc-freeres=no", *PROGRAM], stderr=out, check=True, timeout=120)
        done = self.ashlar("import", "valgrind.txt")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertRegex(done.stderr, r"^ashlar: [\d,]+ events of Valgrind, in valgrind.txt.trace\n$")
        ours, theirs = self.figures("own.trace"), self.figures("valgrind.txt.trace")
        for key in "allocations", "frees", "bytes_allocated", "peak_bytes", "leaked_bytes", "reallocations", "temporary_blocks":
            self.assertEqual(ours[key], theirs[key], key)
        self.assertEqual(theirs["process"]["command"][0], "lua5.4")
        replayed = self.ashlar("replay", "--json", "--engines", "first_fit", "valgrind.txt.trace")
        self.assertEqual(replayed.returncode, 0, replayed.stderr)

    def test_heaptracks_recording_counts_what_ours_counts(self):
        if shutil.which("heaptrack") is None or shutil.which("zstd") is None:
            raise unittest.SkipTest("no heaptrack here; tests/observe/trace_import_test.cpp reads its lines")
        self.ashlar("record", "-o", "own.trace", "--", *PROGRAM)
        subprocess.run(["heaptrack", "--raw", "-o", "raw", *PROGRAM], check=True, timeout=120, stdout=subprocess.DEVNULL)
        text = subprocess.run(["zstd", "-dc", "raw.raw.zst"], check=True, stdout=subprocess.PIPE).stdout
        pathlib.Path("raw.txt").write_bytes(text)
        done = self.ashlar("import", "-o", "heaptrack.trace", "raw.txt")
        self.assertEqual(done.returncode, 0, done.stderr)
        ours, theirs = self.figures("own.trace"), self.figures("heaptrack.trace")
        for key in "allocations", "bytes_allocated", "peak_bytes":
            self.assertLessEqual(ours[key], theirs[key], key)
            self.assertLess(theirs[key], ours[key] + 80_000, key)  # heaptrack's C++ library takes 72,704 bytes
        self.complains(1, "is compressed; try: zstd -dc", "import", "raw.raw.zst")

    def test_mtraces_recording_is_read(self):
        if not CHECKED.exists():
            raise unittest.SkipTest("this machine's C library is elsewhere")
        pathlib.Path("traced.cpp").write_text("""
            #include <mcheck.h>
            #include <stdlib.h>
            void* volatile kept;
            int main() {
                mtrace();
                for (size_t i = 0; i < 2000; ++i) {
                    kept = realloc(i % 3 ? kept : nullptr, 40 * i % 7000 + 1);
                    if (i % 3 == 2) free(kept);
                }
            }""")
        subprocess.run(["g++", "-o", "traced", "traced.cpp"], check=True, timeout=120)
        subprocess.run(["./traced"], check=True, timeout=60, env={"LD_PRELOAD": str(CHECKED), "MALLOC_TRACE": "m.txt"})
        done = self.ashlar("import", "m.txt")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = pathlib.Path("m.txt").read_text().splitlines()
        figures = self.figures("m.txt.trace")
        grants = sum(f" {mark} 0x" in line for line in lines for mark in "+>")
        self.assertEqual(grants, 2000)
        self.assertEqual(figures["allocations"], grants)

    def test_standard_input_and_rep_files(self):
        rep = "100\n2\n4\n1\na 0 100\na 1 50\nr 0 200\nf 1\n"
        self.complains(2, "needs a name: -o TRACE", "import", "-")
        done = subprocess.run([tool.ASHLAR, "import", "-o", "t", "-"], input=rep, text=True, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, "ashlar: 4 events of .rep, in t\n"))
        figures = self.figures("t")
        self.assertEqual((figures["allocations"], figures["peak_bytes"], figures["leaked_bytes"]), (3, 250, 200))
        self.assertEqual(self.files(), ["t"])

    def test_what_cannot_be_imported_is_refused_and_nothing_is_lost(self):
        pathlib.Path("text").write_text("just text\n")
        pathlib.Path("rep").write_text("1\n1\n1\n1\na 0 1\n")
        pathlib.Path("mine").write_text("precious")
        self.complains(1, "missing", "import", "missing")
        self.complains(1, "is a directory", "import", ".")
        self.complains(1, "is no recording of heaptrack", "import", "text")
        self.complains(1, "is there already and is not a trace", "import", "-o", "mine", "rep")
        self.assertEqual(pathlib.Path("mine").read_text(), "precious")
        self.assertEqual(self.files(), ["mine", "rep", "text"])
        self.assertEqual(self.ashlar("import", "rep").returncode, 0)
        self.assertEqual(self.ashlar("import", "rep").returncode, 0)  # an older trace is replaced
        self.assertEqual(oct(os.stat("rep.trace").st_mode & 0o777), "0o600")


if __name__ == "__main__":
    tool.main()
