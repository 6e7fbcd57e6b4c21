import harness


class TestNames(harness.LintTest):
    lint = "test_names"

    def one(self, text):
        return {"tests/os/page_test.cpp": text}

    def test_a_sentence_with_its_tags_is_fine(self):
        self.good(self.one('TEST_CASE("page: a refused request changes nothing", "[os][page]") {}\n'
                           'TEMPLATE_TEST_CASE("page: it is aligned", "[os][page]", int) {}\n'))
        self.good({"tests/os/page_faults_test.cpp": 'TEST_CASE("page: it is aligned", "[os][page]") {}\n'})

    def test_nouns_and_wrong_tags_are_reported(self):
        self.bad(self.one('TEST_CASE("page works", "[os][page]") {}\n'), "page_test.cpp:1: 'page works' is no sentence")
        self.bad(self.one('\nTEST_CASE("page: it is aligned", "[page]") {}\n'), "page_test.cpp:2: the tags do not begin with [os][page]")
        self.bad(self.one("// empty\n"), "holds no test case")


harness.main()
