"""What the tests of the page share: a real browser, what it shows, and pages of traces with known figures."""
import html
import html.parser
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

OUT = pathlib.Path(__file__).resolve().parents[2] / "out"
ASHLAR = os.environ.get("ASHLAR_TOOL", OUT / "bin/ashlar")
MAKE_TRACE = os.environ.get("ASHLAR_MAKE_TRACE", OUT / "build/release/tests/make-trace")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--disable-dev-shm-usage",
         "--force-device-scale-factor=1", "--enable-logging=stderr", "--v=0"]


def browse(page, *flags, width=1280, height=2600):
    """Opens the page. Returns what the browser printed and what the page's console said."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    with tempfile.TemporaryDirectory(prefix="ashlar-browser-") as profile:
        done = subprocess.run([browser, *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", *flags,
                               page.as_uri()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
    return done.stdout.decode(), said


def act(page, script, *flags):
    """Runs a script on the page, in place of a user; returns what it put into `seen`."""
    source = page.read_text(encoding="utf-8")
    acting = page.with_suffix(".acting.html")
    # The policy would rightly stop the script.
    acting.write_text(re.sub(r'<meta http-equiv="Content[^>]*>', "", source).replace("</body>", f"""<script>
        const seen = {{}}, $ = (s) => document.querySelector(s);
        {script}
        document.title = JSON.stringify(seen);
        </script></body>"""), encoding="utf-8")
    dom, said = browse(acting, "--dump-dom", *flags)
    assert said == [], said
    return json.loads(html.unescape(re.search("<title>(.*?)</title>", dom, re.DOTALL).group(1)))


class Text(html.parser.HTMLParser):
    """The text that is seen, and the elements by name, of a dumped page."""

    def __init__(self, dom):
        super().__init__()
        self.seen, self.names, self.hidden = [], [], False
        self.feed(dom)
        self.text = re.sub(r"\s+", " ", " ".join(self.seen)).replace("\u00a0", " ")

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.hidden = tag in ("script", "style")

    def handle_endtag(self, tag):
        self.hidden = False

    def handle_data(self, data):
        if not self.hidden:
            self.seen.append(data)


def pixels(png):
    """The rows of an 8-bit RGB or RGBA PNG, as lists of (r, g, b)."""
    data, at, packed = png.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, _, colours = struct.unpack(">IIBB", body[:10])
            depth = {2: 3, 6: 4}[colours]
        packed += body if kind == b"IDAT" else b""
        at += size + 12
    raw, above, rows = zlib.decompress(packed), bytearray(width * depth), []
    for y in range(height):
        start = y * (width * depth + 1)
        row = bytearray(raw[start + 1:start + 1 + width * depth])
        unfilter(raw[start], row, above, depth)
        rows.append([tuple(row[i:i + 3]) for i in range(0, len(row), depth)])
        above = row
    return rows


def colours_of(page, folder):
    """Takes the page's picture in the light theme and in the dark one. Yields, of each, two counts of pixels below its head: in the
    theme's accent, and in its warm colour."""
    for flags, *wanted in ([], (0x2a, 0x65, 0x82), (0xb0, 0x49, 0x2a)), \
            (["--blink-settings=preferredColorScheme=0"], (0x7f, 0xb8, 0xd2), (0xe6, 0x8d, 0x68)):
        shot = folder / "shot.png"
        browse(page, f"--screenshot={shot}", *flags, height=1000)
        painted = [p for row in pixels(shot)[400:] for p in row]
        yield tuple(sum(all(abs(a - b) < 12 for a, b in zip(p, colour)) for p in painted) for colour in wanted)


def unfilter(kind, row, above, depth):
    for i in range(len(row) if kind else 0):
        left = row[i - depth] if i >= depth else 0
        up, corner = above[i], above[i - depth] if i >= depth else 0
        guess = left + up - corner
        paeth = min((left, up, corner), key=lambda v: abs(guess - v))
        row[i] = (row[i] + (0, left, up, (left + up) // 2, paeth)[kind]) & 255


class PageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ashlar-page-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def report(self, scenario, *words):
        trace = self.folder / scenario
        subprocess.run([MAKE_TRACE, scenario, trace, *words], check=True, timeout=120)
        shown = subprocess.run([ASHLAR, "report", "--json", "--html", f"{trace}.html", trace], check=True, timeout=120,
                               stdout=subprocess.PIPE)
        return pathlib.Path(f"{trace}.html"), json.loads(shown.stdout)

    def compare(self, scenario, earlier):
        for name in (scenario, earlier):
            subprocess.run([MAKE_TRACE, name, self.folder / name], check=True, timeout=120)
        subprocess.run([ASHLAR, "report", self.folder / scenario, "--against", self.folder / earlier], check=True, timeout=120,
                       stdout=subprocess.DEVNULL)
        return self.folder / f"{scenario}.against.html"


main = unittest.main
if __name__ == "__main__":
    sys.exit("this file holds what the tests share")
