"""Rules for call sites and size classes: `ashlar advise` finds them in a trace, and the program's own run obeys them."""
import json
import pathlib
import subprocess

import tool

# Pages that stay, by way of a wrapper that also serves what comes and goes: of a size between two classes, or of all sizes.
PROGRAM = r"""
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) void* wrapped(size_t n) { void* p = malloc(n); if (p == 0) abort(); return p; }
__attribute__((noinline)) char* new_page(int i) { char* p = wrapped(SIZE); memset(p, 1, SIZE); return p; }
__attribute__((noinline)) char* new_text(int i) { char* p = wrapped(20 + i % 30); p[0] = 1; return p; }
int main(void) {
    static char* pages[PAGES];
    for (int i = 0; i < PAGES; ++i) {
        pages[i] = new_page(i);
        for (int k = 0; k < 2; ++k) free(new_text(k));
    }
    return pages[PAGES - 1][0] - 1;
}
"""

# Of a run so long that no replay's time, on however busy a machine, is too dear for the memory it saves.
FOR_MEMORY = ("--goal", "memory", "--run-time", "1000")


class SitesAdvised(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.folder.joinpath("p.c").write_text(PROGRAM)

    def record(self, size, pages, *how):
        subprocess.run(["cc", "-O2", "-fno-builtin", "-Wl,--build-id", f"-DSIZE=({size})", f"-DPAGES={pages}", "p.c", "-o", "p"], check=True)
        self.assertEqual(self.ashlar("record", *how, "-o", "t.trace", "--", "./p").returncode, 0)

    def test_one_odd_size_gets_a_class_and_the_program_needs_less(self):
        self.record("4400", 1500)
        done = self.ashlar("advise", "--json", *FOR_MEMORY, "--rounds", "2", "t.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertTrue(any("badly" in s["text"] and "with the classes 4400 " in s["evidence"] for s in told["sentences"]), told["sentences"])
        classed = next(c for c in told["candidates"] if any(line.startswith("classes") for line in c["settings"]))
        # By itself the malloc finds that class too, after some hundred blocks.
        self.assertLess(classed["memory_ratio"], 0.97 * told["candidates"][1]["memory_ratio"])
        self.assertRegex("\n".join(classed["settings"]), r"(?m)^classes = v1 4400 expects \d+ KiB$")
        self.folder.joinpath("c.conf").write_text("\n".join(["version = 1", *classed["settings"], ""]))
        self.assertEqual(self.ashlar("run", "--conf", "c.conf", "--", "./p").stderr, "")  # nothing departs from what is expected
        said = self.ashlar("run", "--conf", "c.conf", "--", "./p", env={"ASHLAR_OPTIONS": "routes_at_exit=all"}).stderr
        self.assertRegex(said, r"size class 4400: 6\d\d\d KiB at its greatest")
        self.assertIn("if (l.size() > 4096 && l.size() <= 4400 && l.align() <= 16) return of_4400_.allocate(l);",
                      self.emits_what_compiles("advised::heap blocks; return blocks.allocate(ashlar::layout::make(4400, 16).value()) ? 0 : 1;"))

    def emits_what_compiles(self, use):
        done = self.ashlar("advise", "--emit", "cpp", *FOR_MEMORY, "--rounds", "1", "t.trace")
        self.folder.joinpath("advised.hpp").write_text(done.stdout)
        self.folder.joinpath("use.cpp").write_text(f'#include "advised.hpp"\nint main() {{ {use} }}')
        include = pathlib.Path(__file__).resolve().parents[2] / "include"
        built = subprocess.run(["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", include, "use.cpp"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(built.stderr, "")
        return done.stdout

    def test_a_site_of_blocks_that_stay_gets_an_arena_and_the_program_needs_less(self):
        self.record("130 + i * 613 % 900", 8000, "--stacks=6")
        done = self.ashlar("advise", "--json", *FOR_MEMORY, "--rounds", "2", "t.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        ruled = [c for c in told["candidates"] if any(line.startswith("site") for line in c["settings"])]
        self.assertEqual(len(ruled), 1, told)
        self.assertLess(ruled[0]["memory_ratio"], 0.97 * told["candidates"][1]["memory_ratio"])
        lines = ruled[0]["settings"]
        self.assertFalse([line for line in lines if line.startswith("classes")])  # they would be for the blocks of the arena
        self.assertRegex("\n".join(lines), r"(?m)^route = 1 arena expects 8000 blocks \d+ KiB$")
        self.assertRegex("\n".join(lines), r"(?m)^site = 1 p:[0-9a-f]{16}:0x[0-9a-f]+:wrapped < p:[0-9a-f]{16}:0x[0-9a-f]+:new_page$")
        self.assertRegex(lines[-1], r"^rest = expects 16\d\d\d blocks$")
        self.assertTrue(any("an arena for wrapped called by new_page" in s["text"] for s in told["sentences"]), told["sentences"])
        self.folder.joinpath("c.conf").write_text("\n".join(["version = 1", *lines, ""]))
        self.assertEqual(self.ashlar("run", "--conf", "c.conf", "--", "./p").stderr, "")  # nothing departs from what is expected
        said = self.ashlar("run", "--conf", "c.conf", "--", "./p", env={"ASHLAR_OPTIONS": "routes_at_exit=all"}).stderr
        self.assertRegex(said, r"site 1 \(route 1, wrapped\): learnt, (7999|8000) blocks")
        emitted = self.emits_what_compiles("""
                advised::arena_1 pages;
                advised::heap rest;
                const auto p = pages.allocate(ashlar::layout::make(4400, 16).value());
                const auto q = rest.allocate(ashlar::layout::make(100, 8).value());
                p->data[0] = std::byte{1};
                rest.deallocate(q->data, ashlar::layout::make(100, 8).value());""")
        self.assertIn("struct arena_1 : ashlar::arena<>", emitted)

    def test_without_call_stacks_it_says_so(self):
        self.record("4400", 200)
        done = self.ashlar("advise", "--rounds", "1", "--limit", "2000", "t.trace")
        self.assertIn("Call sites were not looked at: the trace has no call stacks.", done.stdout)


if __name__ == "__main__":
    tool.main()
