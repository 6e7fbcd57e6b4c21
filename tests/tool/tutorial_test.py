"""docs/tutorial/first_program.md: every command of it runs, one after the other, on smaller data and with fewer repeats."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import tool

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "tutorial" / "first_program.md"
SMALLER = (("50000", "500"), ("150000", "900"), ("ashlar replay", "ashlar replay --rounds 1 --engines system,best_fit --no-latency --no-check"),
           ("ashlar tune", "ashlar tune --rounds 1 --engines system,best_fit"), ("--runs 9", "--runs 2"))


class Tutorial(tool.ToolTest):
    @unittest.skipIf(shutil.which("xmllint") is None, "no xmllint here")
    def test_every_command_of_the_page_runs_and_leaves_what_the_page_says(self):
        commands = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
        self.assertEqual(len(commands), 6, "the data, and five commands")
        os.mkdir("bin")
        os.symlink(tool.ASHLAR, "bin/ashlar")
        # The tool finds its libraries beside the file that the link leads to.
        where = {**os.environ, "PATH": f"{self.folder}/bin:/usr/bin:/bin"}
        for command in commands:
            for large, small in SMALLER:
                command = command.replace(large, small)
            if command.startswith("ashlar run") and not pathlib.Path("tuned/ashlar.conf").exists():
                pathlib.Path("tuned/ashlar.conf").write_text("version = 1\n")  # so little data may gain nothing
            done = subprocess.run(["sh", "-e", "-c", command], env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=200)
            self.assertEqual(done.returncode, 0, command + done.stderr)
        for made in ("xml.trace", "xml.trace.html", "film.html", "tuned/report.html"):
            self.assertTrue(pathlib.Path(made).exists(), made)


if __name__ == "__main__":
    tool.main()
