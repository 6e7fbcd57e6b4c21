import harness


class MirroredTests(harness.LintTest):
    lint = "mirrored_tests"
    tree = {"include/ashlar/foundation/a.hpp": harness.header("a"),
            "tests/foundation/a_test.cpp": '#include "ashlar/foundation/a.hpp"\n'}

    def test_a_mirrored_component_is_fine(self):
        self.good(self.tree)

    def test_the_support_of_a_folder_may_include_for_its_tests(self):
        self.good({**self.tree, "tests/foundation/a_test.cpp": '#include "support.hpp"\n',
                   "tests/foundation/support.hpp": '#include "ashlar/foundation/a.hpp"\n'})

    def test_a_missing_test_is_reported(self):
        self.bad({"include/ashlar/foundation/a.hpp": harness.header("a")}, "a.hpp:1: has no test tests/foundation/a_test.cpp")

    def test_the_test_includes_its_header_and_the_header_names_its_test(self):
        self.bad({**self.tree, "tests/foundation/a_test.cpp": "\n"}, "a_test.cpp:1: does not include ashlar/foundation/a.hpp")
        self.bad({**self.tree, "include/ashlar/foundation/a.hpp": harness.header("a").replace("a_test", "b_test")},
                 "a.hpp:7: 'Checked by:' does not name tests/foundation/a_test.cpp")


harness.main()
