"""proofs/prove.py on small trees: what holds passes; what is refuted, unknown, late, broken or survives fails."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROOFS = pathlib.Path(__file__).resolve().parent.parent.parent / "proofs"
RUNNER = ("prove.py", "claimlib.py", "claimtable.py")
PART = 'title = "A part"\n[tools]\nsh = "echo sh 1"\n'
PAGE = "before\n<!-- claims: begin, written by ./dev prove --markdown -->\nold\n<!-- claims: end -->\nafter\n"


def claim(command: str, more: str = "") -> str:
    return (f'[[claim]]\nid = "small.one"\nstatement = "one | line"\ntool = "sh"\nbound = "all"\ncommand = \'{command}\'\n{more}\n')


def mutant(text: str = "one", by: str = "two") -> str:
    return (f'[[mutant]]\nwhat = "another word"\nfile = "include/word"\nreplace = "{text}"\nby = "{by}"\n'
            'fails = ["small.one"]\n')


READS = claim('grep -q one "$ROOT/include/word"')


class Runner(unittest.TestCase):
    def run_on(self, claims: str, *options: str) -> tuple[int, str, str]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"include/word": "one\n", "proofs/small/claims.toml": claims, "docs/proofs.md": PAGE}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            for name in RUNNER:
                shutil.copy(PROOFS / name, root / "proofs" / name)
            done = subprocess.run([sys.executable, "-B", root / "proofs/prove.py", *options], capture_output=True,
                                  text=True, timeout=60, check=False)
            return done.returncode, done.stdout + done.stderr, (root / "docs/proofs.md").read_text()

    def fails(self, claims: str, sentence: str, *options: str) -> None:
        status, printed, page = self.run_on(claims, *options)
        self.assertNotEqual(status, 0, printed)
        self.assertIn(sentence, printed)
        self.assertEqual(page, PAGE)

    def test_what_holds_passes_and_is_written_down(self):
        status, printed, page = self.run_on(PART + claim("echo result: 7 states") + mutant(), "--markdown")
        self.assertNotEqual(status, 0, "the tampering survives: the claim does not read the word")
        status, printed, page = self.run_on(PART + READS + mutant(), "--markdown")
        self.assertEqual(status, 0, printed)
        self.assertIn("1 of 1 claims proved, 1 of 1 tamperings refuted", page)
        self.assertIn("| small.one | one \\| line | sh 1 | all |", page)
        self.assertTrue(page.startswith("before\n") and page.endswith("after\n") and "old" not in page)

    def test_a_figure_stands_in_the_table(self):
        self.assertIn("proved, 7 states", self.run_on(PART + claim("echo result: 7 states"))[1])

    def test_a_refuted_claim_fails(self):
        self.fails(PART + claim("echo x = 5; exit 1"), "x = 5", "--markdown")

    def test_unknown_is_a_failure(self):
        self.fails(PART + claim("exit 3"), "UNKNOWN", "--markdown")

    def test_no_answer_in_time_is_a_failure(self):
        self.fails(PART + claim("sleep 30", "limit = 1"), "no answer within 1 s")

    def test_a_tool_that_breaks_proves_nothing_and_refutes_nothing(self):
        self.fails(PART + claim("exit 2"), "BROKEN")
        self.fails(PART + claim('grep -q one "$ROOT/include/word" || exit 2') + mutant(), "SURVIVED")

    def test_a_tampering_that_survives_fails(self):
        self.fails(PART + READS + mutant(by="someone"), "SURVIVED")

    def test_a_program_that_does_not_build_fails(self):
        program = '[[program]]\nname = "p"\nbuild = "exit 1"\n'
        self.fails(PART + program + claim("true", 'needs = ["p"]'), "it does not build")

    def test_what_is_tampered_with_must_be_there_once(self):
        self.fails(PART + READS + mutant("three"), "the text to replace stands 0 times")

    def test_the_convention_is_held(self):
        self.fails(PART + READS.replace("small.one", "other.one"), "an id begins with its part")
        self.fails(PART + claim("true", "colour = 3"), "unknown key 'colour'")
        self.fails(PART + READS.replace('bound = "all"\n', ""), "'bound' is missing")
        self.fails(PART + READS, "no claim is named like", "nothing")


unittest.main(verbosity=0)
