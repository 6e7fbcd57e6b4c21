"""`ashlar record --stacks`, `report --sites` and `export`: the functions and lines that allocate, whatever the file is like."""
import json
import os
import pathlib
import shutil
import subprocess

import tool

PROGRAM = """#include <map>
#include <string>
#include <vector>
#include <cstdlib>
namespace shop { namespace {
struct thing { std::string name; };
[[gnu::noinline]] thing* make(int n) {
    return new thing{std::string(100, 'a' + n)};                    // line 8
}
inline int* buffer(int n) { return static_cast<int*>(std::malloc(n * 4000)); }   // line 10
[[gnu::noinline]] void fill(std::vector<thing*>& all) {
    for (int i = 0; i < 10; ++i) all.push_back(make(i));            // line 12
}
[[gnu::noinline]] int churn(int n) {
    int* volatile p = buffer(n);                                     // line 15
    std::free(p);
    return n;
}
} }
int main() {
    std::vector<shop::thing*> all;
    shop::fill(all);
    for (auto* t : all) if (t->name[0] != 'a') delete t;
    return shop::churn(7) - 7;
}
"""


def name_of(function):
    return function.replace("(anonymous namespace)::", "").split("(")[0].split("::")[-1].split("<")[0]


class Symbols(tool.ToolTest):
    def build(self, *flags, name="p"):
        pathlib.Path("p.cpp").write_text(PROGRAM)
        subprocess.run(["g++", "-std=c++17", "-O2", *flags, "-o", name, "p.cpp"], check=True, timeout=120)

    def record(self, name="p", trace="t", *options):
        done = self.ashlar("record", "--stacks", *options, "-o", trace, "--", f"./{name}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def sites(self, trace="t", *options):
        done = self.ashlar("report", "--json", *options, trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = json.loads(done.stdout)
        return figures, {(name_of(s["function"]), s["line"]): s for s in figures["sites"]}

    def test_functions_lines_and_inlined_calls_are_those_of_the_source(self):
        self.build("-g")
        self.record()
        figures, sites = self.sites()
        for line, size in ((8, 32), (9, 101)):  # the thing, and the text in it
            made = sites[("make", line)]
            self.assertEqual((made["allocations"], made["allocated_bytes"]), (10, 10 * size))
            self.assertEqual((made["leaked_blocks"], made["leaked_bytes"]), (1, size))
        self.assertTrue(made["file"].endswith("p.cpp"))
        inlined = sites[("buffer", 10)]
        self.assertEqual((inlined["allocations"], inlined["temporary_blocks"], inlined["at_peak_bytes"]), (1, 1, 28000))
        tree = figures["call_tree"]
        node, names = inlined["heaviest_node"], []
        while node:
            frame = tree["frames"][tree["nodes"][node][1]]
            names.append((name_of(frame[0]), frame[2]))
            node = tree["nodes"][node][0]
        self.assertEqual(names[:2], [("buffer", 10), ("churn", 15)])
        self.assertIn("main", [name for name, _ in names])
        text = self.ashlar("report", "--sites", "--stacks", "t").stdout
        self.assertRegex(text, r"buffer at p.cpp:10")
        self.assertRegex(text, r"28,?000 B|27.3 KiB")
        self.assertRegex(text, r"churn at \S*p.cpp:15")

    def test_costs_of_sites_and_of_the_tree_add_up_to_the_totals(self):
        self.build("-g")
        self.record()
        figures, _ = self.sites()
        self.assertEqual(sum(s["allocations"] for s in figures["sites"]), figures["allocations"])
        self.assertEqual(sum(s["at_peak_bytes"] for s in figures["sites"]), figures["peak_bytes"])
        nodes = figures["call_tree"]["nodes"]
        self.assertTrue(all(n[0] < i for i, n in enumerate(nodes) if i))
        for column, total in ((2, "peak_bytes"), (3, "bytes_allocated"), (4, "allocations"), (5, "temporary_blocks"), (6, "leaked_bytes")):
            self.assertEqual(sum(n[column] for n in nodes), figures[total], total)

    def test_without_debug_information_the_symbol_table_serves_and_without_that_offsets(self):
        self.build()
        self.record()
        _, sites = self.sites()
        self.assertIn(("make", 0), sites)
        subprocess.run(["strip", "p"], check=True)
        _, sites = self.sites()
        self.assertTrue(any(name.startswith("p+0x") for name, _ in sites), sites.keys())

    def test_a_separate_debug_file_is_found_by_build_id(self):
        self.build("-g", "-Wl,--build-id=sha1")
        notes = subprocess.run(["readelf", "-n", "p"], stdout=subprocess.PIPE, text=True, check=True).stdout
        build_id = notes.split("Build ID:")[1].split()[0]
        folder = pathlib.Path("debug/.build-id") / build_id[:2]
        folder.mkdir(parents=True)
        subprocess.run(["objcopy", "--only-keep-debug", "p", str(folder / (build_id[2:] + ".debug"))], check=True)
        subprocess.run(["strip", "p"], check=True)
        self.record()
        self.assertNotIn(("make", 8), self.sites()[1])
        self.assertIn(("make", 8), self.sites("t", "--debug-path", str(self.folder / "debug"))[1])

    def test_another_file_than_the_recorded_one_is_told_and_not_believed(self):
        self.build("-g", "-Wl,--build-id=sha1")
        self.record()
        pathlib.Path("p.cpp").write_text(PROGRAM)
        subprocess.run(["g++", "-std=c++17", "-O0", "-g", "-Wl,--build-id=sha1", "-o", "p", "p.cpp"], check=True, timeout=120)
        figures, sites = self.sites()
        self.assertRegex(" ".join(figures["symbol_notes"]), r"/p cannot be read for its symbols: it is another file than the one that was recorded")
        self.assertNotIn(("make", 8), sites)
        os.remove("p")
        figures, _ = self.sites()
        self.assertRegex(" ".join(figures["symbol_notes"]), r"/p cannot be read for its symbols: No such file")

    def test_a_damaged_file_costs_a_sentence_at_most(self):
        self.build("-g", "-Wl,--build-id=none")
        self.record()
        whole = pathlib.Path("p").read_bytes()
        for seed in range(3):
            damaged = bytearray(whole)
            for i in range(200):
                at = (seed * 7919 + i * 104729) % (len(damaged) - 4096) + 4096 if seed < 2 else i
                damaged[at] = (damaged[at] + 1 + i) % 256
            os.remove("p")
            pathlib.Path("p").write_bytes(damaged)
            done = self.ashlar("report", "--sites", "t", timeout=100)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Call sites", done.stdout)
        shutil.rmtree("p", ignore_errors=True)
        os.remove("p")
        os.mkfifo("p")
        self.assertEqual(self.ashlar("report", "--sites", "t", timeout=60).returncode, 0)

    def test_exports_are_what_other_viewers_read(self):
        self.build("-g")
        self.record()
        figures, _ = self.sites()
        for by, total in (("peak", "peak_bytes"), ("allocated", "bytes_allocated"), ("allocations", "allocations"), ("leaked", "leaked_bytes")):
            lines = self.ashlar("export", "t", "--by", by).stdout.splitlines()
            self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines), figures[total], by)
        self.assertTrue(any("main;" in line and "churn" in line for line in self.ashlar("export", "t").stdout.splitlines()))
        self.ashlar("export", "t", "--format", "speedscope", "-o", "s.json")
        scope = json.loads(pathlib.Path("s.json").read_text())
        self.assertEqual(len(scope["profiles"]), 5)
        for profile in scope["profiles"]:
            self.assertEqual(len(profile["samples"]), len(profile["weights"]))
            self.assertEqual(profile["endValue"], sum(profile["weights"]))
            self.assertTrue(all(f < len(scope["shared"]["frames"]) for sample in profile["samples"] for f in sample))

    def test_a_trace_without_stacks_is_told_so(self):
        self.build()
        self.assertEqual(self.ashlar("record", "-o", "t", "--", "./p").returncode, 0)
        self.complains(1, "no call stacks; record with --stacks", "report", "--sites", "t")
        self.complains(1, "no call stacks; record with --stacks", "export", "t")
        self.assertNotIn("sites", json.loads(self.ashlar("report", "--json", "t").stdout))
        self.complains(2, "--stacks", "record", "--stacks=0", "--", "./p")
        self.complains(2, "--stacks", "record", "--stacks=257", "--", "./p")

    def test_depth_cuts_stacks_from_outside_and_says_so(self):
        self.build("-g")
        done = self.ashlar("record", "--stacks=2", "-o", "t", "--", "./p")
        self.assertEqual(done.returncode, 0)
        self.assertIn("[callers not recorded];", self.ashlar("export", "t").stdout)


if __name__ == "__main__":
    tool.main()
