import harness


class HeaderComment(harness.LintTest):
    lint = "header_comment"
    place = "include/ashlar/foundation/a.hpp"

    def test_a_whole_comment_is_fine(self):
        self.good({self.place: harness.header("a")})

    def test_a_missing_or_empty_key_is_reported(self):
        self.bad({self.place: harness.header("a").replace("// Failure:    none.\n", "")}, "a.hpp:1: the opening comment lacks 'Failure:'")
        self.bad({self.place: harness.header("a").replace("none.", "")}, "a.hpp:5: 'Failure:' says nothing")

    def test_a_strategy_names_its_source_and_invariants(self):
        self.bad({"include/ashlar/strategy/a.hpp": harness.header("a", layer="strategy",
                                                                          body="result<block> allocate(layout l);\n")}, "lacks 'Source:'", "lacks 'Invariants:'")

    def test_the_path_and_the_layer_must_be_true(self):
        self.bad({self.place: harness.header("b")}, "a.hpp:1: the first line is not '// ashlar/foundation/a.hpp")
        self.bad({self.place: harness.header("a").replace("Layer:      foundation", "Layer:      os")}, "'Layer:' says os")

    def test_order_and_spelling_of_keys(self):
        self.bad({self.place: harness.header("a", keys="// Bounds:     none\n")}, "unknown key 'Bounds:'")
        self.bad({self.place: harness.header("a").replace("// Threads:", "// X").replace(
            "// Complexity:", "// Threads: one\n// Complexity:").replace("// X    one at a time.\n", "")}, "keys stand in this order")

    def test_pragma_once_follows(self):
        self.bad({self.place: harness.header("a").replace("#pragma once\n", "int x;\n")}, "#pragma once does not follow")

    def test_sources_say_what_they_are(self):
        self.bad({"src/os/a.cpp": "int x;\n"}, "src/os/a.cpp:1: the file does not open with a comment")
        self.bad({"src/os/a.cpp": '#include "ashlar/os/b.hpp"\n'}, "src/os/a.cpp:1")
        self.good({"src/os/a.cpp": '#include "ashlar/os/a.hpp"\n', "tests/os/a_test.cpp": '#include "ashlar/os/a.hpp"\n'})


harness.main()
