import harness

PAGE = "| word | means | not |\n|---|---|---|\n| free list | blocks | freelist, avail list |\n| block | bytes | - |\n"


class Glossary(harness.LintTest):
    lint = "glossary"

    def test_our_words_are_fine(self):
        self.good({"docs/glossary.md": PAGE, "src/os/a.cpp": "// the free list holds each block; free_list too\n"})

    def test_unwanted_words_are_reported_in_any_spelling(self):
        self.bad({"docs/glossary.md": PAGE, "src/os/a.cpp": "\n// the Freelist\nint avail_lists;\n", "README.md": "avail-list\n"},
                 "src/os/a.cpp:2: says 'freelist'; our word is 'free list'", "src/os/a.cpp:3: says 'avail list'", "README.md:1")

    def test_the_glossary_exists_and_is_sound(self):
        self.bad({}, "does not exist")
        self.bad({"docs/glossary.md": "nothing\n"}, "has no rows")
        self.bad({"docs/glossary.md": PAGE + "| block | x | - |\n"}, "has two entries")
        self.bad({"docs/glossary.md": PAGE + "| span | x | block |\n", "layers.toml": ""},
                 "'block' is an entry and is unwanted under 'span'")


harness.main()
