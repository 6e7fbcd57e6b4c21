"""How the tests of the tool call it: in an empty folder, with a bound in time, as a user's shell would."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ASHLAR = os.environ.get("ASHLAR_TOOL") or str(pathlib.Path(__file__).resolve().parents[2] / "out/bin/ashlar")
PYTHON = "/usr/bin/python3"


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(os.chdir, os.getcwd())
        folder = tempfile.TemporaryDirectory(prefix="ashlar-test-")
        self.addCleanup(folder.cleanup)
        os.chdir(folder.name)
        self.folder = pathlib.Path(folder.name)

    def ashlar(self, *words, **options):
        """Runs the tool; standard streams are captured as text unless told otherwise."""
        settings = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=300)
        settings.update(options)
        settings["env"] = {**os.environ, "LC_ALL": "C.UTF-8", **options.get("env", {})}
        return subprocess.run([ASHLAR, *map(str, words)], **settings)

    def complains(self, status, pattern, *words, **options):
        """The tool must refuse with this status and exactly one line, of this form, on standard error."""
        done = self.ashlar(*words, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("ashlar: "), lines[0])
        self.assertRegex(lines[0], pattern)
        self.assertEqual(done.stdout, "")
        return lines[0]

    def record(self, trace="t.trace", code="x = [str(i) * 3 for i in range(2000)]", **options):
        """A small real trace, of python on the system's malloc."""
        done = self.ashlar("record", "-o", trace, "--", PYTHON, "-c", code, env={"PYTHONMALLOC": "malloc"}, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())


main = unittest.main
if __name__ == "__main__":
    sys.exit("this file holds what the tests share")
