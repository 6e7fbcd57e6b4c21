"""Runs a lint on a small tree made for the purpose: shows that it finds what it is there for, and nothing in a good tree."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
LAYERS = '[layers]\nfoundation = []\nos = ["foundation"]\nstrategy = ["foundation", "os"]\ncompose = ["foundation"]\n' \
         'testing = ["foundation", "compose"]\n[tests]\nevery = ["testing"]\n'


def header(name: str, *, layer: str = "foundation", keys: str = "", body: str = "") -> str:
    """A good public header include/ashlar/<layer>/<name>.hpp; `keys` are further lines of its opening comment."""
    return (f"// ashlar/{layer}/{name}.hpp - does one thing.\n//\n// Layer:      {layer}\n{keys}// Complexity: O(1).\n"
            f"// Failure:    none.\n// Threads:    one at a time.\n"
            f"// Checked by: tests/{layer}/{name}_test.cpp\n#pragma once\n{body}")


class LintTest(unittest.TestCase):
    lint = ""

    def run_on(self, tree: dict[str, str]) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in {"layers.toml": LAYERS, **tree}.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            done = subprocess.run([sys.executable, "-B", str(TOOLS / f"lint_{self.lint}.py"), folder],
                                  capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(done.stderr, "", "the lint itself failed")
            return done.returncode, done.stdout

    def good(self, tree: dict[str, str]) -> None:
        self.assertEqual(self.run_on(tree), (0, ""))

    def bad(self, tree: dict[str, str], *findings: str) -> None:
        """Each of `findings` begins a printed line's text, `file:line: ...`, or is contained in it; no other is printed."""
        status, output = self.run_on(tree)
        self.assertEqual(status, 1, "nothing was found")
        printed = output.splitlines()
        for finding in findings:
            self.assertTrue(any(finding in line for line in printed), f"not found: {finding}\nprinted:\n{output}")
        self.assertEqual(len(printed), len(findings), output)


def main() -> None:
    unittest.main(verbosity=0)
