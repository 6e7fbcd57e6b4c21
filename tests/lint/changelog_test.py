import harness

PAGE = {"CHANGELOG.md": "# Changes\n\n## Unreleased\n\n## 0.1.0 - 2026-01-31\n- one.\n"}


class Changelog(harness.LintTest):
    lint = "changelog"

    def test_sections_and_fragments_are_fine(self):
        self.good({**PAGE, "changes/strategy_bump.md": "- `bump`: hands out a buffer,\n  front to back.\n",
                   "include/ashlar/strategy/bump.hpp": ""})

    def test_a_missing_page_or_section_is_reported(self):
        self.bad({}, "CHANGELOG.md:1: does not exist")
        self.bad({"CHANGELOG.md": "# Changes\n"}, "first section is not")
        self.bad({"CHANGELOG.md": "## Unreleased\n## next\n"}, "CHANGELOG.md:2: a release is headed")

    def test_a_fragment_is_one_list_item(self):
        self.bad({**PAGE, "changes/a.md": "text\n"}, "changes/a.md:1")
        self.bad({**PAGE, "changes/a.md": "- a.\n- b.\n"}, "changes/a.md:1")

    def test_a_strategy_without_its_line_is_reported(self):
        self.good({**PAGE, "include/ashlar/strategy/policy.hpp": ""})
        self.bad({**PAGE, "include/ashlar/strategy/bump.hpp": "result<block> allocate(layout l);\n"}, "changes/ has no line about strategy/bump")


harness.main()
