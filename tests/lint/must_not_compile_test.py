import harness

PLACE = "tests/must_not_compile/foundation/a.cpp"
CODE = "#ifdef ASHLAR_FIXED\nint x = 1;\n#else\nint x = undeclared;\n#endif\n"


class MustNotCompile(harness.LintTest):
    lint = "must_not_compile"

    def test_misuse_with_its_diagnostic_is_fine(self):
        self.good({PLACE: "// expect: undeclared\n" + CODE})

    def reports(self, content, sentence):
        status, output = self.run_on({PLACE: content})
        self.assertEqual(status, 1)
        self.assertIn(sentence, output)

    def test_what_compiles_or_fails_otherwise_is_reported(self):
        self.reports("// expect: x\nint x = 1;  // ASHLAR_FIXED\n", "a.cpp:1: compiles by g++, and must not")
        self.reports("// expect: no such words\n" + CODE, "fails by g++ without 'no such words'")
        self.reports("// expect: undeclared\nint x = undeclared;  // ASHLAR_FIXED\n", "does not compile by g++ without the misuse")

    def test_a_file_says_what_it_expects_and_how_it_is_right(self):
        self.reports(CODE, "has no line '// expect:")
        self.reports("// expect: undeclared\nint x = undeclared;\n", "has no branch for ASHLAR_FIXED")


harness.main()
