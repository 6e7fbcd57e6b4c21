import harness


class ContractTags(harness.LintTest):
    lint = "contract_tags"

    def good_comment(self, *lines):
        self.good({"src/os/a.hpp": "\n".join(f"/// {line}" for line in lines) + "\n"})

    def bad_comment(self, lines, *findings):
        self.bad({"src/os/a.hpp": "\n".join(f"/// {line}" for line in lines) + "\n"}, *findings)

    def test_tags_in_order_are_fine(self):
        self.good_comment("Does it.", "@pre a", "@pre b", "@post c", "  continued", "@returns d", "@complexity O(1)")

    def test_two_comments_are_judged_apart(self):
        self.good({"src/os/a.hpp": "/// @returns a\nint f();\n/// @pre b\nint g();\n"})

    def test_wrong_order_unknown_and_empty_tags_are_reported(self):
        self.bad_comment(["@returns a", "@pre b"], "a.hpp:2: @pre stands after @returns")
        self.bad_comment(["@return a"], "a.hpp:1: @return is no contract tag")
        self.bad_comment(["@pre"], "a.hpp:1: @pre says nothing")


harness.main()
