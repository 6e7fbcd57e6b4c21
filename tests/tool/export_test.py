"""`ashlar export`: what other tools read of a trace comes to the figures of our report."""
import csv
import json
import pathlib
import shutil
import subprocess

import tool

INTERPRET = pathlib.Path("/usr/lib/heaptrack/libexec/heaptrack_interpret")
LUA = ["lua5.4", "-e", "t = {} for i = 1, 3000 do t[i % 977] = string.rep(tostring(i), i % 40) end"]


def fields(data):
    """(number, value) of a protobuf message: an int, or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = varint()
            yield key >> 3, data[at:at + length]
            at += length


def numbers(packed):
    out, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            out.append(value)
            value = shift = 0
    return out


class Export(tool.ToolTest):
    def setUp(self):
        super().setUp()
        done = self.ashlar("record", "--stacks", "-o", "t", "--", *LUA)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.figures = json.loads(self.ashlar("report", "--json", "t").stdout)

    def export(self, form, name="out"):
        done = self.ashlar("export", "--format", form, "-o", name, "t")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        return pathlib.Path(name)

    def test_pprof_adds_up_and_names_its_functions(self):
        message = list(fields(self.export("pprof").read_bytes()))
        strings = [value.decode() for number, value in message if number == 6]
        self.assertEqual(strings[0], "")
        types = [strings[dict(fields(value))[1]] for number, value in message if number == 1]
        sums = dict.fromkeys(types, 0)
        known = {dict(fields(value))[1] for number, value in message if number == 4}
        for number, value in message:
            if number == 2:
                sample = dict(fields(value))
                self.assertTrue(set(numbers(sample[1])) <= known)
                for name, n in zip(types, numbers(sample[2]), strict=True):
                    sums[name] += n
        for name, key in (("alloc_objects", "allocations"), ("alloc_space", "bytes_allocated"), ("inuse_space", "leaked_bytes"),
                          ("peak_space", "peak_bytes"), ("peak_objects", "blocks_at_peak"), ("temporary_objects", "temporary_blocks")):
            self.assertEqual(sums[name], self.figures[key], name)
        functions = {strings[dict(fields(value))[2]] for number, value in message if number == 5}
        self.assertTrue(any("lua" in f or "main" in f for f in functions), functions)

    def test_dhat_adds_up(self):
        dhat = json.loads(self.export("dhat").read_text())
        self.assertEqual((dhat["dhatFileVersion"], dhat["mode"], dhat["bklt"], dhat["ftbl"][0]), (2, "heap", True, "[root]"))
        for short, key in (("tb", "bytes_allocated"), ("tbk", "allocations"), ("gb", "peak_bytes"), ("gbk", "blocks_at_peak"),
                           ("eb", "leaked_bytes"), ("ebk", "leaked_blocks")):
            self.assertEqual(sum(p[short] for p in dhat["pps"]), self.figures[key], short)
        for p in dhat["pps"]:
            self.assertTrue(p["tb"] >= p["mb"] >= max(p["gb"], p["eb"]) and p["fs"] and max(p["fs"]) < len(dhat["ftbl"]), p)
            self.assertLessEqual(p["tl"], p["tbk"] * dhat["te"])
        self.assertLessEqual(dhat["tg"], dhat["te"])

    def test_heaptracks_raw_data_is_read_by_heaptrack_and_comes_back_as_the_same_trace(self):
        raw = self.export("heaptrack", "raw")
        self.assertEqual(self.ashlar("import", "-o", "back", "raw").returncode, 0)
        back = json.loads(self.ashlar("report", "--json", "back").stdout)
        for key in "allocations", "frees", "bytes_allocated", "peak_bytes", "blocks_at_peak", "leaked_bytes":
            self.assertEqual(back[key], self.figures[key], key)
        here, there = ({(s["function"], s["allocations"]) for s in f["sites"]} for f in (self.figures, back))
        self.assertGreater(len(here & there), len(here) // 2)  # without build ids a file that has changed could not be told
        if not INTERPRET.exists() or shutil.which("heaptrack_print") is None:
            return
        with open(raw, "rb") as text, open("read", "wb") as out:
            subprocess.run([INTERPRET], stdin=text, stdout=out, check=True, stderr=subprocess.DEVNULL, timeout=120)
        told = subprocess.run(["heaptrack_print", "-f", "read"], check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout
        self.assertRegex(told, rf"calls to allocation functions: {self.figures['allocations']}\b")

    def test_csv_has_a_line_for_each_event_of_any_trace(self):
        with open(self.export("csv"), newline="") as text:
            rows = list(csv.DictReader(text))
        self.assertEqual(len(rows), self.figures["events"])
        grants = [r for r in rows if r["call"] in ("malloc", "calloc", "realloc") and r["refused"] == "0" and r["address"] != "0x0"]
        self.assertEqual(len(grants), self.figures["allocations"])
        self.assertEqual(sum(int(r["size"]) for r in grants), self.figures["bytes_allocated"])
        self.record("plain")
        self.assertEqual(self.ashlar("export", "--format", "csv", "plain").returncode, 0)
        self.complains(1, "has no call stacks", "export", "--format", "dhat", "plain")

    def test_what_cannot_be_written_is_said_before_the_work(self):
        self.complains(1, "nowhere", "export", "--format", "pprof", "-o", "nowhere/x", "t")
        self.complains(2, "--format", "export", "--format", "flame", "t")
        with open("/dev/full", "w") as full:
            done = self.ashlar("export", "--format", "csv", "t", stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write", done.stderr)
        self.assertEqual(self.files(), ["t"])


if __name__ == "__main__":
    tool.main()
