#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit bench` from outside: sets of problems, CPUs, disassembly, limits that are kept, libraries.

    program_bench.py LOWBIT     the path of the program
"""
import json
import os
import re
import shutil
import tempfile

import outside
from outside import answers, check, FAILED, lowbit, OK, read, USAGE, write


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


CONVS = """# some layers
formats i8a8s

first h6w5c3n4k3s2p1:s8+bias
pixel b2h4w4c64n16k1
"""


def test_conv():
    """`bench conv`: cells of `bench gemm` with the text of a convolution; sets of either kind keep to their command."""
    words = ["h5w6c16n20k3p1+bias", "h4w4c6n12k3p1g6", "h6w6c32n32k3p1g2"]
    result = lowbit("bench", "conv", *[f"{{i8a8s,b1a1,f32af,i4g32a8}}:{word}" for word in words], "--time", "0.001",
                    "--passes", "1", "--threads", "1,2", "--json", "-")
    cells = json.loads(result.stdout or '{"results": []}')["results"]
    check("bench conv", len(cells) == 24 and all(x["within_bound"] and x["median_us"] > 0 for x in cells), result)
    check("bench conv is exact", all(x["exact"] for x in cells if "af" not in x["act"]))
    check("bench conv tells the product", (cells[0]["conv"], cells[0]["problem"], cells[0]["m"], cells[0]["k"]) ==
          ("i8a8s:h5w6c16n20k3p1+bias", "i8a8s:m30n20k144+bias", 30, 144))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mine.txt")
        write(path, CONVS)
        words = ["bench", "conv", "--shapes", path, "--time", "0.001", "--passes", "1", "--json", "-"]
        cells = json.loads(lowbit(*words, "--format", "t2", "--m", "3").stdout)["results"]
        check("layers of convolutions", [(x["conv"], x["set"], x["layer"]) for x in cells] ==
              [("t2a8:b3h6w5c3n4k3s2p1:s8+bias", "mine", "first"), ("t2a8:b2h4w4c64n16k1", "mine", "pixel")])
        answers(["bench", "gemm", "--shapes", path], FAILED, "`bench conv` times those")
        answers(["bench", "conv", "--shapes", "resnet20-cifar"], FAILED, "no convolutions")
        write(path, "formats i8\nup m1n4k4\nfirst h4w4c4n4k1\n")
        answers(["bench", "conv", "--shapes", path], FAILED, "are no set")
    answers(["bench", "conv", "i8a8s:h4w4c4n4k9"], FAILED, "the padded image has")
    answers(["bench", "conv", "i8a8:m1n4k4"], USAGE, "does not fit the grammar")
    result = lowbit("bench", "conv", "i8a8s:h4w4c6n6k1g2", "--time", "0.001")
    check("groups that are not timed", result.returncode == FAILED and "a multiple of 16" in result.stderr, result)
    listed = answers(["bench", "conv", "--shapes", "help"], OK, "conv-resnet18").stdout
    check("sets of convolutions", "conv-alexnet" in listed and "bert-large" not in listed, listed)


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
        lines = result.stdout.splitlines()
        check(f"--peers {peers} fits 100 columns", all(len(line) <= 100 or "drift" in line for line in lines), result)
        lines = lines[2:]
        check(f"--peers {peers}", result.returncode == OK and not result.stderr and
              [name for name in known if any(name in line for line in lines)] ==
              [name for name in known if name in peers.split(",")], result)


outside.run_tests(globals())
