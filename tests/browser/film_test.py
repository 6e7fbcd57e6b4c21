"""The film of a replay, in a real browser: pictures side by side, one slider, a film that plays and stops."""
import subprocess

import browser
from browser import ASHLAR, PageTest, Text, act, browse, colours_of


class Film(PageTest):
    def film(self):
        subprocess.run([ASHLAR, "record", "-o", self.folder / "t.trace", "--", "/usr/bin/python3", "-c",
                        "x = [bytes(i % 3000) for i in range(20000)]; y = x[::7]; del x; z = [bytes(i % 5000) for i in range(6000)]"],
                       check=True, stderr=subprocess.PIPE, env={"PYTHONMALLOC": "malloc", "PATH": "/usr/bin:/bin"})
        page = self.folder / "replay.html"
        subprocess.run([ASHLAR, "replay", "--engines", "system,best_fit,buddy,page", "--rounds", "1", "--no-latency", "--no-check",
                        "--html", page, self.folder / "t.trace"], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return page

    def test_every_engine_has_a_picture_that_moves_with_the_slider_and_with_play(self):
        page = self.film()
        dom, said = browse(page, "--dump-dom")
        self.assertEqual(said, [])
        self.assertIn('data-ready="yes"', dom)
        self.assertEqual(Text(dom).names.count("canvas"), 4)
        for name in ("system", "best_fit", "buddy", "page", "The heap as the trace goes"):
            self.assertIn(name, Text(dom).text)
        seen = act(page, """
            const slider = $("#film input"), first = $("#film canvas"), move = (i) => { slider.value = i; slider.dispatchEvent(new Event("input")); };
            const picture = () => first.toDataURL(), told = () => $("#film .screen .note").textContent;
            move(0);
            seen.begin = told(); const begin = picture();
            move(slider.max);
            seen.end = told(); seen.changed = picture() !== begin; seen.step = $("#film output").textContent;
            seen.label = first.getAttribute("aria-label");
            first.dispatchEvent(new MouseEvent("mousemove", { clientX: first.getBoundingClientRect().left + 2, clientY: first.getBoundingClientRect().top + 2 }));
            seen.tip = $("#tip").textContent;
            const button = $("#film button");
            button.click(); seen.playing = button.textContent; seen.rewound = Number(slider.value);
            button.click(); seen.paused = button.textContent;
            """)
        self.assertRegex(seen["begin"], "used for .* live: ")
        self.assertNotEqual(seen["begin"], seen["end"])
        self.assertTrue(seen["changed"])
        self.assertRegex(seen["step"], "^step [0-9,]+ of [0-9,]+$")
        self.assertTrue(seen["label"].startswith("system: "))
        self.assertRegex(seen["tip"], "system: from 0x[0-9a-f]+000")
        self.assertEqual((seen["playing"], seen["rewound"], seen["paused"]), ("Pause", 0, "Play"))

    def test_pictures_are_painted_in_both_themes(self):
        page = self.film()
        for accent, warm in colours_of(page, self.folder):
            self.assertGreater(accent, 1000, "full cells")
            self.assertGreater(warm, 8, "sparse cells")


if __name__ == "__main__":
    browser.main()
