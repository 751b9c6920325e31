#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program `lowbit` from outside: help, exit codes, what goes to which stream, JSON, full disks, closed pipes.

    program.py LOWBIT     the path of the program
"""
import json
import os
import subprocess
import sys
import tempfile
import zlib

LOWBIT = sys.argv[1]
OK, FAILED, USAGE = 0, 1, 2
failures = []


def lowbit(*words, env=None, **options):
    environment = {k: v for k, v in os.environ.items() if k != "LOWBIT_ISA"}
    environment.update(env or {})
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([LOWBIT, *words], stderr=subprocess.PIPE, text=True, env=environment, timeout=120, **options)


def check(what, condition, result=None):
    if not condition:
        detail = f"\n  exit {result.returncode}\n  {result.stdout}\n  {result.stderr}" if result else ""
        failures.append(f"FAILED {what}{detail}")


def answers(words, code, text):
    """The command prints `text` on the stream that fits its exit code, and nothing on the other one."""
    result = lowbit(*words)
    said, silent = (result.stdout, result.stderr) if code == OK else (result.stderr, result.stdout)
    check(f"lowbit {' '.join(words)}", result.returncode == code and text in said and not silent, result)
    return result


def commands():
    """The names in the list of `lowbit --help`: between its two blank lines, two or more spaces before the help."""
    lines = answers(["--help"], OK, "usage: lowbit").stdout.split("\n\n")[1].splitlines()
    return [line.strip().split("  ")[0] for line in lines]


def test_help():
    names = commands()
    check("the list of commands has info and kernels", "info" in names and "kernels" in names)
    for name in names:
        words = name.split()
        first = answers([*words, "--help"], OK, f"usage: lowbit {name}")
        check(f"help {name} is {name} --help", answers(["help", *words], OK, "usage").stdout == first.stdout)
        answers([*words, "--no-such-option"], USAGE, f"lowbit {name}: unknown option '--no-such-option'")
    for group in {name.split()[0] for name in names if " " in name}:
        answers([group, "--help"], OK, f"usage: lowbit {group}")
        answers([group], USAGE, f"usage: lowbit {group}")
        answers([group, "nonsense"], USAGE, f"unknown command '{group} nonsense'")


def test_usage():
    answers([], USAGE, "usage: lowbit")
    answers(["--version"], OK, "lowbit ")
    answers(["nonsense"], USAGE, "unknown command 'nonsense'")
    answers(["help", "nonsense"], USAGE, "unknown command 'nonsense'")
    answers(["info", "word"], USAGE, "too many arguments")
    answers(["info", "--json"], USAGE, "--json needs FILE|-")
    answers(["info", "--help=x"], USAGE, "unknown option")
    answers(["info", "--isa", "nonsense"], USAGE, "nonsense")
    answers(["info", "--topology", "nonsense"], FAILED, "lowbit info: ")


def test_info():
    answers(["info"], OK, "usable threads")
    report = json.loads(answers(["info", "--json", "-"], OK, '"machine"').stdout)
    machine = report["machine"]
    allowed = len(os.sched_getaffinity(0))
    check("info counts the allowed CPUs", machine["allowed_cpus"] == allowed)
    check("info finds a thread", 1 <= machine["usable_threads"] <= machine["cores"])
    check("scalar is enabled", [x["enabled"] for x in report["levels"] if x["name"] == "scalar"] == [True])
    pretend = lowbit("info", "--topology", "pack:2 core:4 pu:2", "--json=-")
    if "this build has no hwloc" not in pretend.stderr:
        seen = json.loads(pretend.stdout)["machine"]
        check("a pretend machine", (seen["packages"], seen["cores"], seen["cpus"]) == (2, 8, 16), pretend)
    bound = lowbit("info", "--json", "-", preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))
    check("info sees the affinity mask", json.loads(bound.stdout)["machine"]["usable_threads"] == 1, bound)


def enabled(*words, env=None):
    report = json.loads(lowbit("info", "--json", "-", *words, env=env).stdout)
    return {x["name"] for x in report["levels"] if x["enabled"]}


def test_isa():
    everything = enabled()
    for name in everything:
        check(f"--isa {name}", enabled("--isa", name) == {name, "scalar"})
        check(f"LOWBIT_ISA={name}", enabled(env={"LOWBIT_ISA": name}) == {name, "scalar"})
    check("an empty LOWBIT_ISA", enabled(env={"LOWBIT_ISA": ""}) == everything)
    check("--isa before LOWBIT_ISA", enabled("--isa", "scalar", env={"LOWBIT_ISA": "nonsense"}) == {"scalar"})
    result = lowbit("info", env={"LOWBIT_ISA": "nonsense"})
    check("a wrong LOWBIT_ISA", result.returncode == USAGE and "LOWBIT_ISA" in result.stderr, result)
    levels = [x["name"] for x in json.loads(lowbit("info", "--json", "-").stdout)["levels"]]
    for name in set(levels) - everything:
        answers(["info", "--isa", name], FAILED, f"{name} cannot be used")


def test_kernels():
    rows = json.loads(answers(["kernels", "--json", "-"], OK, '"kernels"').stdout)["kernels"]
    text = answers(["kernels"], OK, "scalar").stdout
    check("every kernel is in the text too", rows and all(row["name"] in text for row in rows))
    check("names are unique", len({row["name"] for row in rows}) == len(rows))
    masked = json.loads(lowbit("kernels", "--isa", "scalar", "--json", "-").stdout)["kernels"]
    check("--isa masks kernels", {row["isa"] for row in masked if row["enabled"]} == {"scalar"})


def test_output():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "info.json")
        result = lowbit("info", "--json", path)
        check("--json FILE keeps the text", result.returncode == OK and "usable threads" in result.stdout, result)
        with open(path, encoding="utf-8") as file:
            check("--json FILE", "machine" in json.load(file))
        answers(["info", "--json", "-"], OK, "{")
        result = lowbit("info", "--json", os.path.join(folder, "absent", "x"))
        check("--json into nowhere", result.returncode == FAILED and "No such file" in result.stderr, result)
    for words in (["info"], ["info", "--json", "-"], ["--help"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = lowbit(*words, stdout=full)
        check(f"{words} to a full disk", result.returncode == FAILED and "No space" in result.stderr, result)
        reader, writer = os.pipe()
        os.close(reader)
        result = lowbit(*words, stdout=writer)
        os.close(writer)
        check(f"{words} into a closed pipe", result.returncode == FAILED and not result.stderr, result)
    result = lowbit("info", "--json", "/dev/full")
    check("--json to a full disk", result.returncode == FAILED and "No space" in result.stderr, result)


def identity(levels):
    """The words of this machine's line in a wisdom, and its ID, from the report, as docs/wisdom.md has them."""
    machine = json.loads(lowbit("info", "--json", "-").stdout)["machine"]
    word = "".join(c if c.isascii() and (c.isalnum() or c in ".-+()@") else "_" for c in machine["vendor"]) or "none"
    words = (f"vendor={word} family={machine['family']} model={machine['model']} stepping={machine['stepping']} "
             f"isa={levels} l1={machine['l1d']['bytes']} l2={machine['l2']['bytes']} l3={machine['l3']['bytes']} "
             f"cpus={machine['cpus']} cores={machine['cores']} kinds={machine['core_kinds']} "
             f"guest={int(machine['guest'])}")
    number = 14695981039346656037
    for byte in words.encode():
        number = (number ^ byte) * 1099511628211 % 2**64
    return words, f"{number:016x}"


def signed(line):
    return f"{line} sum={zlib.crc32(line.encode()):08x}\n"


def plan(machine, problem="i8a8:m1n64k64", kernel="w8.dot.1x16.scalar", effort="measure", median="1.50000e-05"):
    return signed(f"plan {machine} {problem} threads=2 pool=own kernel={kernel} use=1 m=8 n=64 k=0 near=0 stream=0 "
                  f"median={median} low=1.40000e-05 high=1.60000e-05 estimate=3.00000e-05 samples=21 tried=9 "
                  f"effort={effort} noisy=0 date=2026-11-29")


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


HEADER = "lowbit-wisdom 1\n"


def test_wisdom():
    words, ours = identity("scalar")
    theirs = "0123456789abcdef"
    lines = [signed(f"machine {ours} {words} name=this_one"), signed(f"fact {ours} fork 1.25000e-06 date=2026-11-29"),
             plan(ours), plan(ours, "i4a8:m1n64k64"), plan(theirs)]
    with tempfile.TemporaryDirectory() as folder:
        path, other, merged = (os.path.join(folder, name) for name in ("one", "two", "merged"))
        cache = os.path.join(folder, "cache")
        write(path, HEADER + "".join(lines))
        scalar = {"LOWBIT_ISA": "scalar", "XDG_CACHE_HOME": cache}
        said = lowbit("wisdom", "check", path, env=scalar)
        check("wisdom check counts", said.returncode == OK and
              said.stdout == f"{path}: 2 accepted, 1 stale, 1 foreign, 0 bad\n", said)
        said = lowbit("wisdom", "show", path, env=scalar)
        check("wisdom show", "i8a8:m1n64k64" in said.stdout and "2.00x" in said.stdout and "fork" in said.stdout and
              "1 decisions usable, 1 stale, 1 of other machines; 1 rates" in said.stdout, said)
        report = json.loads(lowbit("wisdom", "show", path, "--json", "-", env=scalar).stdout)
        check("wisdom show --json", [x["state"] for x in report["decisions"]].count("usable") == 1 and
              report["rates"][0]["values"] == [1.25e-6] and report["machines"][0]["machine"] == ours)
        everything = lowbit("wisdom", "check", path)
        check("other levels, another machine", enabled() == {"scalar"} or "0 accepted" in everything.stdout, everything)

        write(other, HEADER + plan(ours, median="9.00000e-06") + plan(theirs, effort="patient"))
        said = lowbit("wisdom", "merge", merged, path, other, env=scalar)
        check("wisdom merge", said.returncode == OK and "1 decisions of them for this machine" in said.stdout, said)
        want = sorted(lines[:4] + [plan(theirs, effort="patient")] + [plan(ours, median="9.00000e-06")])
        want.remove(min(plan(ours), plan(ours, median="9.00000e-06")))
        check("wisdom merge keeps the better", sorted(read(merged).splitlines(True)[1:]) == want)
        before = read(merged)
        lowbit("wisdom", "merge", merged, merged, path, other, merged, env=scalar)
        check("wisdom merge again", read(merged) == before)

        said = lowbit("wisdom", "forget", merged, "i8*", env=scalar)
        check("wisdom forget", said.stdout == f"{merged}: forgot 1\n" and "i4a8" in read(merged), said)
        said = lowbit("wisdom", "forget", merged, "--stale", "--foreign", env=scalar)
        check("wisdom forget --stale", said.stdout == f"{merged}: forgot 2\n" and "plan" not in read(merged), said)

        damaged = read(path).replace("use=1", "use=2", 1)
        write(path, damaged)
        said = lowbit("wisdom", "check", other, path, env=scalar)
        check("wisdom check finds damage", said.returncode == FAILED and "1 bad" in said.stdout and
              f"{path}:4: its sum" in said.stdout and said.stdout.startswith(other), said)
        said = lowbit("wisdom", "show", path, env=scalar)
        check("wisdom show warns", said.returncode == OK and "warning" in said.stderr and "line 4" in said.stderr, said)
        write(path, "lowbit-wisdom 2\n")
        said = lowbit("wisdom", "merge", path, other)
        check("another version is left alone", said.returncode == FAILED and read(path) == "lowbit-wisdom 2\n" and
              "another version" in said.stderr, said)
        answers(["wisdom", "show", os.path.join(folder, "absent")], FAILED, "there is no file")
        answers(["wisdom", "check", os.path.join(folder, "absent")], FAILED, "there is no file")
        answers(["wisdom", "forget", os.path.join(folder, "absent")], FAILED, "there is no file")

        os.makedirs(os.path.join(cache, "lowbit"))
        os.rename(other, os.path.join(cache, "lowbit", "wisdom"))
        said = lowbit("wisdom", "show", env=scalar)
        check("the default place", said.stdout.startswith(os.path.join(cache, "lowbit", "wisdom")), said)
        said = lowbit("wisdom", "show", env={"XDG_CACHE_HOME": "relative", "HOME": ""})
        check("no place", said.returncode == FAILED and "name a file" in said.stderr, said)
        said = lowbit("wisdom", "show", env={"XDG_CACHE_HOME": "relative", "HOME": folder})
        check("~/.cache", f"{folder}/.cache/lowbit/wisdom" in said.stderr, said)


for test in (test_help, test_usage, test_info, test_isa, test_kernels, test_output, test_wisdom):
    test()
print("\n".join(failures) or "ok")
sys.exit(bool(failures))
