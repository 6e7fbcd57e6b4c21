import harness

KEYS = "// Invariants: a.I1  x <= y\n//             a.I2  y <= z\n"
PLACE = "include/ashlar/foundation/a.hpp"


def header(keys=KEYS, body="// holds by a.I1 and a.I2\n"):
    text = harness.header("a", body=body)
    return text.replace("// Checked by", keys + "// Checked by")


class Claims(harness.LintTest):
    lint = "claims"
    test = {"tests/foundation/a_test.cpp": "// a.I1\n"}

    def test_what_resolves_is_fine(self):
        self.good({PLACE: header(), **self.test})

    def test_a_path_that_does_not_exist_is_reported(self):
        self.bad({PLACE: header()}, "a.hpp:9: 'Checked by:' names tests/foundation/a_test.cpp")

    def test_a_cited_invariant_must_be_defined(self):
        self.bad({PLACE: header(), "tests/foundation/a_test.cpp": "\n// a.I3\n"}, "a_test.cpp:2: cites a.I3")

    def test_a_source_may_define_its_own(self):
        self.good({"src/os/b.cpp": "// b\n//\n// Invariants: b.I1  x\nint x;  // by b.I1\n", "STYLE.md": "name.I1"})

    def test_a_defined_invariant_must_be_cited(self):
        self.bad({PLACE: header(body=""), **self.test}, "a.hpp:8: a.I2 is cited nowhere")

    def test_an_invariant_has_one_home_named_after_its_file(self):
        self.bad({PLACE: header(keys="// Invariants: b.I1  x\n", body="// b.I1\n"), "tests/foundation/a_test.cpp": ""},
                 "a.hpp:7: b.I1 does not begin with the file's name")

    def test_a_proof_is_named_by_its_header(self):
        self.bad({PLACE: header(), **self.test, "proofs/foundation/a/claim.md": ""}, "does not name proofs/foundation/a")


harness.main()
