import harness

PAGE = "docs/semantics.md"
LAWS = "| id | law |\n|---|---|\n| C1 exclusivity | x | y |\n"
TABLE = "\n### What each strategy states for C4\n\n| strategy | refuses exactly when |\n|---|---|\n| heap, fit | never |\n"
KIT = {"include/ashlar/testing/law.hpp": '    {"C1", "exclusivity", "a grant"},\n'}
HEADERS = {"include/ashlar/strategy/heap.hpp": "result<block> allocate(layout l) noexcept {\n",
           "include/ashlar/strategy/fit.hpp": "node* find(const fit_request& wanted) const noexcept {\n"}
TEST = {"tests/strategy/heap_test.cpp": 'ASHLAR_ENROL("heap", make)  // C1\n'}
GOOD = {PAGE: LAWS + TABLE, **KIT, **HEADERS, **TEST}


class Semantics(harness.LintTest):
    lint = "semantics"

    def test_a_tree_that_agrees_is_fine(self):
        self.good(GOOD)

    def test_laws_have_one_name_in_page_and_kit(self):
        self.bad({**GOOD, PAGE: LAWS.replace("exclusivity", "safety") + TABLE}, "C1 is called safety here and exclusivity in")

    def test_a_law_of_the_kit_is_stated_and_the_other_way(self):
        self.bad({**GOOD, PAGE: LAWS.replace("C1", "C2") + TABLE, "tests/strategy/heap_test.cpp": "ASHLAR_ENROL"},
                 "semantics.md:3: C2 is no law of", "law.hpp:1: C1 exclusivity is not stated in")

    def test_a_strategy_or_policy_that_does_not_say_when_it_refuses_is_reported(self):
        self.bad({**GOOD, PAGE: LAWS + TABLE.replace("heap, fit", "heap")}, "does not say when fit refuses")

    def test_a_row_for_what_is_not_there_is_reported(self):
        self.bad({**GOOD, PAGE: LAWS + TABLE.replace("fit", "fit, pool")}, "semantics.md:9: states when pool refuses")

    def test_an_allocator_is_enrolled_by_its_test(self):
        self.bad({**GOOD, "tests/strategy/heap_test.cpp": "// C1\n"}, "heap is not enrolled in the laws")

    def test_a_cited_law_is_stated(self):
        self.bad({**GOOD, "src/os/a.cpp": "int a;\n// by C7\n"}, "a.cpp:2: cites C7")

    def test_a_rule_of_the_edge_is_cited_where_it_is_kept_and_where_it_is_tested(self):
        rules = LAWS + "| E1 | x |\n" + TABLE
        self.bad({**GOOD, PAGE: rules, "src/malloc/a.cpp": "int a;  // E1, E2\n"}, "a.cpp:1: cites E2",
                 "E1 is cited nowhere in tests/malloc, where it is tested")
        self.good({**GOOD, PAGE: rules, "src/malloc/a.cpp": "int a;  // E1\n", "tests/malloc/b.py": "# E1\n"})


harness.main()
