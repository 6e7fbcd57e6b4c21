"""The page that shows what is in a collected heap, in a real browser."""
import json
import pathlib
import tempfile
import unittest

from browser import Text, act, browse

PAGE = pathlib.Path(__file__).resolve().parents[2] / "apps/viewer/heap.html"


def snapshot(used):
    """A root that dominates a diamond, whose end is reached through a container, and garbage: as gc::graph::write has it."""
    return {"objects": [
        {"id": 10, "type": "<list>", "bytes": 32, "retained": 128, "to": [12, 14]},
        {"id": 12, "type": "knot", "bytes": 32, "retained": 32, "dominator": 10, "from": 10, "place": 8, "to": [16]},
        {"id": 14, "type": "knot", "bytes": 32, "retained": 32, "dominator": 10, "from": 10, "place": 16, "to": [16]},
        {"id": 16, "type": "leaf", "bytes": 32, "retained": 32, "dominator": 10, "from": 12, "to": []},
        {"id": 18, "type": "leaf", "bytes": 2048, "retained": 0, "to": []}],
        "roots": [10], "tiles": [{"at": 0, "used": used}]}


class HeapPage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ashlar-heap-")
        self.addCleanup(folder.cleanup)
        self.page = pathlib.Path(folder.name) / "heap.html"
        scripts = "".join(f'<script type="application/json" class="snapshot">{json.dumps(snapshot(u))}</script>'
                          for u in ([1024, 512, 0, 512], [1024, 1024, 0, 0]))
        self.page.write_text(PAGE.read_text(encoding="utf-8").replace("<!--snapshots-->", scripts), encoding="utf-8")

    def test_types_retained_bytes_and_both_maps_are_shown(self):
        dom, said = browse(self.page, "--dump-dom")
        self.assertEqual(said, [])
        text = Text(dom).text
        for shown in ("Snapshot 1", "Snapshot 2", "5 objects, 2.1 KiB, of which 2.0 KiB are not reachable; 1 rooted",
                      "1 tiles, 4 blocks, 1 full, 1 empty", "1 tiles, 4 blocks, 2 full, 2 empty", "<list> #10", "128 B", "a root"):
            self.assertIn(shown, text)

    def test_an_object_that_is_chosen_tells_why_it_is_alive(self):
        seen = act(self.page, """
            const row = [...document.querySelectorAll("tr.pick")].find(r => r.textContent.startsWith("leaf #16"));
            row.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
            seen.path = [...document.querySelectorAll("section li")].map(l => l.textContent);""")
        self.assertEqual(seen["path"], ["<list> #10 +8", "knot #12 (in a container)", "leaf #16"])


if __name__ == "__main__":
    unittest.main()
