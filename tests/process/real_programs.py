#!/usr/bin/python3
"""Runs a real program without and with a preloaded malloc and demands the same behaviour.

    real_programs.py NAME --preload out/lib/libashlar-malloc.so    one program (a ctest entry each)
    real_programs.py --list                                        the names

Each case is a function that drives one program, given the environment to run it in, and returns what a user
could observe: output, exit status, files, digests. It is called twice; the two observations must be equal.
Times, process ids and temporary paths are the only things taken out of them.
"""

import argparse
import contextlib
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def run(arguments, env, stdin=None, cwd=None, timeout=300):
    """Both outputs of a program that must succeed within `timeout` seconds."""
    done = subprocess.run(arguments, env=env, input=stdin, cwd=cwd, timeout=timeout, capture_output=True)
    assert done.returncode == 0, f"{arguments[0]} ended with {done.returncode}: {done.stderr[-2000:].decode()}"
    return done.stdout, done.stderr


def digest(data):
    return hashlib.sha256(data).hexdigest()


def python_module(name):
    def observe(env, folder):
        # One test a line, in order, with its outcome: only the durations differ from run to run.
        out, err = run([PYTHON, "-m", "unittest", "-v", f"test.{name}"], dict(env, PYTHONMALLOC="malloc"), cwd=folder)
        text = re.sub(rb"in [0-9.]+s", b"", out + err)
        outcomes = re.findall(rb"^(\w+ \([\w.]+\)).*?\.\.\. (\w+)", text, re.M)
        assert len(outcomes) > 20, f"only {len(outcomes)} tests were seen:\n{text[-2000:].decode()}"
        return sorted(outcomes)

    observe.__name__ = "python3_" + name
    CASES[observe.__name__] = observe


for module in ("test_json", "test_re", "test_dict", "test_threading", "test_subprocess"):
    python_module(module)


@case
def sqlite3(env, folder):
    script = b"""
        create table person(id integer primary key, name text, city text, born integer);
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
          insert into person select i, hex(i * 7919 % 65536) || '-' || i, char(65 + i % 26), 1900 + i * 31 % 120 from n;
        create index by_city on person(city, born);
        select city, count(*), avg(born), group_concat(distinct born % 10) from person group by city order by city;
        select a.name, b.name from person a join person b on a.born = b.born and a.id = b.id + 26 limit 200;
        update person set name = name || name where id % 3 = 0;
        delete from person where id % 7 = 0;
        vacuum;
        pragma integrity_check;
    """
    database = str(folder / "people.db")
    answers = run(["/usr/bin/sqlite3", database], env, stdin=script)
    dump = run(["/usr/bin/sqlite3", database, ".dump"], env)
    assert len(dump[0]) > 1_000_000
    return answers, digest(dump[0]), dump[1]


@case
def gxx(env, folder):
    source = ROOT / "tests" / "process" / "large_program.cpp"
    seen = run(["/usr/bin/g++", "-std=c++20", "-O1", "-c", source.name, "-o", str(folder / "large.o")], env,
               cwd=source.parent)
    return seen, digest((folder / "large.o").read_bytes())


@case
def git(env, folder):
    env = dict(env, GIT_CONFIG_NOSYSTEM="1", HOME=str(folder), GIT_PAGER="cat")
    clone = folder / "clone"
    seen = [run(["git", "clone", "--quiet", "--no-local", f"file://{ROOT}", str(clone)], env)]
    seen.append(run(["git", "gc", "--quiet", "--aggressive"], env, cwd=clone))
    seen.append(run(["git", "fsck", "--full"], env, cwd=clone))
    log = run(["git", "log", "-p", "--stat", "--all"], env, cwd=clone)
    return seen, digest(log[0]), log[1]


@case
def perl(env, folder):
    program = r"""
        my %count; my $x = 12345;
        for my $i (1 .. 300000) { $x = ($x * 1103515245 + 12345) % 2147483648; $count{"key" . $x % 50000} .= chr(65 + $x % 26); }
        my @longest = (sort { length $count{$b} <=> length $count{$a} || $a cmp $b } keys %count)[0 .. 99];
        print "$_ $count{$_}\n" for @longest;
        my $text = join " ", @longest; my $n = () = $text =~ /(\d)(?=\d*\1)/g; print "$n\n";
    """
    return run(["/usr/bin/perl", "-e", program], env)


@case
def lua(env, folder):
    program = """
        local function tree(depth) if depth == 0 then return {} end return {tree(depth - 1), tree(depth - 1)} end
        local function count(t) if not t[1] then return 1 end return 1 + count(t[1]) + count(t[2]) end
        for depth = 4, 16, 4 do print(depth, count(tree(depth))) end
        local words = {}
        for i = 1, 200000 do words[#words + 1] = string.format("%x", i * 7919 % 104729) end
        table.sort(words); print(#table.concat(words, " "), words[1], words[#words])
        collectgarbage(); collectgarbage(); print(collectgarbage("count") > 0)
    """
    return run(["/usr/bin/lua5.4", "-e", program], env)


@case
def node(env, folder):
    program = """
        const maps = []; for (let i = 0; i < 2000; i++) maps.push(new Map([[i, Buffer.alloc(1000, i)]]));
        const text = JSON.stringify(maps.map((m, i) => ({i, sum: m.get(i).reduce((a, b) => a + b, 0)})));
        console.log(require('crypto').createHash('sha256').update(text).digest('hex'));
        require('zlib').gzip(text, (e, z) => console.log(e, require('zlib').gunzipSync(z).length === text.length));
    """
    return run(["node", "-e", program], env)


def wait_until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


@contextlib.contextmanager
def redis_server(env, folder):
    socket = folder / "redis.sock"
    server = subprocess.Popen(["/usr/bin/redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "",
                               "--dir", str(folder), "--appendonly", "no", "--enable-debug-command", "yes"],
                              env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until(socket.exists, "redis-server's socket")
        yield server, socket
    finally:
        server.terminate()
        server.wait(timeout=60)


@case
def redis(env, folder):
    plain = {key: value for key, value in env.items() if key != "LD_PRELOAD"}
    commands = []
    for i in range(20000):
        commands.append(f"SET key:{i} {'v' * (i % 700)}{i}\nRPUSH list:{i % 50} {i}\nHSET hash:{i % 200} f{i} {i * i}\n"
                        f"ZADD zset:{i % 20} {i % 977} m{i}\n")
    with redis_server(env, folder) as (server, socket):
        client = ["/usr/bin/redis-cli", "-s", str(socket)]
        run(client, plain, stdin="".join(commands).encode())
        load = run(["/usr/bin/redis-benchmark", "-s", str(socket), "-q", "-n", "20000", "-P", "8", "-c", "20",
                    "-t", "set,get,lpush,lpop,sadd,hset,zadd,mset"], plain)
        assert load[0].count(b"requests per second") == 8, load
        run(client + ["FLUSHDB"], plain)
        run(client, plain, stdin="".join(commands).encode())
        seen = [run(client + words, plain) for words in (["DEBUG", "DIGEST"], ["DBSIZE"], ["LRANGE", "list:7", "0", "-1"])]
    return seen, server.returncode


def observe(name, env):
    with tempfile.TemporaryDirectory(prefix="ashlar-process-") as folder:
        seen = CASES[name](env, pathlib.Path(folder))
        return repr(seen).replace(folder, "FOLDER")


def main():
    parser = argparse.ArgumentParser(description="Demands that a program behaves the same on a preloaded malloc.")
    parser.add_argument("name", nargs="?", choices=sorted(CASES))
    parser.add_argument("--list", action="store_true", help="print the names of the programs")
    parser.add_argument("--preload", type=pathlib.Path, help="the malloc to preload")
    options = parser.parse_args()
    if options.list:
        print("\n".join(sorted(CASES)))
        return 0
    if not options.name or not options.preload:
        parser.error("a program and --preload are needed")
    if not options.preload.exists():
        parser.error(f"{options.preload} does not exist")

    plain = {key: value for key, value in os.environ.items() if key not in ("LD_PRELOAD", "ASHLAR_CONF")}
    plain.update(LC_ALL="C.UTF-8", PYTHONHASHSEED="0", PATH="/usr/bin:/bin:" + os.environ.get("PATH", ""))
    preloaded = dict(plain, LD_PRELOAD=str(options.preload.resolve()))
    maps = subprocess.run(["/bin/cat", "/proc/self/maps"], env=preloaded, capture_output=True, text=True).stdout
    assert options.preload.name in maps, f"{options.preload} is not in the memory of a program that preloads it"

    without, given = observe(options.name, plain), observe(options.name, preloaded)
    if without != given:
        at = next((i for i, (a, b) in enumerate(zip(without, given)) if a != b), min(len(without), len(given)))
        print(f"{options.name} behaves differently on {options.preload.name}, from character {at} of what it shows:\n"
              f"  without: ...{without[max(0, at - 200):at + 400]}\n  with:    ...{given[max(0, at - 200):at + 400]}")
        return 1
    print(f"{options.name}: the same without and with {options.preload.name} ({len(given)} characters compared)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
