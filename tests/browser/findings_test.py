"""What the page shows of what may be worth a change, in a real browser."""
import browser
from browser import PageTest, Text, browse


class Findings(PageTest):
    def test_what_may_be_worth_a_change_is_shown(self):
        page, _ = self.report("findings")
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        text = Text(dom).text
        for shown in ("Reallocations", "3 reallocations of 1 block; 33.3 % kept their address, the others moved 96 B",
                      "2 to 3 times 1 block", "Who reallocates", "demo+0x1000"):
            self.assertIn(shown, text)


if __name__ == "__main__":
    browser.main()
