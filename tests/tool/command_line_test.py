"""The command line: help, version, and what is said about a line that cannot be understood."""
import subprocess

import tool


class CommandLine(tool.ToolTest):
    def test_the_version_is_one_line_on_stdout(self):
        done = self.ashlar("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^ashlar \d+\.\d+\.\d+\n$")

    def test_help_names_every_command_and_each_command_has_help(self):
        help_text = self.ashlar("--help").stdout
        for command in ("run", "record", "report", "replay", "advise", "tune"):
            self.assertRegex(help_text, rf"(?m)^  {command} ")
            done = self.ashlar(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"usage: ashlar {command} ", done.stdout)

    def test_no_command_is_wrong_use(self):
        self.complains(2, "no command given; there are: run")

    def test_an_unknown_command_is_named_with_those_that_exist(self):
        self.complains(2, "no command 'tnue'; there are: .*replay", "tnue")

    def test_an_unknown_option_is_named_and_help_pointed_at(self):
        self.complains(2, "unknown option '--frobnicate'; try: ashlar --help", "--frobnicate")
        self.complains(2, "unknown option '--frobnicate'; try: ashlar run --help", "run", "--frobnicate", "--", "true")

    def test_a_program_without_dashes_before_it_is_pointed_at_them(self):
        self.complains(2, 'unexpected argument .ls. .a program follows "--".', "run", "ls")

    def test_a_missing_program_is_wrong_use(self):
        for command in ("run", "record", "tune"):
            self.complains(2, 'no program given; write it after "--"', command)
            self.complains(2, 'no program given; write it after "--"', command, "--")

    def test_a_program_given_to_a_command_that_takes_none_is_wrong_use(self):
        self.record()
        self.complains(2, 'replay takes no program', "replay", "t.trace", "--", "ls")

    def test_values_out_of_range_are_wrong_use(self):
        self.complains(2, "--rounds", "replay", "--rounds", "0", "t.trace")
        self.complains(2, "--touch", "replay", "--touch", "some", "t.trace")

    def test_a_full_disk_under_stdout_is_told(self):
        with open("/dev/full", "w") as full:
            done = self.ashlar("--version", stdout=full)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("cannot write", done.stderr)


if __name__ == "__main__":
    tool.main()
