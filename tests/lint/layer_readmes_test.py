import harness

HEADER = {"include/ashlar/foundation/a.hpp": harness.header("a")}
PAGE = "include/ashlar/foundation/README.md"


class LayerReadmes(harness.LintTest):
    lint = "layer_readmes"

    def test_a_page_that_names_every_component_is_fine(self):
        self.good({**HEADER, PAGE: "# foundation\n- a.hpp\n"})

    def test_a_missing_long_or_incomplete_page_is_reported(self):
        self.bad(HEADER, f"{PAGE}:1: layer foundation has no README.md")
        self.bad({**HEADER, PAGE: "# foundation\n- a.hpp\n" + "\n" * 79}, f"{PAGE}:80: 81 lines")
        self.bad({**HEADER, PAGE: "# foundation\n"}, "does not name a.hpp")
        self.bad({**HEADER, PAGE: "# other\na.hpp\n"}, "does not begin with '# foundation'")


harness.main()
