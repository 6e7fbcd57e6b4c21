import harness


class Leftovers(harness.LintTest):
    lint = "leftovers"

    def test_prose_and_code_are_fine(self):
        self.good({"src/os/a.cpp": "// Compare by subtraction: pad + size may wrap; see (a.I1).\nint x = f(1);\n/// @pre a == b;\n"
                                   "// TODO(#12) settle it\n// pairs with drain(); publishes the payload\n",
                   "docs/a.md": "see docs/work/x and https://example.org/work/\n"})

    def test_reminders_are_reported(self):
        self.bad({"src/os/a.cpp": "\n// TODO: settle\nint x; // FIXME\n"}, "a.cpp:2: TODO", "a.cpp:3: FIXME")

    def test_commented_out_code_is_reported(self):
        self.bad({"src/os/a.cpp": "// return x;\n// x = y + 1;\n// free(p);\n  // if (x) {\n// #include <a>\n// }\n"},
                 *(f"a.cpp:{n}: commented-out code" for n in range(1, 7)))

    def test_machine_paths_and_leftover_names_are_reported(self):
        self.bad({"docs/a.md": "in /home/someone/ashlar\n", "run.sh": "cd /work/x\n"}, "docs/a.md:1", "run.sh:1")
        self.bad({"src/os/heap_old.cpp": "", "src/os/a.cpp.orig": ""}, "heap_old.cpp:1", "a.cpp.orig:1")


harness.main()
