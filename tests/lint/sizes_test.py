import harness

LINES = "int x;\n"


class Sizes(harness.LintTest):
    lint = "sizes"

    def test_small_is_fine(self):
        self.good({"src/os/a.cpp": "int f() {\n" + LINES * 58 + "}\n" + LINES * 200})

    def test_long_files_say_why_and_have_an_end(self):
        self.bad({"src/os/a.cpp": LINES * 301}, "src/os/a.cpp:300: 301 lines")
        self.good({"src/os/a.cpp": "// Long: one table.\n" + LINES * 301})
        self.bad({"src/os/a.cpp": "// Long: one table.\n" + LINES * 500}, "src/os/a.cpp:500: 501 lines")
        self.bad({"script": "#!/bin/sh\n" + "true\n" * 301}, "script:300: 302 lines")

    def test_long_functions_are_reported_where_they_begin(self):
        long = "{\n" + LINES * 60 + "}\n"
        self.bad({"src/os/a.cpp": "// a {\nnamespace a {\nstruct b {\n  int f(int x) const noexcept " + long + "};\n}\n"},
                 "src/os/a.cpp:4: a function of 62 lines")
        self.bad({"tests/os/a_test.cpp": 'TEST_CASE("a: {", "[x]") ' + long}, "a_test.cpp:1: a function of 62 lines")
        self.bad({"tools/a.py": "def f():\n" + "    x = 1\n" * 60}, "tools/a.py:1: a function of 61 lines")

    def test_classes_namespaces_and_tables_are_no_functions(self):
        body = "{\n" + LINES * 70 + "}"
        self.good({"src/os/a.hpp": f"// Long: for this test.\nnamespace a {body}\ntemplate <class T> class alignas(64) b {body};\n"
                                   f"enum class c : int {body};\nconstexpr int d[] = {body};\nconcept e = requires(T t) {body};\n"})

    def test_decisions_are_short(self):
        self.bad({"docs/decisions/0001-a.md": "a\n" * 61}, "at most 60")


harness.main()
