"""What the page shows of what may be worth a change, in a real browser."""
import pathlib
import subprocess

import browser
from browser import ASHLAR, PageTest, Text, act, browse


class Findings(PageTest):
    def test_what_may_be_worth_a_change_is_shown(self):
        page, _ = self.report("findings")
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        text = Text(dom).text
        for shown in ("Reallocations", "3 reallocations of 1 block; 33.3 % kept their address, the others moved 96 B",
                      "2 to 3 times 1 block", "Who reallocates", "demo+0x1000",
                      "260 KiB in 65 pages held for 256 KiB live: 98.6 % filled. A cell is a page.", "281 \u00b5s, the peak",
                      "At 281 \u00b5s, 10 lines of 64 B held live blocks that different threads allocated",
                      "demo+0x3000 thread 0 main demo+0x4000 thread 1"):
            self.assertIn(shown, text)

    def test_the_map_of_pages_follows_slider_keys_and_theme(self):
        page, _ = self.report("findings")
        for flags, accent, warm in ([], (0x2a, 0x65, 0x82), (0xb0, 0x49, 0x2a)), \
                (["--blink-settings=preferredColorScheme=0"], (0x7f, 0xb8, 0xd2), (0xe6, 0x8d, 0x68)):
            seen = act(page, """
                const canvas = $(".map"), slider = $("#pages input[type=range]");
                const painted = () => {
                  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true }), n = {};
                  copy.drawImage(canvas, 0, 0);
                  const d = copy.getImageData(0, 0, canvas.width, canvas.height).data;
                 
                  for (let i = 0; i < d.length; i += 4) { const k = d[i] + "," + d[i + 1] + "," + d[i + 2]; n[k] = (n[k] || 0) + 1; } return n; };
                const note = (what) => { seen[what] = [painted(), $("#pages .note").textContent, $("#pages .readout").textContent]; };
                note("peak");
                slider.value = slider.max; slider.dispatchEvent(new Event("input")); note("end");
                for (const k of ["ArrowRight", "End", "Home", "ArrowRight"])
                  canvas.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
                note("walked");
                seen.value = slider.getAttribute("aria-valuetext");""", *flags)
            blue, red = (",".join(map(str, c)) for c in (accent, warm))
            cell = 20 * 20
            self.assertEqual((seen["peak"][0].get(red), seen["peak"][0].get(blue)), (cell, 64 * cell))
            self.assertEqual(seen["end"][0].get(red), 61 * cell)
            self.assertIn("29.4\u00a0% filled", seen["end"][1])
            self.assertIn("the end", seen["value"])
            self.assertRegex(seen["walked"][2], r"from 0x101000.*1.page.*1.00.KiB live.*25\.0.% filled")

    def test_what_the_program_maps_and_loads_has_a_curve_and_a_table(self):
        trace = self.folder / "m"
        subprocess.run([ASHLAR, "record", "--maps", "-o", trace, "--", "/usr/bin/python3", "-c", "import mmap; m = mmap.mmap(-1, 1 << 22)"],
                       check=True, stderr=subprocess.PIPE)
        subprocess.run([ASHLAR, "report", "--html", f"{trace}.html", trace], check=True, stdout=subprocess.PIPE)
        seen = act(pathlib.Path(f"{trace}.html"), """
            seen.curve = $(".curve.mapped").textContent;
            seen.table = $("#libraries").textContent;
            const chart = $(".chart");
            for (let i = 0; i < 4000 && !(seen.read || "").includes("dlopen"); ++i) {
              chart.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
              seen.read = $(".readout").textContent;
            }
            """)
        self.assertEqual(seen["curve"], "Mapped by the program")
        self.assertRegex(seen["table"], r"dlopen/usr/lib/\S*/mmap.cpython")
        self.assertRegex(seen["read"], r"mapped by the program .*dlopen mmap.cpython")

    def test_the_curves_of_memory_come_and_go_with_their_boxes(self):
        page, _ = self.report("findings")
        seen = act(page, """
            const chart = $("#time .chart"), end = () => chart.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
            const boxes = () => [...document.querySelectorAll("#time .curve input")].map((b) => b.checked);
            end(); seen.first = [boxes(), $("#time .readout").textContent];
            $("#time .committed input").click(); end(); seen.both = [boxes(), $("#time .readout").textContent];""")
        self.assertEqual(seen["first"][0], [True, False])  # committed lies far above
        self.assertRegex(seen["first"][1], r"resident 300.KiB")
        self.assertNotIn("committed", seen["first"][1])
        self.assertEqual(seen["both"][0], [True, True])
        self.assertRegex(seen["both"][1], r"resident 300.KiBcommitted 4.00.MiB")


if __name__ == "__main__":
    browser.main()
