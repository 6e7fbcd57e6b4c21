#!/usr/bin/python3
"""Every public header compiles alone, by each compiler; the lower layers also without exceptions and RTTI."""
import compiling
import lintlib
from lintlib import Finding

BARE_LAYERS = ("foundation", "os", "strategy", "compose", "ownership")
BARE = ["-fno-exceptions", "-fno-rtti"]


def check(root):
    folder = compiling.workspace(root, "headers_alone")
    compilers = compiling.compilers()
    units, headers = [], {}
    for layer, path in lintlib.public_headers(root):
        included = path.relative_to(root / "include").as_posix()
        # Included twice: the second inclusion shows that the guard holds.
        unit = compiling.write(folder / (included.replace("/", "-") + ".cpp"), f'#include "{included}"\n' * 2)
        headers[unit] = lintlib.name(root, path)
        for compiler in compilers:
            # The last compiler sees the lower layers bare: a header that is well there is well with more, too.
            if compiler == compilers[-1] and layer in BARE_LAYERS:
                units.append(compiling.Unit(" with " + " ".join(BARE), compiler, unit, BARE))
            else:
                units.append(compiling.Unit("", compiler, unit))
    if not compilers:
        yield Finding("include", 1, "there is no compiler to check the headers with")
    for outcome in compiling.compile_all(root, units):
        if not outcome.succeeded:
            yield Finding(headers[outcome.unit.file], 1, f"does not compile alone by {outcome.unit.compiler}"
                          f"{outcome.unit.label}: {compiling.first_error(outcome.output)}")


if __name__ == "__main__":
    lintlib.main(check)
