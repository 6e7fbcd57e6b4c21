import harness


class IdleTests(harness.LintTest):
    lint = "idle_tests"

    def test_a_working_test_is_fine(self):
        self.good({"tests/os/a_test.cpp": 'TEST_CASE("a: b c d", "[os][a]") { CHECK(f() == true); }\n'})

    def test_each_way_of_not_testing_is_reported(self):
        ways = ['TEST_CASE("a: b", "[.][os]")', 'TEST_CASE("a: b", "[os][!mayfail]")', "SUCCEED();", "CHECK(true);",
                "REQUIRE_FALSE(false);", "SKIP();"]
        self.bad({"tests/os/a_test.cpp": "\n".join(ways) + "\n"}, *(f"a_test.cpp:{n}: " for n in range(1, len(ways) + 1)))
        self.bad({"tests/x/CMakeLists.txt": "set_tests_properties(a PROPERTIES WILL_FAIL ON)\n"}, "tests/x/CMakeLists.txt:1")


harness.main()
