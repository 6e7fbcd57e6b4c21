import harness


class HeadersAlone(harness.LintTest):
    lint = "headers_alone"

    def test_a_header_that_brings_what_it_uses_is_fine(self):
        self.good({"include/ashlar/foundation/a.hpp": harness.header("a", body="#include <cstddef>\nusing a = std::size_t;\n")})

    def test_a_header_that_leans_on_another_is_reported(self):
        status, output = self.run_on({"include/ashlar/compose/a.hpp": harness.header("a", body="using a = std::size_t;\n")})
        self.assertEqual(status, 1)
        self.assertIn("include/ashlar/compose/a.hpp:1: does not compile alone by g++", output)

    def test_a_guard_that_does_not_hold_is_reported(self):
        status, output = self.run_on({"include/ashlar/testing/a.hpp": "struct a {};\n"})
        self.assertEqual(status, 1)
        self.assertIn("redefinition", output)

    def test_lower_layers_do_without_exceptions(self):
        thrower = "inline void f() { throw 1; }\n"
        status, output = self.run_on({"include/ashlar/foundation/a.hpp": harness.header("a", body=thrower)})
        self.assertEqual(status, 1)
        self.assertIn("with -fno-exceptions -fno-rtti", output)
        self.good({"include/ashlar/testing/a.hpp": harness.header("a", layer="testing", body=thrower)})


harness.main()
