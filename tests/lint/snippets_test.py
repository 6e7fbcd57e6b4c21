import harness

HEADER = harness.header("a", body="inline int a() { return 1; }\n")
USE = "```cpp\n#include <ashlar/foundation/a.hpp>\nint x = a();\n```\n"


class Snippets(harness.LintTest):
    lint = "snippets"
    tree = {"include/ashlar/foundation/a.hpp": HEADER}

    def test_statements_and_files_and_marked_sketches_are_fine(self):
        self.good({**self.tree, "README.md": USE + "```cpp\nint main() { return 0; }\n```\n```cpp sketch\nnonsense\n```\n```sh\nls\n```\n"})

    def test_a_page_that_went_stale_is_reported(self):
        self.bad({**self.tree, "README.md": "\n" + USE.replace("a()", "b()")}, "README.md:2: this code does not compile: 'b'")

    def test_a_header_comment_that_went_stale_is_reported(self):
        comment = "".join(f"/// {line}\n" for line in USE.replace("a()", "b()").splitlines())
        self.bad({"include/ashlar/foundation/a.hpp": HEADER + comment}, "a.hpp:10: this code does not compile: 'b'")


harness.main()
