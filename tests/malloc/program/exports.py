"""The library exports what libc and libstdc++ export, and ashlar_*; it needs libc alone, so C programs load no more."""
import re
import subprocess
import sys

library = sys.argv[1]
C_NAMES = set("""malloc free calloc realloc reallocarray posix_memalign aligned_alloc memalign valloc pvalloc cfree
    malloc_usable_size malloc_trim free_sized free_aligned_sized mallopt mallinfo mallinfo2 malloc_info malloc_stats
    __libc_malloc __libc_free __libc_calloc __libc_realloc __libc_memalign __libc_valloc __libc_pvalloc""".split())
OPERATORS = re.compile(r"_Zn[wa]m(St11align_val_t)?(RKSt9nothrow_t)?|_Zd[la]Pv(m)?(St11align_val_t)?(RKSt9nothrow_t)?")


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


bad = []
exported = {line.split()[-1].split("@")[0] for line in output("nm", "-D", "--defined-only", library).splitlines()}
for name in sorted(exported):
    if name not in C_NAMES and not name.startswith("ashlar_") and not OPERATORS.fullmatch(name):
        bad.append(f"exports {name}")
bad += [f"does not export {name}" for name in sorted(C_NAMES - exported)]
operators = [name for name in exported if OPERATORS.fullmatch(name)]
if len(operators) != 20:
    bad.append(f"exports {len(operators)} of the 20 forms of operator new and delete")
needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", library))
if needed != ["libc.so.6"]:
    bad.append(f"needs {needed}")
for line in output("nm", "-D", "--undefined-only", library).splitlines():
    kind, name = line.split()[-2:]
    if kind == "U" and "@GLIBC" not in name:
        bad.append(f"needs the symbol {name}")
size = next((int(line.split()[5], 16) for line in output("readelf", "-lW", library).splitlines()
             if line.strip().startswith("TLS")), 0)
if size > 64:
    bad.append(f"has {size} bytes of static TLS; a late dlopen may not find room for them")
sys.exit("\n".join(bad) or None)
