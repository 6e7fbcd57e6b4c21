import harness


class Layers(harness.LintTest):
    lint = "layers"

    def test_includes_down_are_fine(self):
        self.good({"include/ashlar/strategy/a.hpp": '#include <cstddef>\n#include "ashlar/foundation/b.hpp"\n',
                   "src/os/a.cpp": '#include <sys/mman.h>\n#include "ashlar/os/a.hpp"\n',
                   "tests/os/a_test.cpp": '#include "ashlar/testing/laws.hpp"\n#include <ashlar/os/a.hpp>\n',
                   "apps/ashlar/main.cpp": '#include "run.hpp"\n#include "ashlar/strategy/a.hpp"\n',
                   "apps/ashlar/run.hpp": ""})

    def test_an_include_up_is_reported(self):
        self.bad({"include/ashlar/os/a.hpp": '\n#include "ashlar/strategy/a.hpp"\n'},
                 "include/ashlar/os/a.hpp:2: os may not include strategy")

    def test_compose_may_not_include_strategy_from_its_sources_either(self):
        self.bad({"src/compose/a.cpp": '#include <ashlar/strategy/a.hpp>\n'}, "src/compose/a.cpp:1: compose may not include")

    def test_a_relative_path_does_not_hide_a_layer(self):
        self.bad({"src/os/a.cpp": '#include "../strategy/inner.hpp"\n', "src/strategy/inner.hpp": ""},
                 "src/os/a.cpp:1: os may not include strategy")

    def test_a_test_may_not_reach_over_to_other_layers(self):
        self.bad({"tests/os/a_test.cpp": '#include "ashlar/strategy/a.hpp"\n'}, "tests/os/a_test.cpp:1: os may not include")

    def test_tests_reach_the_layers_that_their_line_names_and_the_layer_itself_does_not(self):
        layers = harness.LAYERS + 'compose = ["strategy"]\n'
        self.good({"layers.toml": layers, "tests/compose/a_test.cpp": '#include "ashlar/strategy/a.hpp"\n'})
        self.bad({"layers.toml": layers, "include/ashlar/compose/a.hpp": '#include "ashlar/strategy/a.hpp"\n'},
                 "a.hpp:1: compose may not include")
        self.bad({"layers.toml": harness.LAYERS + 'os = ["strategies"]\n'}, "[tests] names strategies")

    def test_nothing_may_include_an_application(self):
        self.bad({"src/os/a.cpp": '#include "../../apps/ashlar/run.hpp"\n', "apps/ashlar/run.hpp": ""},
                 "src/os/a.cpp:1: includes apps/ashlar/run.hpp")

    def test_a_system_header_in_a_public_header_is_reported_unless_listed(self):
        self.bad({"include/ashlar/os/a.hpp": "#include <sys/mman.h>\n"}, "a.hpp:1: public headers include std")
        self.good({"layers.toml": harness.LAYERS + '[system]\nos = ["sys/"]\n',
                   "include/ashlar/os/a.hpp": "#include <sys/mman.h>\n"})

    def test_umbrellas_are_for_users(self):
        self.bad({"include/ashlar/strategy/a.hpp": '#include "ashlar/os.hpp"\n'}, "includes the umbrella")

    def test_a_cycle_an_unknown_layer_and_a_missing_table_are_reported(self):
        self.bad({"layers.toml": '[layers]\na = ["b"]\nb = ["a"]\n'}, "cycle: a -> b -> a")
        self.bad({"layers.toml": '[layers]\na = ["c"]\n'}, "a names c")
        self.bad({"layers.toml": ""}, "no [layers] table")
        self.bad({"include/ashlar/other/a.hpp": ""}, "no layer other")


harness.main()
