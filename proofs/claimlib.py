"""What a part of proofs/ claims: proofs/PART/claims.toml, read and checked; README.md says what may stand there."""
import dataclasses
import pathlib
import tomllib

FILE = "claims.toml"
KEYS = {
    "": {"title": str, "tools": dict, "program": list, "claim": list, "mutant": list},
    "program": {"name": str, "build": str, "needs": list},
    "claim": {"id": str, "statement": str, "tool": str, "bound": str, "command": str, "needs": list, "quick": bool,
              "limit": int},
    "mutant": {"what": str, "file": str, "replace": str, "by": str, "define": str, "fails": list},
}
OPTIONAL = {"tools", "program", "mutant", "needs", "quick", "limit", "file", "replace", "by", "define"}
SECONDS = 300  # a claim's limit where it states none


class Bad(Exception):
    """A claims.toml that does not keep the convention; the text is for people."""


@dataclasses.dataclass
class Claim:
    part: str
    id: str
    statement: str
    tool: str
    bound: str
    command: str
    needs: list[str]
    quick: bool
    limit: int


@dataclasses.dataclass
class Mutant:
    part: str
    number: int
    what: str
    fails: list[str]
    file: str = ""
    replace: str = ""
    by: str = ""
    define: str = ""


@dataclasses.dataclass
class Part:
    name: str
    title: str
    tools: dict[str, str]
    programs: dict[str, dict]
    claims: list[Claim]
    mutants: list[Mutant]

    def builds(self, needs: list[str]) -> list[str]:
        """The build commands of these programs, what they need first, each once."""
        ordered: list[str] = []

        def visit(name: str) -> None:
            program = self.programs[name]
            for other in program.get("needs", []):
                visit(other)
            if program["build"] not in ordered:
                ordered.append(program["build"])
        for name in needs:
            visit(name)
        return ordered


def check_keys(where: str, kind: str, table: dict) -> None:
    for key, value in table.items():
        if key not in KEYS[kind]:
            raise Bad(f"{where}: unknown key '{key}'")
        if not isinstance(value, KEYS[kind][key]):
            raise Bad(f"{where}: '{key}' must be a {KEYS[kind][key].__name__}")
    for key in KEYS[kind].keys() - OPTIONAL - table.keys():
        raise Bad(f"{where}: '{key}' is missing")


def check_mutant(root: pathlib.Path, where: str, mutant: dict, ids: set[str]) -> None:
    check_keys(where, "mutant", mutant)
    if not mutant["fails"] or not ids.issuperset(mutant["fails"]):
        raise Bad(f"{where}: 'fails' must name claims of this part")
    if ("define" in mutant) == ("file" in mutant):
        raise Bad(f"{where}: give either 'define' or 'file', 'replace' and 'by'")
    if "file" not in mutant:
        return
    if not {"replace", "by"} <= mutant.keys():
        raise Bad(f"{where}: 'file' wants 'replace' and 'by'")
    path = root / mutant["file"]
    found = path.read_text().count(mutant["replace"]) if path.is_file() else 0
    if found != 1:
        raise Bad(f"{where}: the text to replace stands {found} times in {mutant['file']}; it must stand there once")


def read(root: pathlib.Path, path: pathlib.Path) -> Part:
    name, here = path.parent.name, path.relative_to(root).as_posix()
    try:
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Bad(f"{here}: {error}") from error
    check_keys(here, "", data)
    programs = {}
    for program in data.get("program", []):
        check_keys(f"{here}: program {program.get('name')}", "program", program)
        programs[program["name"]] = program
    for program in programs.values():
        if not programs.keys() >= set(program.get("needs", [])):
            raise Bad(f"{here}: program {program['name']} needs one that is not there")
    claims = []
    for claim in data["claim"]:
        where = f"{here}: claim {claim.get('id')}"
        check_keys(where, "claim", claim)
        if not claim["id"].startswith(name + "."):
            raise Bad(f"{where}: an id begins with its part, '{name}.'")
        if not programs.keys() >= set(claim.get("needs", [])):
            raise Bad(f"{where}: needs a program that is not there")
        if claim["tool"] not in data.get("tools", {}):
            raise Bad(f"{where}: 'tool' must be a key of [tools]")
        claims.append(Claim(name, **{"needs": [], "quick": False, "limit": SECONDS, **claim}))
    ids = {claim.id for claim in claims}
    if len(ids) != len(claims):
        raise Bad(f"{here}: two claims have one id")
    mutants = []
    for number, mutant in enumerate(data.get("mutant", []), 1):
        check_mutant(root, f"{here}: mutant {number}", mutant, ids)
        mutants.append(Mutant(name, number, **mutant))
    return Part(name, data["title"], data.get("tools", {}), programs, claims, mutants)


def parts(root: pathlib.Path) -> list[Part]:
    return [read(root, path) for path in sorted((root / "proofs").glob(f"*/{FILE}"))]
