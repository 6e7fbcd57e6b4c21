"""libashlar-malloc-obey.so with rules for the call sites of a program: what is about which call, and what is no rule's."""
import os
import platform
import re
import subprocess
import sys
import tempfile
import unittest

library, program, plugin = sys.argv[1:4]


def output_of(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout


def build_id(path):
    return re.search(r"Build ID: ([0-9a-f]+)", output_of("readelf", "-n", path)).group(1)


def return_of(path, function, callee):
    """Where the first call of callee within function returns to."""
    listing = output_of("objdump", "-d", "--no-show-raw-insn", path)
    body = re.search(r"<%s>:\n(.*?)\n\n" % function, listing + "\n\n", re.S).group(1)
    return re.search(r"call.*<%s(?:@plt)?>\n\s*([0-9a-f]+):" % callee, body).group(1)


def place(function, callee, path=program, symbol=None, identity=None, offset=None):
    place = f"{os.path.basename(path)}:{identity or build_id(path)}:{offset or '0x' + return_of(path, function, callee)}"
    return place + (f":{symbol}" if symbol else "")


class Routed(unittest.TestCase):
    def run_under(self, conf, *words, status=0, report="all", options=""):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("version = 1\n" + conf)
            file.flush()
            done = subprocess.run([program, *words], stderr=subprocess.PIPE, text=True, timeout=60,
                                  env={**os.environ, "LD_PRELOAD": library, "ASHLAR_CONF": file.name,
                                       "ASHLAR_OPTIONS": f"routes_at_exit={report}{options}"})
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def blocks_of(self, said, site):
        found = re.search(rf"site {site} .*?: learnt, (\d+) blocks", said)
        self.assertTrue(found, said)
        return int(found.group(1))

    def test_each_call_is_served_by_its_own_rule(self):
        conf = "route = 1 arena\nroute = 2 pool 112\nroute = 3 pool 16\nroute = 4 arena\n"
        wrapped = place("wrapped", "malloc")
        conf += f"site = 1 {wrapped} < {place('node_of', 'wrapped')}\n"
        conf += f"site = 2 {wrapped} < {place('text_of', 'wrapped')}\n"
        conf += f"site = 3 {place('made', '_Znwm')}\nsite = 4 {place('cleared', 'calloc')}\nsite = 4 {place('grown', 'realloc')}\n"
        said = self.run_under(conf)
        self.assertEqual([self.blocks_of(said, i) for i in (1, 2, 3, 4)], [2002, 2000, 6000, 2000], said)
        self.assertGreater(self.blocks_of(said, 5), 500)
        self.run_under(conf, options=",harden=1")  # then the rules rest

    def test_the_longest_chain_decides_and_a_shorter_one_takes_the_rest(self):
        wrapped = place("wrapped", "malloc")
        said = self.run_under(f"route = 1 arena\nroute = 2 arena\nsite = 1 {wrapped}\nsite = 2 {wrapped} < {place('text_of', 'wrapped')}\n")
        self.assertEqual((self.blocks_of(said, 1), self.blocks_of(said, 2)), (2002, 2000))

    def test_of_another_build_a_symbol_helps_and_an_offset_does_not(self):
        said = self.run_under("route = 1 arena\n"
                              f"site = 1 {place('made', '_Znwm', identity='0123456789')}\n"
                              f"site = 1 {place('made', '_Znwm', identity='0123456789', symbol='made')}\n"
                              f"site = 1 {place('', '', identity='-', offset='-', symbol='cleared')}\n"
                              f"site = 1 {place('', '', identity='-', offset='-', symbol='nowhere')}\n"
                              "site = 1 other.so:0123456789:0x1234:made\n")
        self.assertIn("site 1 (route 1, " + os.path.basename(program) + "): its file is of another build, 0 blocks", said)
        self.assertEqual((self.blocks_of(said, 2), self.blocks_of(said, 3)), (6000, 2000))
        self.assertIn("nowhere): no such symbol", said)
        self.assertIn("site 5 (route 1, made): its file is not loaded", said)

    def test_a_file_that_is_opened_later_is_learnt(self):
        said = self.run_under(f"route = 1 pool 2000\nsite = 1 {place('plugin_make', 'malloc', path=plugin)}\n", "plugin", plugin)
        self.assertGreater(self.blocks_of(said, 1), 2000)

    def test_what_departs_from_the_conf_is_said_in_a_line(self):
        site = place("made", "_Znwm")
        quiet = f"route = 1 pool 16 expects 6000 blocks 64 KiB\nsite = 1 {site}\nrest = expects 7000 blocks\n"
        self.assertEqual(self.run_under(quiet, report="drift"), "")
        said = self.run_under(quiet, "much", report="drift").splitlines()
        self.assertEqual(len(said), 2, said)
        self.assertIn("drift: route 1 (pool, ", said[0])
        self.assertIn("300000 blocks", said[0])
        self.assertIn("drift: all other sites: ", said[1])
        self.assertEqual(self.run_under(quiet, "much", report="off"), "")
        missed = f"route = 1 arena expects 5000 blocks 1 MiB\nsite = 1 {place('', '', identity='-', offset='-', symbol='nowhere')}\n"
        self.assertRegex(self.run_under(missed, report="drift"), r"^ashlar: drift: route 1 \(arena, nowhere\): 0 blocks.*\n$")

    def test_size_classes_serve_whoever_asks(self):
        said = self.run_under("classes = v1 144 4368 expects 1 KiB\n")
        self.assertRegex(said, r"size class 144: [1-9]\d* KiB at its greatest\nashlar: size class 4368: \d+ KiB at its greatest\nashlar: 2 size classes: ")
        self.assertEqual(self.run_under("classes = v1 144 expects 9 MiB\n", report="off"), "")
        self.assertRegex(self.run_under("classes = v1 8192 expects 9 MiB\n", report="drift"), r"^ashlar: drift: 1 size classes: 0 KiB .*; expected 9216 KiB\n$")
        for options in (",harden=1", ",harden=2", ",zero_on_free=on", ",profile_sample_bytes=4096"):
            self.run_under("classes = v1 144 4368\n", options=options)  # the usual ones do
        self.assertIn("multiples of 16", self.run_under("classes = v1 113\n"))

    def test_misuse_of_a_block_of_an_arena_is_told(self):
        conf = f"route = 1 arena\nsite = 1 {place('wrapped', 'malloc')}\n"
        self.assertIn("a block of 32 bytes", self.run_under(conf, "twice", status=-6))

    def test_no_conf_stops_a_program(self):
        some = place("made", "_Znwm")
        for conf in ("site = 1 a:12345678:0x1\n", "route = 1 arena\nsite = 1 " + some + " < " + some + "\n", "route = 1 arena\n" + 80 * f"site = 1 {some}\n",
                     f"route = 1 arena\nsite = 1 {place('', '', offset='0xffffffffffffffff')}\nsite = 1 {place('', '', offset='0x1')}\n",
                     "classes = v1 16 32 48\nclasses = v1 64\nroute = 32 arena\n", "classes = v9 16\nclasses =\n", "\x00\xff = \n route=1 pool 16 expects\n", "route = 1 pool 16\n" + "site = 1 " + 5 * f"{some} < " + some + "\n", 9000 * "x"):
            self.run_under(conf)


if platform.machine() != "x86_64":
    print("not x86-64: frames are not followed")
    sys.exit(0)
unittest.main(argv=sys.argv[:1])
