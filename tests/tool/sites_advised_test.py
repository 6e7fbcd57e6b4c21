"""Rules for call sites: `ashlar advise` finds them in a trace with call stacks, and the program's own run obeys them."""
import json
import pathlib
import subprocess

import tool

# Pages of a size between two classes that stay, by way of a wrapper that also serves what comes and goes.
PROGRAM = r"""
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) void* wrapped(size_t n) { void* p = malloc(n); if (p == 0) abort(); return p; }
__attribute__((noinline)) char* new_page(void) { char* p = wrapped(4400); memset(p, 1, 4400); return p; }
__attribute__((noinline)) char* new_text(int i) { char* p = wrapped(20 + i % 30); p[0] = 1; return p; }
int main(void) {
    static char* pages[1500];
    for (int i = 0; i < 1500; ++i) {
        pages[i] = new_page();
        for (int k = 0; k < 10; ++k) free(new_text(k));
    }
    return pages[1499][0] - 1;
}
"""


class SitesAdvised(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.folder.joinpath("p.c").write_text(PROGRAM)
        subprocess.run(["cc", "-O2", "-fno-builtin", "-Wl,--build-id", "p.c", "-o", "p"], check=True)

    def test_a_site_of_one_odd_size_gets_a_pool_and_the_program_needs_less(self):
        self.assertEqual(self.ashlar("record", "--stacks=6", "-o", "t.trace", "--", "./p").returncode, 0)
        done = self.ashlar("advise", "--json", "--goal", "memory", "--rounds", "2", "t.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        ruled = [c for c in told["candidates"] if any(line.startswith("site") for line in c["settings"])]
        self.assertEqual(len(ruled), 1, told)
        self.assertLess(ruled[0]["memory_ratio"], 0.95 * told["candidates"][1]["memory_ratio"])
        lines = ruled[0]["settings"]
        self.assertRegex(lines[0], r"^route = 1 pool 4400 expects 1500 blocks \d+ KiB$")
        self.assertRegex(lines[1], r"^site = 1 p:[0-9a-f]{16}:0x[0-9a-f]+:wrapped < p:[0-9a-f]{16}:0x[0-9a-f]+:new_page$")
        self.assertRegex(lines[-1], r"^rest = expects 15\d\d\d blocks$")
        self.assertTrue(any("a pool of 4400 B for wrapped called by new_page" in s["text"] for s in told["sentences"]), told["sentences"])
        self.folder.joinpath("c.conf").write_text("\n".join(["version = 1", *lines, ""]))
        self.assertEqual(self.ashlar("run", "--conf", "c.conf", "--", "./p").stderr, "")  # nothing departs from what is expected
        said = self.ashlar("run", "--conf", "c.conf", "--", "./p", env={"ASHLAR_OPTIONS": "routes_at_exit=all"}).stderr
        self.assertRegex(said, r"site 1 \(route 1, wrapped\): learnt, (1499|1500) blocks")

    def test_what_is_emitted_as_cpp_compiles(self):
        self.assertEqual(self.ashlar("record", "--stacks=6", "-o", "t.trace", "--", "./p").returncode, 0)
        done = self.ashlar("advise", "--emit", "cpp", "--goal", "memory", "--rounds", "1", "t.trace")
        self.assertIn("using pool_1 = ashlar::pool<4400, 16>;", done.stdout)
        self.folder.joinpath("advised.hpp").write_text(done.stdout)
        self.folder.joinpath("use.cpp").write_text("""#include "advised.hpp"
            int main() {
                advised::pool_1 pages;
                advised::heap rest;
                const auto p = pages.allocate(ashlar::layout::make(4400, 16).value());
                const auto q = rest.allocate(ashlar::layout::make(100, 8).value());
                pages.deallocate(p->data, ashlar::layout::make(4400, 16).value());
                rest.deallocate(q->data, ashlar::layout::make(100, 8).value());
            }""")
        include = pathlib.Path(__file__).resolve().parents[2] / "include"
        built = subprocess.run(["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", include, "use.cpp"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(built.stderr, "")

    def test_without_call_stacks_it_says_so(self):
        self.assertEqual(self.ashlar("record", "-o", "t.trace", "--", "./p").returncode, 0)
        done = self.ashlar("advise", "--rounds", "1", "--limit", "2000", "t.trace")
        self.assertIn("Call sites were not looked at: the trace has no call stacks.", done.stdout)


if __name__ == "__main__":
    tool.main()
