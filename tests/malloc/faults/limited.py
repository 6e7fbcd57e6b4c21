#!/usr/bin/python3
"""Programs as they are, under a limit of address space: limited.py LIBASHLAR_MALLOC.SO

Each runs with RLIMIT_AS of 200 MiB and of 64 MiB from its start: what fits must run, what does not must be refused in the
words of the program, and what is freed must be there for it again.
"""

import os
import resource
import subprocess
import sys

PYTHON = "/usr/bin/python3"
HOARD = """
kept = []
try:
    while True:
        kept.append(bytearray({size}))
except MemoryError:
    count = len(kept)
    kept.clear()
for again in range(3):
    kept = [bytearray({size}) for i in range(count * 3 // 4)]
    kept.clear()
    small = [str(i) for i in range(50000)]
    del small
print('refused and served again')
"""
THREADS = """
import threading
def work():
    for i in range(30):
        a = [bytes(j) for j in range(1000)]
        del a
threads = [threading.Thread(target=work) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print('done')
"""
SQL = """
create table t(a, b);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 40000)
  insert into t select hex(i * 7919 % 65536), i from n;
create index by_a on t(a);
select count(*), sum(length(a)), (select group_concat(b) from (select b from t order by a limit 3)) from t;
"""
CASES = [
    ("hello", ["/bin/echo", "hello"], None, "hello"),
    ("python3", [PYTHON, "-c", "print(len(bin(2 ** 300000)))"], None, "300003"),
    ("python3 that takes all there is, 1 MB at a time", [PYTHON, "-c", HOARD.format(size=1000000)], None,
     "refused and served again"),
    ("python3 that takes all there is, 40 KB at a time", [PYTHON, "-c", HOARD.format(size=40000)], None,
     "refused and served again"),
    ("python3 with threads", [PYTHON, "-c", THREADS], None, "done"),
    ("sqlite3", ["/usr/bin/sqlite3"], SQL, "40000|"),
]


def run(arguments, stdin, library, mib):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))

    env = dict(os.environ, LD_PRELOAD=library, PYTHONMALLOC="malloc", PYTHONHASHSEED="0")
    return subprocess.run(arguments, input=stdin, env=env, preexec_fn=limit, capture_output=True, text=True, timeout=100)


def main():
    library = os.path.abspath(sys.argv[1])
    failed = 0
    for mib in (200, 64):
        for name, arguments, stdin, expected in CASES:
            done = run(arguments, stdin, library, mib)
            if done.returncode != 0 or expected not in done.stdout:
                failed += 1
                print(f"{name} under {mib} MiB ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-800:]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
