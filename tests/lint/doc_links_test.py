import harness


class DocLinks(harness.LintTest):
    lint = "doc_links"

    def test_links_that_lead_somewhere_are_fine(self):
        self.good({"README.md": "[a](docs/a.md) [b](docs/a.md#two-words) [c](#here) [d](https://example.org) `docs/a.md` `a/b`\n# Here\n",
                   "docs/a.md": "# Two words\n[up](../README.md)\n"})

    def test_what_leads_nowhere_is_reported(self):
        self.bad({"README.md": "\n[a](docs/none.md)\n"}, "README.md:2: links to docs/none.md")
        self.bad({"README.md": "# A\n[a](#none)\n"}, "README.md:2: links to #none; the page has no such heading")
        self.bad({"README.md": "see `docs/none.md`\n"}, "README.md:1: names docs/none.md")
        self.bad({"README.md": "[a](../elsewhere.md)\n"}, "README.md:1: links to ../elsewhere.md")


harness.main()
