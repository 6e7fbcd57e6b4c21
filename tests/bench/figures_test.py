"""bench: medians, ratios and the envelope are what the tables say they are."""
import pathlib
import sys
import unittest
import xml.dom.minidom

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from runner import figures, report, table  # noqa: E402  (the path comes first)


def run(seconds, rss_kib=1024):
    """One run's report as the launcher writes it."""
    return {"seconds": seconds, "user": seconds, "sys": 0, "max_rss_kib": rss_kib, "minor_faults": 5, "major_faults": 0,
            "status": 0}


RESULT = {
    "machine": {"processor": "P", "cores": 2}, "load": 0.1, "rounds": 3, "scale": 1, "threads": 2,
    "peers": {"glibc": "2", "mimalloc": "3", "ashlar": "this tree", "earlier": "given by hand"},
    "runs": {
        "a": {"glibc": [run(2.0), run(9.0), run(2.2)], "mimalloc": [run(1.0)], "ashlar": [run(1.5)], "earlier": [run(0.1)]},
        "b": {"glibc": [run(1.0)], "mimalloc": [run(4.0)], "ashlar": [run(0.5)], "earlier": []},
    },
}


class Figures(unittest.TestCase):
    def test_one_slow_run_does_not_move_the_median(self):
        self.assertEqual(report.summary(RESULT)["time"]["a"]["glibc"][0], 2.2)
        self.assertEqual(report.summary(RESULT)["least"]["a"]["glibc"][0], 2.0)

    def test_the_spread_is_the_median_distance_from_the_median(self):
        self.assertAlmostEqual(figures.spread([1, 2, 4, 100]), 1.5)

    def test_the_noise_of_the_least_is_how_far_a_quarter_of_the_runs_is_above_it(self):
        self.assertEqual(figures.least_and_noise([9, 2, 3, 90, 4, 5, 6, 7]), (2, 2))
        self.assertEqual(figures.least_and_noise([7]), (7, 0))

    def test_the_envelope_is_the_best_peer_and_neither_ours_nor_a_library_given_by_hand(self):
        ratios = report.ratios(RESULT, "time")
        self.assertEqual(ratios["a"]["ashlar"], [1.5, 1.5])    # over mimalloc's 1.0, not over 0.1
        self.assertEqual(ratios["b"]["ashlar"], [0.5, 0.125])  # over glibc's 1.0; over mimalloc's 4.0

    def test_the_geometric_mean_leaves_out_what_was_not_measured(self):
        self.assertAlmostEqual(figures.geometric_mean([2, None, 8]), 4)
        self.assertIsNone(figures.geometric_mean([None]))

    def test_the_rank_correlation_is_spearmans(self):
        self.assertAlmostEqual(figures.rank_correlation([1, 2, 3, 4], [10, 20, 30, 1000]), 1)
        self.assertAlmostEqual(figures.rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]), -1)
        self.assertAlmostEqual(figures.rank_correlation([86, 97, 99, 100, 101, 103, 106, 110, 112, 113],
                                                        [2, 20, 28, 27, 50, 29, 7, 17, 6, 12]), -29 / 165)  # a textbook's
        self.assertAlmostEqual(figures.rank_correlation([1, 1, 2], [5, 6, 7]), 0.8660254)  # equal values share their rank
        self.assertIsNone(figures.rank_correlation([1, 1, 1], [1, 2, 3]))

    def test_values_within_their_noise_share_a_rank(self):
        close, apart = figures.rank_correlation([1, 2, 9], [2, 1, 9], [1, 0, 0], [0, 1, 0]), figures.rank_correlation([1, 2, 9], [2, 1, 9])
        self.assertAlmostEqual(close, 1)
        self.assertAlmostEqual(apart, 0.5)
        self.assertIsNone(figures.rank_correlation([1, 2, 3], [1, 2, 3], [2, 2, 2]))

    def test_a_malloc_that_failed_has_a_dash_and_no_ratio(self):
        header, rows = report._rows(RESULT, "time")  # the rows that both kinds of table print
        self.assertIsNone(dict(zip(header, rows[1]))["earlier"])

    def test_text_and_markdown_hold_the_same_cells(self):
        header, rows = report._rows(RESULT, "rss")
        words = [c for c in table.text(header, rows).split() if set(c) != {"-"} or c == "-"]
        cells = [c for line in table.markdown(header, rows).splitlines() if "---" not in line
                 for c in line.strip("|").replace("|", " ").split()]
        self.assertEqual(words, cells)

    def test_the_plots_are_well_formed_svg_and_name_every_workload(self):
        for drawing in report.plots(RESULT).values():
            document = xml.dom.minidom.parseString(drawing)
            labels = {"".join(n.data for n in t.childNodes if n.nodeType == n.TEXT_NODE)
                      for t in document.getElementsByTagName("text")}
            self.assertLessEqual({"a", "b", "all", "ashlar"}, labels)


if __name__ == "__main__":
    unittest.main()
