"""The report's page in a real browser: numbers and charts appear, nothing recorded runs, nothing is fetched or said."""
import html
import json
import re

import browser
from browser import PageTest, Text, browse, colours_of, pixels


class Page(PageTest):
    def test_numbers_and_every_section_appear(self):
        page, figures = self.report("busy")
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        self.assertIn('data-ready="yes"', dom)
        text = Text(dom).text
        for key in ("allocations", "frees", "peak_blocks"):
            self.assertIn(f"{figures[key]:,}", text, key)
        for title in ("Live bytes over time", "Sizes", "Lifetimes", "Pages held", "Threads", "Kinds of calls", "What the words mean"):
            self.assertIn(title, text)
        self.assertEqual(Text(dom).names.count("canvas"), 3)
        self.assertIn("Blocks that cross threads", text)
        self.assertGreater(dom.count('class="cell on"'), 50)

    def test_the_charts_are_painted_in_both_themes(self):
        page, _ = self.report("busy")
        for accent, warm in colours_of(page, self.folder):
            self.assertGreater(accent, 1000, "the line of live bytes")
            self.assertGreater(warm, 60, "the mark at the peak")

    def test_nothing_that_was_recorded_becomes_a_part_of_the_page(self):
        page, figures = self.report("hostile")
        source = page.read_text(encoding="utf-8")
        self.assertEqual(source.lower().count("</script"), 2)  # the data's and the page's own
        self.assertNotIn("\u2028", source)
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        found = Text(dom)
        self.assertEqual(found.names.count("script"), 2)
        self.assertNotIn("img", found.names)
        self.assertNotIn("<title>pwned", dom)
        self.assertIn("</script><img src=x onerror=", found.text)
        self.assertIn("\\u{202e}gnp.exe", found.text)
        self.assertIn("<img src=x a>", found.text)
        self.assertEqual(figures["allocations"], 5)

    def test_the_policy_lets_no_other_script_run_and_nothing_be_fetched(self):
        page, _ = self.report("one")
        source = page.read_text(encoding="utf-8")
        self.assertRegex(source, r"default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'")
        self.assertNotRegex(source, r"(src|href)=[\"']?(https?:)?//")
        page.write_text(source.replace("</main>", "</main><script>document.title='pwned'</script>"), encoding="utf-8")
        dom, said = browse(page, "--dump-dom")
        self.assertNotIn("<title>pwned", dom)
        self.assertTrue(any("Content Security Policy" in line for line in said), said)

    def test_keys_choices_sorting_and_the_theme_work(self):
        page, figures = self.report("busy")
        source = page.read_text(encoding="utf-8")
        # The test's script stands in for a user; the policy would rightly stop it.
        page.write_text(re.sub(r'<meta http-equiv="Content[^>]*>', "", source).replace("</body>", """<script>
            const seen = {}, $ = (s) => document.querySelector(s), key = (s, k) =>
              $(s).dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
            for (let i = 0; i < 3; i += 1) key(".chart", "ArrowRight");
            seen.readout = $(".readout").textContent;
            $("#sizes input[value=bytes]").click();
            seen.bytes = $("#sizes .bars").textContent;
            $("#lifetimes input[value=bytes]").click();
            seen.clock = $("#lifetimes .heat .axis").textContent;
            $("#threads th:nth-child(2) button").click();
            seen.sorted = [...$("#threads table").querySelectorAll("tbody td:nth-child(2)")].map((c) => c.textContent);
            $("#lifetimes .cell[tabindex='0']").focus();
            seen.tip = $("#tip").hidden ? "" : $("#tip").textContent;
            seen.before = document.documentElement.dataset.theme;
            $("#theme").click(); $("#theme").click();
            seen.after = document.documentElement.dataset.theme;
            document.title = JSON.stringify(seen);
            </script></body>"""), encoding="utf-8")
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        seen = json.loads(html.unescape(re.search("<title>(.*?)</title>", dom, re.DOTALL).group(1)))
        self.assertRegex(seen["readout"], "at .*live .*allocations/s")
        self.assertIn("KiB", seen["bytes"])
        self.assertIn("in bytes allocated", seen["clock"])
        allocations = sorted((row["allocations"] for row in figures["per_thread"]), reverse=True)
        self.assertEqual(seen["sorted"], [f"{n:,}" for n in allocations])
        self.assertRegex(seen["tip"], "block.*\\nsize < .*\\nlived")
        self.assertEqual((seen["before"], seen["after"]), ("light", "dark"))

    def test_the_tree_of_calls_is_zoomed_searched_and_walked_and_takes_no_name_for_its_own(self):
        page, figures = self.report("callers")
        self.assertEqual(figures["call_tree"]["nodes"][0][0], 0)
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        self.assertNotIn("<title>pwned", dom)
        self.assertNotIn("img", Text(dom).names)
        self.assertIn("Who allocates", Text(dom).text)
        self.assertIn(".so+0x2000", Text(dom).text)
        source = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r'<meta http-equiv="Content[^>]*>', "", source).replace("</body>", """<script>
            const seen = [], $ = (s) => document.querySelector(s), canvas = $(".flame");
            const note = (what) => seen.push([what, $("#callers .readout").textContent.replace(/\\u00a0/g, " "), canvas.getAttribute("aria-label").replace(/\\u00a0/g, " "), canvas.clientHeight, $(".found").textContent.replace(/\\u00a0/g, " ")]);
            const key = (k) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
            const click = (share, row) => { const r = canvas.getBoundingClientRect();
              canvas.dispatchEvent(new MouseEvent("click", { clientX: r.left + share * r.width, clientY: r.bottom - 20 * row - 10, bubbles: true })); };
            note("all");
            click(0.8, 2); note("zoomed");          // the second callee: 400 of 1000 bytes, to the right
            click(0.5, 0); note("out");
            key("ArrowUp"); key("ArrowUp"); note("walked"); key("ArrowRight"); note("beside"); key("Enter"); note("entered"); key("Escape"); note("escaped");
            const search = $(".search"); search.value = "0x3000"; search.dispatchEvent(new Event("input")); note("searched");
            search.value = "+0x("; search.dispatchEvent(new Event("input")); note("no expression");
            $("#callers input[value=icicle]").click(); note("icicle");
            $("#callers .choice input:nth-of-type(1)").click();
            [...document.querySelectorAll("#callers .choice label")].find((l) => l.textContent === "Never freed").firstChild.click(); note("leaked");
            document.title = JSON.stringify(seen);
            </script></body>"""), encoding="utf-8")
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        seen = {what: rest for what, *rest in json.loads(html.unescape(re.search("<title>(.*?)</title>", dom, re.DOTALL).group(1)))}
        self.assertIn("6 functions shown", seen["all"][1])
        self.assertEqual(seen["all"][2], 4 * 20)
        self.assertRegex(seen["zoomed"][0], r"0x3000.*400.B.*40\.0.%")
        self.assertIn("5 functions shown", seen["zoomed"][1])
        self.assertIn("6 functions shown", seen["out"][1])
        self.assertRegex(seen["walked"][0], r"0x2000.*600.B.*60\.0.%")
        self.assertRegex(seen["beside"][0], r"0x3000.*400.B")
        self.assertIn("5 functions shown", seen["entered"][1])
        self.assertIn("6 functions shown", seen["escaped"][1])
        self.assertRegex(seen["searched"][3], r"^40\.0.% in matches")
        self.assertIn("in matches", seen["no expression"][3])
        self.assertEqual(seen["icicle"][2], 4 * 20)
        self.assertIn("never freed, 5 functions shown", seen["leaked"][1])

    def test_the_tree_of_calls_is_painted_in_both_themes(self):
        page, _ = self.report("callers")
        for flags, paper, accent in ([], (0xfb, 0xfa, 0xf7), (0x2a, 0x65, 0x82)), \
                (["--blink-settings=preferredColorScheme=0"], (0x17, 0x18, 0x1b), (0x7f, 0xb8, 0xd2)):
            shot = self.folder / "shot.png"
            browse(page, f"--screenshot={shot}", *flags, height=1600)
            # Boxes are a fifth to a half of the accent on paper.
            between = lambda p: all(min(a, b) + 0.15 * abs(a - b) - 8 <= c <= min(a, b) + 0.85 * abs(a - b) + 8 for a, b, c in zip(paper, accent, p))
            boxes = sum(between(p) for row in pixels(shot)[900:] for p in row)
            self.assertGreater(boxes, 20000, "the boxes of the tree")

    def with_data(self, data):
        """A page with other data in it, as `ashlar tune` writes it."""
        page, _ = self.report("empty")
        text = json.dumps({"ashlar_page": 1, **data}).replace("<", "\\u003c")
        source = re.sub(r'(?s)(<script type="application/json" id="data">).*?(</script>)',
                        lambda found: found[1] + text + found[2], page.read_text(encoding="utf-8"), count=1)
        page.write_text(source, encoding="utf-8")
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        return Text(dom), dom

    def test_advice_tune_and_replay_are_shown(self):
        runs = [{"name": "default", "values": [5e6, 5.2e6, 5.1e6]}, {"name": "buddy", "values": [4e6, 4.1e6, 4.2e6]}]
        found, dom = self.with_data({
            "title": "prog <b>", "advice": {"verdict": "Use buddy.", "sentences": [{"text": "Why.", "evidence": "42 %"}],
                                            "conf": "strategy = buddy\n"},
            "tune": {"verdict": "Faster.", "metrics": [{"name": "Wall time", "unit": "ns", "better": "lower", "runs": runs}]},
            "replay": {"choice": "buddy", "rows": [
                {"name": "buddy", "group": "strategy", "ns_per_op": 21.5, "p50": 18, "p99": 90, "p999": 400,
                 "peak_footprint_ratio": 1.41},
                {"name": "bump", "group": "strategy", "refused": "it ran out"}]}})
        for text in ("prog <b>", "Use buddy.", "Why.", "42 %", "strategy = buddy", "Faster.", "5.10 ms \u00b1 100 \u00b5s",
                     "19.6 % lower", "21.5 ns", "1.41", "it ran out"):
            self.assertIn(text, found.text)
        self.assertEqual(dom.count('<tr class="chosen">'), 1)
        self.assertIn('class="better"', dom)

    def test_sections_with_gaps_in_them_are_shown(self):
        found, _ = self.with_data({
            "advice": {}, "tune": {"metrics": [{"name": "Wall time", "unit": "ns", "runs": [{"name": "a", "values": []}]}]},
            "replay": {"rows": [{"name": "b", "ns_per_op": None}]}})
        for text in ("Advice", "Wall time", "Replay"):
            self.assertIn(text, found.text)

    def test_data_of_another_version_is_refused_on_the_page(self):
        self.assertIn("it was given version 2", self.with_data({"ashlar_page": 2})[0].text)

    def test_traces_of_no_event_and_of_one_are_shown(self):
        dom, said = browse(self.report("empty")[0], "--dump-dom")
        self.assertEqual(said, [])
        self.assertIn("asked for no memory", Text(dom).text)
        dom, said = browse(self.report("one")[0], "--dump-dom")
        self.assertEqual(said, [])
        self.assertRegex(Text(dom).text, "1 +allocation asked for 1 B")

    def test_hundreds_of_threads_leave_the_page_small(self):
        page, figures = self.report("crowd")
        self.assertEqual(figures["threads"], 700)
        self.assertLess(page.stat().st_size, 1 << 20)
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        self.assertIn("Show all 513", Text(dom).text)


if __name__ == "__main__":
    browser.main()
