"""`ashlar advise`: a choice with its reasons, and a conf that the malloc obeys."""
import json
import pathlib

import tool

CHURN = "for _ in range(40):\n    x = [str(i) * (1 + i % 40) for i in range(5000)]"


class Advise(tool.ToolTest):
    def advise(self, *words):
        done = self.ashlar("advise", "--json", "--rounds", "1", "--limit", "20000", *words, "t.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_advice_has_a_verdict_and_sentences_with_their_evidence(self):
        self.record(code=CHURN)
        told = self.advise()
        self.assertRegex(told["verdict"], "^(Use|Keep) ")
        self.assertGreaterEqual(len(told["sentences"]), 4)
        for sentence in told["sentences"]:
            self.assertRegex(sentence["text"], r"\.$")
            self.assertRegex(sentence["evidence"], r"\d")
        self.assertEqual(told["candidates"][0]["name"], "the program's own malloc")
        self.assertIn(told["choice"], [candidate["name"] for candidate in told["candidates"]])

    def test_every_goal_is_answered(self):
        self.record(code=CHURN)
        for goal in ("balanced", "speed", "memory", "latency"):
            self.assertEqual(self.advise("--goal", goal)["goal"], goal)
        self.complains(2, "--goal", "advise", "--goal", "beauty", "t.trace")

    def test_a_program_that_hardly_allocates_keeps_its_malloc_and_no_conf_is_written(self):
        self.record(code="import time; time.sleep(1)")
        told = self.advise("--goal", "speed")
        self.assertRegex(told["verdict"], "^Keep the program's own malloc")
        self.assertNotIn("conf", told)
        self.assertNotIn("ashlar.conf", self.files())

    def test_a_conf_that_is_written_is_accepted_by_run_and_says_what_is_expected(self):
        self.record(code="x = [str(i) for i in range(200000)]\n" + CHURN)
        told = self.advise("--goal", "speed", "-o", "my.conf")
        if "conf" not in told:
            self.skipTest("on this machine nothing is gained")
        text = pathlib.Path("my.conf").read_text()
        self.assertEqual(text, told["conf"])
        self.assertRegex(text, r"(?m)^version = 1$")
        self.assertRegex(text, r"(?m)^# Expected .* run time")
        self.assertEqual(self.ashlar("run", "--conf", "my.conf", "--", "echo", "out").stdout, "out\n")

    def test_the_text_shows_the_candidates_and_where_the_conf_is(self):
        self.record(code=CHURN)
        done = self.ashlar("advise", "--rounds", "1", "--limit", "20000", "t.trace")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the program's own malloc", done.stdout)
        self.assertRegex(done.stdout, "ashlar.conf is written|No conf is written")


if __name__ == "__main__":
    tool.main()
