#!/usr/bin/python3
"""Checks every claim of proofs/*/claims.toml, and that tampering with what is proved makes the proof fail.

    prove.py [--quick | --mutants | --claims] [--markdown] [--jobs N] [--out FOLDER] [NAMES...]

NAMES are beginnings of ids (arith, arith.align) or parts of them. README.md has the convention.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import claimlib
import claimtable

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROVED, REFUTED, UNKNOWN, BROKEN = "proved", "REFUTED", "UNKNOWN", "BROKEN"
BUILD_LIMIT = 600


class Outcome:
    """What became of one claim: the verdict, how long the command took, and its own last word."""

    def __init__(self, verdict: str, seconds: float = 0.0, figure: str = "", output: str = ""):
        self.verdict, self.seconds, self.figure, self.output = verdict, seconds, figure, output


def shell(command: str, folder: pathlib.Path, root: pathlib.Path, define: str, limit: int) -> tuple[int | None, str]:
    """The exit status, None when time ran out, and everything printed."""
    compiler = "ccache g++" if shutil.which("ccache") else "g++"
    environment = {**os.environ, "ROOT": str(root), "CXX": compiler, "DEFINES": f"-D{define}" if define else ""}
    with subprocess.Popen(["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True, errors="replace") as child:
        try:
            output, _ = child.communicate(timeout=limit)
            return child.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            return None, output


def check(claim: claimlib.Claim, folder: pathlib.Path, root: pathlib.Path, define: str = "") -> Outcome:
    start = time.monotonic()
    status, output = shell(claim.command, folder, root, define, claim.limit)
    seconds = time.monotonic() - start
    figures = re.findall(r"^result: (.*)$", output, re.M)
    verdict = {0: PROVED, 1: REFUTED, 3: UNKNOWN, None: UNKNOWN}.get(status, BROKEN)
    if status is None:
        output += f"\nno answer within {claim.limit} s\n"
    return Outcome(verdict, seconds, figures[-1] if figures else "", output)


def build(part: claimlib.Part, needs: list[str], folder: pathlib.Path, root: pathlib.Path, define: str = "") -> str:
    """Builds the programs; returns what went wrong, or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in part.builds(needs):
        status, output = shell(command, folder, root, define, BUILD_LIMIT)
        if status != 0:
            return f"{command}\n{output}"
    return ""


def tampered_tree(mutant: claimlib.Mutant, place: pathlib.Path) -> pathlib.Path:
    """A tree of links to ours in which one file is another."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    source, target = ROOT, place
    for step in (*pathlib.Path(mutant.file).parts, None):
        for entry in source.iterdir():
            if entry.name != step and entry.name not in ("out", ".git"):
                (target / entry.name).symlink_to(entry)
        source, target = source / step, target / step
        if source.is_file():
            target.write_text(source.read_text().replace(mutant.replace, mutant.by))
            return place
        target.mkdir()
    raise AssertionError(mutant.file)


def try_mutant(part: claimlib.Part, mutant: claimlib.Mutant, out: pathlib.Path) -> tuple[Outcome, str]:
    """PROVED here means: every claim that must fail was refuted. The second is which one survived, or what broke."""
    place = out / "mutants" / f"{mutant.part}-{mutant.number}"
    shutil.rmtree(place, ignore_errors=True)
    root = tampered_tree(mutant, place / "tree") if mutant.file else ROOT
    claims = [claim for claim in part.claims if claim.id in mutant.fails]
    start = time.monotonic()
    broken = build(part, sorted({need for claim in claims for need in claim.needs}), place / "build", root, mutant.define)
    if broken:
        return Outcome(BROKEN, output=broken), "it does not build"
    for claim in claims:
        found = check(claim, place / "build", root, mutant.define)
        if found.verdict != REFUTED:
            return found, f"{claim.id} is {found.verdict} of it"
    shutil.rmtree(place, ignore_errors=True)
    return Outcome(PROVED, time.monotonic() - start), ""


class Run:
    """One run: what is to do, done with a line of progress each."""

    def __init__(self, options: argparse.Namespace, parts: list[claimlib.Part]):
        self.options, self.parts, self.done, self.failed = options, parts, 0, 0
        self.claims: dict[str, Outcome] = {}
        self.mutants: dict[tuple[str, int], Outcome] = {}
        self.out = options.out.resolve()
        self.pool = concurrent.futures.ThreadPoolExecutor(options.jobs)

    def wanted(self, *ids: str) -> bool:
        names = self.options.names
        return not names or any(name in identity for name in names for identity in ids)

    def say(self, total: int, verdict: str, seconds: float, what: str, detail: str = "") -> None:
        self.done += 1
        print(f"[{self.done:3}/{total}] {verdict:8} {seconds:6.1f} s  {what}", file=sys.stderr, flush=True)
        if detail:
            self.failed += 1
            print("    " + detail.strip()[-3000:].replace("\n", "\n    "), file=sys.stderr, flush=True)

    def run_claims(self, total: int, chosen: list[tuple[claimlib.Part, claimlib.Claim]]) -> None:
        builds = {}
        for part in self.parts:
            for need in sorted({need for other, claim in chosen if other is part for need in claim.needs}):
                builds[part.name, need] = self.pool.submit(build, part, [need], self.out / part.name, ROOT)
            (self.out / part.name).mkdir(parents=True, exist_ok=True)
        broken = {key: future.result() for key, future in builds.items()}
        waiting = {}
        for part, claim in chosen:
            failures = [broken[part.name, need] for need in claim.needs if broken[part.name, need]]
            if failures:
                self.claims[claim.id] = Outcome(BROKEN, output=failures[0])
                self.say(total, BROKEN, 0, claim.id, "it does not build: " + failures[0])
            else:
                waiting[self.pool.submit(check, claim, self.out / part.name, ROOT)] = claim
        for future in concurrent.futures.as_completed(waiting):
            claim, found = waiting[future], future.result()
            self.claims[claim.id] = found
            self.say(total, found.verdict, found.seconds, claim.id + (f"  ({found.figure})" if found.figure else ""),
                     "" if found.verdict == PROVED else found.output or "it printed nothing")

    def run_mutants(self, total: int, chosen: list[tuple[claimlib.Part, claimlib.Mutant]]) -> None:
        waiting = {self.pool.submit(try_mutant, part, mutant, self.out): mutant for part, mutant in chosen}
        for future in concurrent.futures.as_completed(waiting):
            mutant, (found, why) = waiting[future], future.result()
            self.mutants[mutant.part, mutant.number] = found
            self.say(total, "refuted" if not why else "SURVIVED", found.seconds,
                     f"{mutant.part} tampered, {mutant.number}: {mutant.what}", why and why + "\n" + found.output)

    def __call__(self) -> None:
        claims = [(part, claim) for part in self.parts for claim in part.claims
                  if not self.options.mutants and (claim.quick or not self.options.quick) and self.wanted(claim.id)]
        mutants = [(part, mutant) for part in self.parts for mutant in part.mutants
                   if not self.options.quick and not self.options.claims and self.wanted(*mutant.fails)]
        total = len(claims) + len(mutants)
        if not total:
            sys.exit("prove: no claim is named like " + " ".join(self.options.names))
        self.run_claims(total, claims)
        self.run_mutants(total, mutants)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev prove", description="Checks every claim of proofs/, and tampers with it.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="only the claims that ./dev test checks, some seconds")
    which.add_argument("--mutants", action="store_true", help="only the tampering: each must make its claims fail")
    which.add_argument("--claims", action="store_true", help="only the claims, without the tampering")
    parser.add_argument("--markdown", action="store_true", help="write the table of a whole run into docs/proofs.md")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("ASHLAR_JOBS", os.cpu_count() or 1)))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out" / "proofs", help="where it builds")
    parser.add_argument("names", nargs="*", metavar="NAMES", help="only claims whose id contains one: arith protocols.remote")
    options = parser.parse_args()
    if options.markdown and (options.quick or options.mutants or options.claims or options.names):
        parser.error("--markdown wants the whole run: no other option, no names")
    return options


def main() -> None:
    options = arguments()
    try:
        run = Run(options, claimlib.parts(ROOT))
    except claimlib.Bad as error:
        sys.exit(f"prove: {error}")
    start = time.monotonic()
    run()
    seconds = time.monotonic() - start
    versions = claimtable.versions(run.parts)
    print(claimtable.plain(run, versions, seconds))
    if run.failed:
        sys.exit(f"prove: {run.failed} of {run.done} failed")
    if options.markdown:
        claimtable.write(ROOT / "docs" / "proofs.md", run, versions, seconds)


if __name__ == "__main__":
    main()
