#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program `lowbit` from outside: help, exit codes, what goes to which stream, JSON, full disks, closed pipes.

    program.py LOWBIT     the path of the program
"""
import json
import math
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib

LOWBIT = sys.argv[1]
OK, FAILED, USAGE = 0, 1, 2
failures = []
nowhere = tempfile.TemporaryDirectory()  # the wisdom of whoever runs the tests is not ours


def lowbit(*words, env=None, **options):
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    result = subprocess.run([LOWBIT, *words], text=True, env=environment(env), timeout=120, **options)
    if result.stderr:  # what a bench says of the machine that tests run on
        result.stderr = "".join(x for x in result.stderr.splitlines(True)
                                if "others disturb what is timed" not in x and "times will waver" not in x)
    return result


def environment(more=None):
    ours = {k: v for k, v in os.environ.items() if k != "LOWBIT_ISA"}
    return {**ours, "XDG_CACHE_HOME": nowhere.name, **(more or {})}


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
        words = ["--topology", "pack:2 numa:2 core:4 pu:2", "--cpus", "1,3,5-9"]
        seen = json.loads(lowbit("info", *words, "--quota", "1.5", "--guest", "--json=-").stdout)["machine"]
        check("a pretend mask", (seen["allowed_cpus"], seen["allowed_cores"], seen["allowed_list"]) == (7, 5, "1,3,5-9"))
        check("its nodes", (seen["allowed_packages"], seen["numa_nodes"], seen["allowed_numa_nodes"]) == (1, 4, 2))
        check("a pretend quota", (seen["cpu_quota"], seen["usable_threads"], seen["cpu_limit"]) == (1.5, 2, "quota"))
        check("a pretend guest", seen["guest"] is True)
        answers(["info", *words], OK, "limited by: affinity")
        answers(["info", "--topology", "pu:2", "--cpus", "2"], FAILED, "lacks CPUs")
        answers(["info", "--topology", "pu:2", "--cpus", "x"], FAILED, "allowed_cpus")
    answers(["info", "--cpus", "0"], USAGE, "go with --topology")
    answers(["info", "--topology", "pu:2", "--quota", "0"], USAGE, "'0' is no N")
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


def problems_of(*words):
    """The problems that these words stand for, as (problem, model, layer)."""
    result = lowbit("tune", "--effort", "estimate", "--threads", "1", "--wisdom", "none", "--json", "-", *words)
    return [(x["problem"], x["model"], x["layer"]) for x in json.loads(result.stdout or '{"results": []}')["results"]]


SET = """# a model
formats i8,b1a1
rows 1,2 # where they are free

up      n64k128+bias
pixels  m49n16k27
{i4,{i2,t2}g32}a8:m3n5k7
"""


def test_shapes():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mine.txt")
        write(path, SET)
        rest = [("i4a8:m3n5k7", "", ""), ("i2g32a8:m3n5k7", "", ""), ("t2g32a8:m3n5k7", "", "")]
        layers = [(f"{f}:{sizes}", "mine", layer) for f in ("i8a8", "b1a1") for sizes, layer in
                  (("m1n64k128+bias", "up"), ("m2n64k128+bias", "up"), ("m49n16k27", "pixels"))]
        check("a set: problems, then layers by formats", problems_of("--shapes", path) == rest + layers)
        own = [("i4a8:m7n64k128+bias", "mine", "up"), ("i4a8:m49n16k27", "mine", "pixels")]
        check("--format and --m", problems_of("--shapes", path, "--format", "i4", "--m", "7") == rest + own)
        check("braces in words", [x[0] for x in problems_of("i{8,4}a8:m{1,2}n4k4")] ==
              ["i8a8:m1n4k4", "i8a8:m2n4k4", "i4a8:m1n4k4", "i4a8:m2n4k4"])
        both = problems_of("--shapes", f"resnet20-cifar,{path}")
        check("a list of sets", both == problems_of("--shapes", "resnet20-cifar") + rest + layers)
        write(os.path.join(folder, "odd"), "i8a8:m1n2k3\n")
        result = lowbit("tune", "--shapes", "odd", "--effort", "estimate", "--threads", "1", cwd=folder)
        check("a file before a set", "i8a8:m1n2k3" in result.stdout and "4544" not in result.stdout, result)
        cells = json.loads(lowbit("bench", "gemm", "--shapes", path, "i8a8:m1n4k4", "--time", "0.001", "--json",
                                  "-").stdout)["results"]
        check("bench gemm names set and layer", [(x["problem"], x["set"], x["layer"]) for x in cells] ==
              [("i8a8:m1n4k4", "", "")] + [(x[0], "mine", x[2]) for x in rest + layers])
        for text, line, reason in (("\n{i8a8:m1n4k4", 2, "a { is not closed"), ("i8a8:m1}n4k4", 1, "a } closes nothing"),
                                   ("i8a8:m1n4k4 x y", 1, "more than two words"), ("up n4k4\nrows 1\nrows 2", 3, "already"),
                                   ("rows 1\nformats i8\nup i8a8:m1n4k4", 3, "the sizes of a layer"),
                                   ("formats i8\n\nup n4k4", 3, "rows LIST"), ("i8a8:m0n4k4", 1, "does not fit"),
                                   ("formats i8,i9\nup m1n4k4", 2, "does not fit"), ("x" * 600, 1, "longer than"),
                                   ("i8a8:m" + "{1,2}" * 7 + "n" + "{1,2}" * 7 + "k1", 1, "more than 10000 problems"),
                                   (f"formats i8\n{'x' * 40} m1n4k4", 2, "name has more than")):
            write(path, text)
            answers(["bench", "gemm", "--shapes", path], FAILED, f"{path}:{line}: ")
            answers(["bench", "gemm", "--shapes", path], FAILED, reason)
        write(path, "up m1n4k4")
        answers(["bench", "gemm", "--shapes", path], FAILED, "formats LIST")
        write(path, "i8a8:m1n4k4\0")
        answers(["bench", "gemm", "--shapes", path], FAILED, "it is no text")
    answers(["bench", "gemm"], USAGE, "there is no problem")
    answers(["bench", "gemm", "--shapes", "nonsense"], FAILED, "no set of this name")
    answers(["bench", "gemm", "i8a8:m1n4k4", "--format", "i8"], USAGE, "--format and --m")
    listed = answers(["bench", "gemm", "--shapes", "help"], OK, "bert-large").stdout.splitlines()
    for name, count in (line.split()[:2] for line in listed):
        check(f"the set {name}", 0 < len(problems_of("--shapes", name)) <= int(count))
    check("the sets of the documents", {"odd", "sweep-m", "sweep-size", "formats", "main", "alexnet", "llama-7b"} <=
          {line.split()[0] for line in listed})


def test_cpu_list():
    allowed = sorted(os.sched_getaffinity(0))
    for words in (["bench", "gemm", "i8a8:m1n4k4", "--time", "0.001"], ["tune", "--effort", "estimate", "i8a8:m1n4k4"]):
        for cpus in ([allowed[0]], [allowed[-1]], allowed):
            held = lowbit(*words, "--cpu-list", ",".join(map(str, cpus)), "--threads", "all", "--json", "-")
            report = json.loads(held.stdout)
            check(f"{words} --cpu-list {cpus}", report["machine"]["allowed_cpus"] == len(cpus) and
                  report["results"][0]["threads"] == report["machine"]["usable_threads"] <= len(cpus), held)
        answers([*words, "--cpu-list", "8191"], FAILED, "has no CPU 8191; it may use")
        answers([*words, "--cpu-list", "0,x"], USAGE, "no list of CPUs")
    if len(allowed) > 1:
        held = lowbit("bench", "pack", "--cpu-list", str(allowed[1]),
                      preexec_fn=lambda: os.sched_setaffinity(0, {allowed[0]}))
        check("a CPU that is not allowed", held.returncode == FAILED and "may not use CPU" in held.stderr, held)


def test_dump_asm():
    dump = ["bench", "gemm", "--dump-asm"]
    names = [row["name"] for row in json.loads(lowbit("kernels", "--json", "-").stdout)["kernels"]]
    result = lowbit(*dump, names[0], env={"PATH": "/nonexistent"})
    check("no objdump", result.returncode == FAILED and "binutils" in result.stderr, result)
    answers([*dump, "nonsense"], USAGE, "no kernel is called 'nonsense'")
    if not shutil.which("objdump"):
        print("--dump-asm: skipped, there is no objdump")
        return
    for name in names[::29]:
        text = answers([*dump, name], OK, f"kernel   {name}\n").stdout
        code = re.search(r"code +at 0x([0-9a-f]+), (\d+) bytes", text)
        first, size = int(code[1], 16), int(code[2])
        lines = [int(x, 16) for x in re.findall(r"^ *([0-9a-f]+):\t", text, re.M)]
        check(f"--dump-asm {name}", lines[0] == first and first + size - 16 < lines[-1] < first + size and
              lines == sorted(lines) and re.search(r"\tret", text), None)


def test_bench_all():
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "a", "b")
        os.makedirs(os.path.join(target, "layers.json", "in the way"))
        cpu = str(min(os.sched_getaffinity(0)))
        words = ["bench", "all", "-o", target, "--time", "0.0001", "--cpu-list", cpu]
        scalar = {"LOWBIT_ISA": "scalar"}
        result = lowbit(*words, "pack", "limits", "layers", env=scalar)
        check("bench all goes on where a step fails", result.returncode == FAILED and "layers.json" in result.stderr,
              result)
        check("bench all runs steps in its own order", re.findall("^== lowbit ([a-z]+ [a-z]*)", result.stdout, re.M) ==
              ["bench limits", "bench pack", "bench report"], result)
        for name in ("index.html", "results.csv", "results.md", "gnuplot"):
            check(f"bench all: {name}", os.path.exists(os.path.join(target, name)), result)
        for name in ("pack", "limits"):
            path = os.path.join(target, f"{name}.json")
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
            check(f"bench all: {name}", report["results"] and report["machine"]["allowed_list"] == cpu)
            check(f"bench all says how to make {path}", f" --json {path}\n" in result.stdout)
        write(os.path.join(target, "peers.json"), "old")
        result = lowbit(*words, "peers", "--peers", "nonsense")
        check("a step that fails is told", result.returncode == FAILED and "peers failed with exit code" in result.stderr and
              not os.path.exists(os.path.join(target, "peers.json")), result)
    answers(["bench", "all"], USAGE, "-o DIR")
    answers(["bench", "all", "-o", nowhere.name, "nonsense"], USAGE, "no step is called 'nonsense'")
    answers(["bench", "all", "-o", nowhere.name, "--threads", "x"], USAGE, "no list of thread counts")
    answers(["bench", "all", "-o", "/proc/nothing"], FAILED, "cannot write into /proc/nothing")


def test_regret():
    words = ["bench", "regret", "--exhaustive", "0.01", "--budget", "0.01", "--time", "0.01"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "shapes.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# one problem\n\n  i4a8:m20n32k64 # with a comment\n")
        result = lowbit(*words, "--shapes", path, "--json", "-")
        report = json.loads(result.stdout or "{}")
        with open(path, "a", encoding="utf-8") as file:
            file.write("nonsense\n")
        answers([*words, "--shapes", path], FAILED, f"{path}:4: ")
    check("bench regret", result.returncode == OK and [x["problem"] for x in report["results"]] == ["i4a8:m20n32k64"],
          result)
    one = report["results"][0]
    ways = one["ways"]
    check("every way chose", list(ways) == ["exhaustive", "measure", "again", "table", "estimate"], result)
    check("ratios are those of the times", all(abs(x["regret"] * ways["exhaustive"]["low_us"] / x["low_us"] - 1) < 1e-6
                                               for x in ways.values()), result)
    check("one problem is its own mean and worst", all(abs(x["mean"] / x["worst"] - 1) < 1e-6
                                                       for x in report["summary"]["ways"].values()), result)
    again = json.loads(lowbit(*words, "i4a8:m20n32k64", "--repeat", "--json", "-").stdout)["results"][0]
    check("--repeat leaves EXHAUSTIVE out", again["base"] == "measure" and "exhaustive" not in again["ways"])
    answers(words, USAGE, "there is no problem")
    answers([*words, "i4a8:m1"], USAGE, "does not fit the grammar")
    check("the set regret", len(problems_of("--shapes", "regret")) == 60)
    answers([*words, "bf16a8:m1n16k16"], FAILED, "bf16a8:m1n16k16: ")


def test_kept_limits():
    with tempfile.TemporaryDirectory() as folder:
        path, scalar = os.path.join(folder, "wisdom"), {"LOWBIT_ISA": "scalar"}
        words = ["bench", "limits", "--time", "0.001", "--threads", "1", "--json", "-", "--wisdom"]
        results = json.loads(lowbit(*words, "none", env=scalar).stdout)["results"]
        check("limits have a clock", [x["unit"] for x in results if x["limit"] == "clock"] == ["cycle/s"])
        answers([*words, path], FAILED, "there is no file")
        lowbit("bench", "gemm", "i8a8:m1n64k64", "--time", "0.001", env={**scalar, "XDG_CACHE_HOME": folder})
        shown = json.loads(lowbit("wisdom", "show", os.path.join(folder, "lowbit", "wisdom"), "--json", "-",
                                  env=scalar).stdout)
        names = {x["name"] for x in shown["rates"]}
        check("bench gemm keeps limits", "limit.clock.any.w0.b12288.t1" in names and
              sum(name.startswith("limit.read.scalar.") for name in names) == 2)


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


def test_bind():
    words = ["bench", "gemm", "i8a8:m1n64k64", "--threads", "2", "--time", "0.001", "--json", "-"]
    cpu = str(min(os.sched_getaffinity(0)))
    for bind in ("none", "compact", "spread", cpu):
        cell = json.loads(lowbit(*words, "--bind", bind).stdout)["results"][0]
        check(f"--bind {bind}", cell["bind"] == bind and cell["exact"])
    cell = json.loads(lowbit(*words, "--replicas").stdout)["results"][0]
    copied = cell["replica_bytes"] // cell["weight_bytes"]
    nodes = json.loads(lowbit("info", "--json", "-").stdout)["machine"]["allowed_numa_nodes"]
    check("--replicas", cell["exact"] and copied <= nodes and copied != 1)
    answers([*words, "--bind", "nonsense"], USAGE, "neither none, compact, spread nor a list")
    answers([*words, "--bind", "8191"], FAILED, "may not use CPU 8191")


def test_peers():
    """What does not depend on the libraries of this build: names, and a row for each that is asked for."""
    words = ["bench", "gemm", "i8a8:m3n64k64", "--time", "0.001"]
    known = ["onednn", "xnnpack", "openblas", "ggml", "onnxruntime"]
    answers([*words, "--peers", "openblas,fftw"], USAGE, f"'fftw' is no library; known: {', '.join(known)}")
    answers([*words, "--peers", ""], USAGE, "'' is no library")
    rows = json.loads(lowbit(*words, "--peers", "all", "--json", "-").stdout)["results"]
    check("--peers all", rows[0]["impl"] == "lowbit" and [*dict.fromkeys(row["impl"] for row in rows[1:])] == known)
    for row in rows[1:]:
        timed = row["status"] == "ok"
        check(f"peer {row}", row["status"] in ("ok", "refused", "absent") and (row["reason"] == "") == timed ==
              row["within_bound"] == (row["median_us"] > 0) == (row["ratio"] > 0) and
              row["problem"] == rows[0]["problem"] and row["m"] == 3 and not row["beside"])
    for peers in ("none", "ggml", "ggml,openblas"):
        result = lowbit(*words, "--peers", peers)
        lines = result.stdout.splitlines()[2:]
        check(f"--peers {peers}", result.returncode == OK and not result.stderr and
              [*dict.fromkeys(line.split()[0] for line in lines)] ==
              [name for name in known if name in peers.split(",")] and
              all(len(line) <= 100 for line in lines), result)


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


def test_tune_usage():
    answers(["tune"], USAGE, "there is no problem")
    answers(["tune", "nonsense"], USAGE, "lowbit tune: ")
    answers(["tune", "i8a8:m1n64k64", "--effort", "much"], USAGE, "--effort much")
    answers(["tune", "i8a8:m1n64k64", "--budget", "0"], USAGE, "--budget")
    answers(["tune", "i8a8:m1n64k64", "--threads", "none"], USAGE, "--threads")
    answers(["tune", "i8a8:m1n64k64", "--m", "1"], USAGE, "of a model")
    answers(["tune", "--model", "nonsense"], USAGE, "no model is called 'nonsense'")
    answers(["tune", "--model", "bert-large", "--format", "i8,,i4"], USAGE, "no list of at most 32 words")
    answers(["tune", "--model", "bert-large", "--format", "nonsense"], USAGE, "lowbit tune: ")
    answers(["tune", "--model", "help"], OK, "bert-large")
    answers(["tune", "--shapes", "/nonexistent"], FAILED, "cannot read /nonexistent")


def test_tune_buckets():
    words = ["tune", "i8a8:m40n64k64", "--threads", "1", "--buckets", "--budget", "1", "--wisdom", "none", "--json", "-"]
    ranges = json.loads(answers(words, OK, "{").stdout)["results"][0]["ranges"]
    check("--buckets: ranges reach from 1 to M without gaps",
          ranges[0]["first"] == 1 and ranges[-1]["last"] == 40 and
          all(a["last"] + 1 == b["first"] and a["kernel"] != b["kernel"] for a, b in zip(ranges, ranges[1:])))


def test_tune_lists():
    estimate = ["tune", "--effort", "estimate", "--threads", "1", "--json", "-"]
    with tempfile.TemporaryDirectory() as folder:
        shapes = os.path.join(folder, "shapes")
        write(shapes, "# two problems\n\n  i8a8:m1n64k64  # one\ni4a8:m3n5k7\r\ni8a8:m1n64k64\n")
        results = json.loads(answers([*estimate, "--shapes", shapes, "i4a8:m3n5k7"], OK, "{").stdout)["results"]
        check("--shapes", [x["problem"] for x in results] == ["i4a8:m3n5k7", "i8a8:m1n64k64"])
        check("nothing was timed", all(x["source"] == "estimate" and "median_us" not in x for x in results))
        write(shapes, "i8a8:m1n64k64\n#\ni8a8:m0n64k64\n")
        answers([*estimate, "--shapes", shapes], FAILED, f"{shapes}:3: ")
        text = lowbit("tune", "--effort", "estimate", "i8a8:m1n64k64", "--threads", "1")
        check("estimates as text", text.returncode == OK and "w8." in text.stdout and "estimate" in text.stdout, text)
        check("estimates leave no wisdom", plans_of(os.path.join(nowhere.name, "lowbit", "wisdom")) == 0)
    results = json.loads(lowbit(*estimate, "--model", "bert-large,resnet20-cifar,bert-large", "--format", "i8,b1a1",
                                "--m", "1,2").stdout)["results"]
    problems = [x["problem"] for x in results]
    check("--model", len(set(problems)) == len(problems) == 2 * (3 * 2 + 7) and "b1a1:m2n4096k1024" in problems and
          "i8a8:m1024n16k27" in problems)
    check("--model names layers", {"bert-large", "resnet20-cifar"} == {x["model"] for x in results})


def best_fixed(results):
    """The kernel that docs/tuning.md calls the best single choice for results of one kind, and its time in each."""
    times = {}
    for i, x in enumerate(results):
        for c in x["candidates"]:
            own = times.setdefault(c["kernel"], {})
            if c["by_rule"]:
                own[i] = min(own.get(i, math.inf), c["relative"] * x["estimate_us"])

    def standing(kernel):
        own = times[kernel]
        return -len(own), sum(math.log(own[i] / results[i]["median_us"]) for i in own) / max(len(own), 1)

    best = min(times, key=standing)
    return best, [times[best].get(i, 0) for i in range(len(results))]


def mean_gain(results, other):
    ratios = [x[other] / x["median_us"] for x in results if x[other] > 0]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)), len(ratios)


def test_tune_gains():
    problems = ["i4a8:m1n64k256", "i4g32a8:m9n80k256", "i4a8:m40n96k256", "b1a1:m5n48k130"]
    report = json.loads(lowbit("tune", *problems, "--threads", "1", "--wisdom", "none", "--json", "-").stdout)
    results = report["results"]
    for x in results:
        tried = [json.dumps([c["kernel"], c["uses"], c["blocks"]]) for c in x["candidates"]]
        check("a candidate is told once", len(set(tried)) == len(tried) > 1)
    for kind in (results[:3], results[3:]):
        kernel, times = best_fixed(kind)
        check("the best single choice", {x["fixed_kernel"] for x in kind} == {kernel})
        check("its times", all(math.isclose(x["fixed_us"], t, rel_tol=1e-5) for x, t in zip(kind, times)))
    for name in ("estimate", "fixed"):
        mean, count = mean_gain(results, f"{name}_us")
        check(f"the gain over {name}", math.isclose(report["gain"][name], mean, rel_tol=1e-5) and
              report["gain"][f"{name}_problems"] == count)


def test_tune():
    problems = ["i8a8:m1n64k64", "b1a1:m5n48k130"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "wisdom")
        tune = ["tune", *problems, "--threads", "1", "--wisdom", path]
        report = json.loads(answers([*tune, "--json", "-"], OK, '"results"').stdout)
        for x in report["results"]:
            kernels = [c["kernel"] for c in x["candidates"]]
            check(f"tune {x['problem']}", x["status"] == "ok" and x["source"] == "measured" and x["threads"] == 1 and
                  not x["reused"] and x["kernel"] in kernels and x["fixed_kernel"] in kernels and
                  0 < x["p10_us"] <= x["median_us"] <= x["p90_us"] and x["samples"] >= 1)
        check("tune tells gains", report["gain"]["estimate"] > 0 and report["gain"]["estimate_problems"] == 2)
        check("tune saves", [line.split()[2] for line in read(path).splitlines() if line.startswith("plan")] ==
              sorted(problems))
        again = lowbit(*tune)
        check("tune again", again.returncode == OK and again.stdout.count("known") == 2, again)
        bench = ["bench", "gemm", problems[0], "--time", "0.01", "--json", "-"]
        for wisdom, source in ((path, "wisdom"), ("none", "estimate")):
            result = json.loads(lowbit(*bench, "--wisdom", wisdom).stdout)["results"][0]
            check(f"bench gemm --wisdom {wisdom}", result["source"] == source)
            check("the tuned kernel", source == "estimate" or result["kernel"] == report["results"][0]["kernel"])
        near = json.loads(lowbit("bench", "gemm", "i8a8:m1n64k128", "--time", "0.01", "--wisdom", path, "--json",
                                 "-").stdout)
        check("bench gemm takes what is near", near["results"][0]["source"] == "nearby")
        answers([*bench, "--wisdom", os.path.join(folder, "absent")], FAILED, "there is no file")
        write(path, "lowbit-wisdom 2\n")
        answers(tune, FAILED, "another version")

        cache = {"XDG_CACHE_HOME": folder}
        hurry = lowbit("tune", problems[0], "--threads", "1", "--budget", "0.001", env=cache)
        check("a small budget", hurry.returncode == OK and problems[0] in hurry.stdout and "us" in hurry.stdout, hurry)
        check("the default place", "plan" in read(os.path.join(folder, "lowbit", "wisdom")))
        check("bench gemm looks there", json.loads(lowbit(*bench, env=cache).stdout)["results"][0]["source"] == "wisdom")
        write(os.path.join(folder, "lowbit", "wisdom"), "nonsense\n")
        aside = lowbit(*bench, env=cache)
        check("no wisdom there", aside.returncode == OK and "going on without" in aside.stderr and
              json.loads(aside.stdout)["results"][0]["source"] == "estimate", aside)
        none = lowbit("tune", problems[0], "--threads", "1", "--budget", "0.001", "--wisdom", "none", env={
            "XDG_CACHE_HOME": "", "HOME": ""})
        check("tune --wisdom none", none.returncode == OK, none)
        none = lowbit("tune", problems[0], "--threads", "1", env={"XDG_CACHE_HOME": "", "HOME": ""})
        check("tune without a place", none.returncode == FAILED and "name a file" in none.stderr, none)


def plans_of(path):
    return read(path).count("\nplan ") if os.path.exists(path) else 0


def interrupted(path, number):
    """Tunes a small problem and one that takes a minute, and ends it by a signal once the first one is saved."""
    words = [LOWBIT, "tune", "i8a8:m1n64k64", "i8a8:m64n2048k2048", "--isa", "scalar", "--threads", "1", "--effort",
             "exhaustive", "--wisdom", path]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as run:
        end = time.monotonic() + 60
        while plans_of(path) == 0 and run.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        run.send_signal(number)
        out, err = run.communicate(timeout=60)
        return subprocess.CompletedProcess(words, run.returncode, out, err)


def test_tune_interrupted():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "wisdom")
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)):
            result = interrupted(path, number)
            told = "i8a8:m1n64k64" in result.stdout and "1 of 2 were not tuned" in result.stdout
            check(f"tune until {number.name}", result.returncode == code and plans_of(path) == 1 and
                  (told or number == signal.SIGKILL), result)
            whole = lowbit("wisdom", "check", path, "--isa", "scalar")
            check(f"wisdom after {number.name}", whole.returncode == OK, whole)
            os.remove(path)


def test_quantize_files():
    """A file of tensors that is right, and one whose tensors overlap."""
    entry = '"%s":{"dtype":"F32","shape":[2,8],"data_offsets":[%d,%d]}'
    for begin, code, text in ((64, OK, "i4"), (60, FAILED, '"b" begins at 60, but the one before it ends at 64')):
        header = "{" + entry % ("a", 0, 64) + "," + entry % ("b", begin, begin + 64) + "}"
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            file.write(len(header).to_bytes(8, "little") + header.encode() + bytes(begin + 64))
            file.flush()
            answers(["quantize", file.name, "--format", "i4", "--isa", "scalar"], code, text)


def test_progress():
    ours, theirs = pty.openpty()
    words = ["tune", "i8a8:m64n256k256", "--isa", "scalar", "--threads", "1", "--wisdom", "none"]
    result = lowbit(*words, stderr=theirs)
    said = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    check("progress on a terminal", result.returncode == OK and "] 1/1 " in said and "left" in said and
          "i8a8:m64n256k256" in said, result)
    check("no progress elsewhere", not lowbit(*words).stderr)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
print("\n".join(failures) or "ok")
sys.exit(bool(failures))
