import harness


class QuietHeaders(harness.LintTest):
    lint = "quiet_headers"

    def test_talk_of_printing_is_fine(self):
        self.good({"include/ashlar/os/a.hpp": '// printf("x") is for others\nconst char* s = "abort()";\nint at_exit();\n',
                   "src/os/a.cpp": "#include <cstdio>\n"})

    def test_printing_and_ending_are_reported(self):
        self.bad({"include/ashlar/os/a.hpp": "#include <iostream>\nvoid f() { std::printf(0); }\nvoid g() { std::abort(); }\n"},
                 "a.hpp:1: 'iostream'", "a.hpp:2: 'printf'", "a.hpp:3: 'abort'")


harness.main()
