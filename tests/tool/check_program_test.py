"""`ashlar check -- PROG`: leaks by their stacks, suppressions, and misuse that ends the program."""
import pathlib
import subprocess

import tool

PROGRAM = """
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
void* volatile kept;
[[gnu::noinline]] void lose(size_t n) { kept = std::malloc(n); }
[[gnu::noinline]] void lose_in_cache(size_t n) { kept = std::malloc(n); }
int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    char* volatile p = static_cast<char*>(std::malloc(100));
    if (what == "leak") { lose(1000); lose(1000); lose_in_cache(5000); }
    if (what == "twice") { std::free(p); }
    if (what == "interior") { std::free(p + 16); }
    if (what == "beside") { p[100] = 1; }
    if (what == "behind") { kept = std::memset(p, 1, 5000); }
    if (what == "after") { std::free(p); p[8] = 1; }
    if (what == "foreign") { std::free(&argc); }
    if (what == "mismatched") { delete[] new int; delete static_cast<int*>(std::malloc(4)); std::free(new int[9]); std::free(new int[9]); }
    if (what == "status") { std::free(p); return 3; }
    std::free(p);
    return 0;
}
"""


class CheckProgram(tool.ToolTest):
    def setUp(self):
        super().setUp()
        pathlib.Path("p.cpp").write_text(PROGRAM)
        subprocess.run(["g++", "-g", "-O1", "-w", "-o", "p", "p.cpp"], check=True, timeout=120)

    def check(self, *words):
        return self.ashlar("check", *words)

    def test_a_sound_program_passes_and_leaves_nothing_behind(self):
        before = self.files()
        done = self.check("--", "./p")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn("ends-well", done.stdout)
        self.assertNotIn("BROKEN", done.stdout)
        self.assertEqual(self.files(), before)

    def test_leaks_are_told_by_the_functions_that_asked(self):
        done = self.check("--", "./p", "leak")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"no-leaks +0 +3 +BROKEN")
        self.assertRegex(done.stdout, r"never freed: 1.95 KiB in 2 blocks, of\n    lose at \S*p.cpp:7\n    main at")
        self.assertIn("lose_in_cache at", done.stdout)
        self.assertIn("suppressed: 71.0 KiB in 1 block\n", done.stdout)

    def test_suppressions_are_patterns_of_functions_files_and_modules(self):
        for pattern, left in (("lose_in_*", 2), ("^lose(unsigned", 1), ("^lose*", 0), ("main", 0), ("p.cpp", 0), ("nobody", 3), ("lose$", 3)):
            pathlib.Path("known").write_text(f"# known\n\n  leak:{pattern}  \n")
            done = self.check("--suppressions", "known", "--", "./p", "leak")
            self.assertRegex(done.stdout, rf"no-leaks +0 +{left}\b", pattern)
            self.assertEqual(done.returncode, 1 if left else 0)

    def test_misuse_ends_the_program_and_breaks_the_check(self):
        granted, freed = r"  granted by thread \d+:\n    #0 ", r"  freed by thread \d+:\n    #0 "
        for what, signal, words, stacks in (
                ("twice", 6, r"ashlar: free\(0x\w+\): a block of 100 bytes that is free already", (granted, freed)),
                ("interior", 6, "it lies inside a block of 100 bytes", (granted,)),
                ("beside", 6, "something was written beside a block of 100 bytes", (granted, freed)),
                ("behind", 11, "overflow: write at", (granted, r"  touched by thread \d+:\n    #0 ")),
                ("after", 11, "use after free: write at", (granted, freed, r"  touched by thread \d+:\n    #0 ")),
                ("foreign", 6, "it lies on the stack", ())):
            done = self.check("--junit", "out.xml", "--", "./p", what)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, rf"ends-well +exit status 0 +killed by signal {signal} .*BROKEN")
            for each in (words, *stacks):
                self.assertRegex(done.stderr, each, what)
            self.assertIn("ends-well", pathlib.Path("out.xml").read_text())

    def test_a_block_freed_by_a_call_of_another_family_is_told_by_who_asked(self):
        done = self.check("--", "./p", "mismatched")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"ends-well +exit status 0 +exit status 0\s")
        self.assertRegex(done.stdout, r"no-mismatches +0 +4 +BROKEN")
        self.assertRegex(done.stdout, r"granted by operator new\[\], freed by free: (1|2) blocks?, asked for by\n    main at \S*p.cpp:")
        self.assertRegex(done.stdout, r"granted by operator new, freed by operator delete\[\]: 1 block,")
        self.assertRegex(done.stdout, r"granted by malloc, freed by operator delete( \(sized\))?: 1 block,")
        self.assertNotIn("no-mismatches", self.check("--no-leaks", "--", "./p", "mismatched").stdout)
        self.assertRegex(self.check("--", "./p").stdout, r"no-mismatches +0 +0\s")

    def test_the_programs_own_status_counts(self):
        done = self.check("--", "./p", "status")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"ends-well +exit status 0 +exit status 3 +BROKEN")

    def test_limits_hold_for_programs_as_for_traces(self):
        self.assertEqual(self.check("--max-peak", "1GB", "--", "./p", "leak").returncode, 0)
        self.assertEqual(self.check("--max-peak", "1KB", "--", "./p").returncode, 1)

    def test_wrong_lines_are_refused_before_the_program_runs(self):
        pathlib.Path("bad").write_text("leak:x\nrace:y\n")
        self.complains(2, "bad:2: is no suppression", "check", "--suppressions", "bad", "--", "touch", "ran")
        self.complains(2, "missing", "check", "--suppressions", "missing", "--", "touch", "ran")
        self.complains(2, "give a trace, or a program", "check", "t", "--", "touch", "ran")
        self.complains(2, "give a trace, or a program", "check", "--no-leaks")
        self.complains(127, "no-such-program", "check", "--", "no-such-program")
        self.assertNotIn("ran", self.files())


if __name__ == "__main__":
    tool.main()
