"""The page of two traces beside each other, in a real browser."""
import browser
from browser import PageTest, Text, act, browse


class Compare(PageTest):
    def test_figures_sites_and_both_lines_appear(self):
        dom, said = browse(self.compare("grown", "callers"), "--dump-dom")
        self.assertEqual(said, [])
        found = Text(dom)
        for shown in ("Against the earlier trace", "Before: demo --of 'a trace'", "demo --of more", "Peak 1000 B 1.03 KiB +50 B +5.0 %",
                      "600 B 0 B \u2212600 B gone", "300 B 900 B +600 B +200.0 %", "0 B 50 B +50 B new"):
            self.assertIn(shown, found.text)
        self.assertEqual(found.names.count("canvas"), 1 + 1 + 2 + 1 + 1)

    def test_the_tree_tells_both_values_and_is_coloured_by_the_difference_in_both_themes(self):
        page = self.compare("grown", "callers")
        for flags in ([], ["--blink-settings=preferredColorScheme=0"]):
            seen = act(page, """
                const canvas = $("#difference .flame");
                const lines = [...document.querySelectorAll("#difference .readout")];
                const key = (k) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
                key("ArrowDown"); key("ArrowDown"); seen.now = [lines[1].textContent, canvas.getAttribute("aria-label")];
                key("ArrowRight"); seen.added = lines[1].textContent;
                $("#difference input[value=before]").click(); key("Escape"); key("ArrowDown"); key("ArrowDown"); seen.before = lines[1].textContent;
                const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
                copy.drawImage(canvas, 0, 0);
                seen.shrunk = [...copy.getImageData(0.3 * canvas.width, 2 * 20 + 3, 1, 1).data];
                seen.grown = [...copy.getImageData(0.8 * canvas.width, 2 * 20 + 3, 1, 1).data];""", *flags)
            self.assertRegex(seen["now"][0], r"0x3000.*400.B before, 1000.B now")
            self.assertIn("6\u00a0functions shown", seen["now"][1])
            self.assertRegex(seen["added"], r"0x5000.*0.B before, 50.B now")
            self.assertRegex(seen["before"], r"0x2000.*600.B before, 0.B now")
            self.assertGreater(seen["shrunk"][1], seen["shrunk"][0], "green")
            self.assertGreater(seen["grown"][0], seen["grown"][1] + 10, "red")

    def test_traces_without_call_stacks_are_compared_by_their_figures(self):
        dom, said = browse(self.compare("busy", "single"), "--dump-dom")
        self.assertEqual(said, [])
        self.assertIn("Call sites are not compared", Text(dom).text)


if __name__ == "__main__":
    browser.main()
