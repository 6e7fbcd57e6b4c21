#!/usr/bin/python3
"""Every public header compiles alone; and with the others of its layer by the last compiler, the lower layers without exceptions and RTTI.

What a header needs is the same for each compiler, which share a standard library: one that takes it alone shows that nothing is
missing, and all of a layer at once are one unit for the other.
"""
import compiling
import lintlib
from lintlib import Finding

BARE_LAYERS = ("foundation", "os", "strategy", "compose", "ownership")
BARE = ["-fno-exceptions", "-fno-rtti"]


def check(root):
    folder = compiling.workspace(root, "headers_alone")
    compilers = compiling.compilers()
    if not compilers:
        yield Finding("include", 1, "there is no compiler to check the headers with")
        return
    units, whose, layers = [], {}, {}
    for layer, path in lintlib.public_headers(root):
        included = path.relative_to(root / "include").as_posix()
        layers.setdefault(layer, []).append(f'#include "{included}"\n')
        # Included twice: the second inclusion shows that the guard holds.
        unit = compiling.write(folder / (included.replace("/", "-") + ".cpp"), f'#include "{included}"\n' * 2)
        whose[unit] = (lintlib.name(root, path), "does not compile alone")
        units.append(compiling.Unit("", compilers[0], unit))
    for layer, includes in layers.items():
        unit = compiling.write(folder / f"all-of-{layer}.cpp", "".join(includes))
        whose[unit] = (f"include/ashlar/{layer}", "its headers do not compile together")
        bare = BARE if layer in BARE_LAYERS else []
        units.append(compiling.Unit(" with " + " ".join(bare) if bare else "", compilers[-1], unit, bare))
    for outcome in compiling.compile_all(root, units):
        if not outcome.succeeded:
            where, what = whose[outcome.unit.file]
            yield Finding(where, 1, f"{what} by {outcome.unit.compiler}{outcome.unit.label}: {compiling.first_error(outcome.output)}")


if __name__ == "__main__":
    lintlib.main(check)
