"""The table of claims: as text, and as the part of docs/proofs.md between its two markers."""
import os
import pathlib
import subprocess
import sys
import textwrap

BEGIN, END = "<!-- claims: begin, written by ./dev prove --markdown -->", "<!-- claims: end -->"


def versions(parts) -> dict[tuple[str, str], str]:
    """(part, tool) -> what the part's command says of the tool's version."""
    found = {}
    for part in parts:
        for tool, command in part.tools.items():
            said = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, check=False).stdout.split("\n")[0].strip()
            found[part.name, tool] = said or "version unknown"
    return found


def counts(run) -> str:
    proved = sum(outcome.verdict == "proved" for outcome in run.claims.values())
    refuted = sum(outcome.verdict == "proved" for outcome in run.mutants.values())
    said = []
    if run.claims:
        said.append(f"{proved} of {len(run.claims)} claims proved")
    if run.mutants:
        said.append(f"{refuted} of {len(run.mutants)} tamperings refuted")
    return ", ".join(said)


def plain(run, tools: dict, seconds: float) -> str:
    rows = []
    for part in run.parts:
        checked = [claim for claim in part.claims if claim.id in run.claims]
        tampered = [mutant for mutant in part.mutants if (part.name, mutant.number) in run.mutants]
        if checked or tampered:
            rows.append(f"\n{part.title}")
        for claim in checked:
            found = run.claims[claim.id]
            result = found.verdict + (f", {found.figure}" if found.figure else "")
            rows.append(f"  {claim.id}: {result}; {found.seconds:.1f} s; {tools[part.name, claim.tool]}")
            rows += textwrap.wrap(f"{claim.statement} [{claim.bound}]", 110, initial_indent="      ",
                                  subsequent_indent="      ")
        refuted = sum(run.mutants[part.name, mutant.number].verdict == "proved" for mutant in tampered)
        if tampered:
            rows.append(f"  tampered with {len(tampered)} times: refuted {refuted}")
    return "\n".join(rows) + f"\n\n{counts(run)}, in {seconds:.0f} s"


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Inline code in a table's cell; its own backticks and bars would end it."""
    return "`" + cell(text).replace("`", "'") + "`"


def markdown(run, tools: dict, seconds: float) -> str:
    out = [BEGIN, "", f"{counts(run)}, in {seconds:.0f} s on {os.cpu_count()} processors.", ""]
    for part in run.parts:
        out += [f"### {part.title}", "", "| id | statement | tool | for | time, s | result |", "|---|---|---|---|---:|---|"]
        for claim in part.claims:
            found = run.claims[claim.id]
            result = found.verdict + (f", {found.figure}" if found.figure else "")
            out.append(f"| {claim.id} | {cell(claim.statement)} | {tools[part.name, claim.tool]} | {cell(claim.bound)} "
                       f"| {found.seconds:.1f} | {cell(result)} |")
        if part.mutants:
            out += ["", f"Tampering, each refuted ({part.name}):", "", "| what is changed | then fails |", "|---|---|"]
            for mutant in part.mutants:
                where = f" ({code(mutant.replace)} becomes {code(mutant.by)})" if mutant.file else f" ({code(mutant.define)})"
                out.append(f"| {cell(mutant.what)}{where} | {', '.join(mutant.fails)} |")
        out.append("")
    return "\n".join([*out, END])


def write(page: pathlib.Path, run, tools: dict, seconds: float) -> None:
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"prove: {page} lacks the markers between which the table goes")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text(before + markdown(run, tools, seconds) + after)
