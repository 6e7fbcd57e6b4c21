import harness


class MeasuredClaims(harness.LintTest):
    lint = "measured_claims"

    def test_paths_titles_and_measured_claims_are_fine(self):
        self.good({"include/ashlar/os/a.hpp": '// the fast path\n//\n// Source:     Hanson, "Fast\n//             allocation", Fast Systems, 1990.\n',
                   "README.md": "It is faster than x: docs/benchmarks/README.md\n"})

    def test_a_bare_claim_is_reported(self):
        self.bad({"include/ashlar/os/a.hpp": "// This is\n// very fast.\n"}, "a.hpp:2: 'fast' without its benchmark")
        self.bad({"README.md": "It is\nthe fastest.\n\nbench/run.py measures.\n"}, "README.md:2: 'fastest'")


harness.main()
