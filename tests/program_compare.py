#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit bench compare` from outside: constructed files, hostile files, files of the benches themselves; and what those
say about their samples, the machine and the build.

    program_compare.py LOWBIT     the path of the program
"""
import copy
import json
import os
import tempfile

import outside
from outside import check, FAILED, lowbit, OK, USAGE

folder = tempfile.TemporaryDirectory()


def put(name, value):
    path = os.path.join(folder.name, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))
    return path


def row(problem, us, **more):
    """A product whose seven visits lie within a percent of the time."""
    visits = [{"samples": 3, "median_us": us * (1 + (i - 3) / 300)} for i in range(7)]
    return {"problem": problem, "threads": 1, "cold": False, "impl": "lowbit", "isa": "avx2", "median_us": us,
            "low_us": us * 0.99, "high_us": us * 1.01, "visits": visits, "moments": [0.995, 1.005], **more}


def report(*rows, **run):
    return {"machine": {"cpu": "A CPU", "cores": 4}, "run": {"version": "0.1.0", "date": "now", **run},
            "results": list(rows)}


def compare(a, b, *words):
    return lowbit("bench", "compare", put("a.json", a), put("b.json", b), *words)


def told(a, b, *words):
    return json.loads(compare(a, b, "--json", "-", *words).stdout)


def test_verdicts():
    problems = ["i8a8:m1n64k64", "i4a8:m1n64k64", "i2a8:m1n64k64"]
    a = report(*[row(p, 100) for p in problems], compiler="gcc 12")
    b = report(*[row(p, us) for p, us in zip(problems, (120, 100, 80))], compiler="clang 19")
    both = told(a, b)
    check("verdicts", [x["verdict"] for x in both["results"]] == ["slower", "none", "faster"])
    check("ratios", [round(x["ratio"], 2) for x in both["results"]] == [1.2, 1, 0.8] and
          all(x["ratio_low"] <= x["ratio"] <= x["ratio_high"] for x in both["results"]))
    s = both["summary"]
    check("the summary", (s["count"], s["faster"], s["slower"], s["none"], s["within"], s["intervals"], s["a_covers"]) ==
          (3, 1, 1, 1, 1, 3, 1) and abs(s["mean"] - (1.2 * 0.8) ** (1 / 3)) < 1e-6)
    check("what differs", [(x["of"], x["key"], x["a"], x["b"]) for x in both["differences"]] ==
          [("run", "compiler", "gcc 12", "clang 19")])
    text = compare(a, b)
    check("the table", text.returncode == OK and "slower" in text.stdout and "run.compiler" in text.stdout and
          "33.3 %" in text.stdout, text)
    check("100 columns", all(len(line) <= 100 for line in text.stdout.splitlines() if folder.name not in line), text)
    for threshold, code in (("5", FAILED), ("30", OK)):
        result = compare(a, b, "--threshold", threshold)
        check(f"--threshold {threshold}", result.returncode == code and "beyond chance" in result.stdout, result)
    check("equal files", told(a, a)["summary"]["none"] == 3 and not told(a, a)["differences"])


def test_pairs():
    problem = "i8a8:m1n64k64"
    rows = [row(problem, 1), row(problem, 2, threads=2), row(problem, 3, cold=True), row(problem, 4, impl="ggml", way="q8"),
            row(problem, 5), row("b1a1:m1n64k64", 6)]
    other = copy.deepcopy(rows[::-1][1:]) + [row("t2a8:m1n64k64", 7)]
    both = told(report(*rows), report(*other))
    pairs = sorted((x["a"], x["b"]) for x in both["results"])
    check("rows are paired by what they are", pairs == [(1, 5), (2, 2), (3, 3), (4, 4), (5, 1)])
    check("what is alone", both["a"]["alone"][0]["problem"] == "b1a1:m1n64k64" and
          both["b"]["alone"][0]["problem"] == "t2a8:m1n64k64")
    text = compare(report(*rows), report(*other)).stdout
    check("what is alone is told", "only in A: b1a1" in text and "only in B: t2a8" in text)
    refused = row(problem, 1, impl="onednn", median_us=0, status="refused")
    both = told(report(rows[0], refused), report(rows[0], row(problem, 1, impl="onednn")))
    check("rows without a time", both["a"]["timeless"] == 1 and both["summary"]["count"] == 1)
    limit = {"limit": "read", "isa": "avx2", "width": 0, "bytes": 32768, "threads": 1, "unit": "byte/s", "median": 1e11}
    fork = {"limit": "fork_join", "isa": None, "width": 0, "bytes": 0, "threads": 2, "unit": "s", "median": 1e-6}
    pack = {"op": "packbits big", "bytes": 4096, "median_us": 1.0}
    rows = [limit, fork, pack]
    both = told(report(*rows), report({**limit, "median": 5e10}, {**fork, "median": 2e-6}, {**pack, "median_us": 0.5}))
    check("limits, forks and packing", [x["ratio"] for x in both["results"]] == [2, 2, 0.5] and
          [x["unit"] for x in both["results"]] == ["GB/s", "us", "us"])
    wide = report(row("i4zg32pa8s:m4n3072k768:s8+bias+gelu_tanh+res" + "x" * 300, 1e9, way="\u001b[31m" + "y" * 50))
    text = compare(wide, wide)
    check("long names", text.returncode == OK and "\u001b" not in text.stdout and
          all(len(x) <= 100 for x in text.stdout.splitlines() if folder.name not in x), text)


def test_hostile():
    good = report(row("i8a8:m1n64k64", 1))
    values = [None, True, -1, 0, 1e308, 1e-300, 10 ** 18, "x", "\u001b[2J", [], {}, [[]], [1], {"a": {}}, ["\ud83d\ude00"]]
    for value in values:
        for field in [*good["results"][0], "limit", "op", "unit", "median"]:
            bad = report({**good["results"][0], field: value})
            for pair in ((bad, good), (good, bad), (bad, bad)):
                survives(f"{field} = {value!r}", *pair)
        survives(f"limit {value!r}", report({"limit": "dot", "unit": "op/s", "median": value}), good)
        survives(f"unit {value!r}", report({"limit": "dot", "unit": value, "median": 1}), good)
        for part in ("machine", "run", "results"):
            survives(f"{part} = {value!r}", {**good, part: value}, good)
            survives(f"a key of {part} = {value!r}", {**good, "run": {**good["run"], "version": value}}, good)
        for visit in (value, {"median_us": value}):
            survives(f"visit {visit!r}", report(row("i8a8:m1n64k64", 1, visits=[visit] * 5)), good)
        survives(f"the whole {value!r}", value, good)
    for text in ("", "{", "[" * 100000, '{"results": [' + "1," * 1000, "\x00", '{"a": 1, "a": 2}'):
        survives(f"text {text[:10]!r}", text, good)
    result = compare(report(row("i8a8:m1n64k64", 1, visits=[{"median_us": 1}] * 101)), good)
    check("too many visits", result.returncode == FAILED and "visits" in result.stderr, result)
    result = compare(report(row("i8a8:m1n64k64", 1), row("i8a8:m1n64k64", 1, median_us="soon")), good)
    check("the reason", result.returncode == FAILED and "results[1]: median_us" in result.stderr, result)
    result = compare(good, report(row("i8a8:m1n64k65", 1)))
    check("nothing in common", result.returncode == FAILED and "no row" in result.stderr, result)
    result = lowbit("bench", "compare", put("a.json", good), os.path.join(folder.name, "absent"))
    check("no file", result.returncode == FAILED and "absent" in result.stderr, result)
    check("one file", lowbit("bench", "compare", "a").returncode == USAGE)


def survives(what, a, b):
    """Answers, or refuses with a reason; never crashes."""
    result = compare(a, b)
    fine = result.returncode == OK or (result.returncode == FAILED and result.stderr.startswith("lowbit bench compare: "))
    check(f"hostile: {what}", fine and "\u001b" not in result.stdout, result)


def test_benches():
    """The benches write what compare reads, every sample with it."""
    path = os.path.join(folder.name, "gemm.json")
    words = ["bench", "gemm", "i8a8:m1n64k64", "t2a8:m4n32k64", "--threads", "1,2", "--time", "0.01"]
    text = lowbit(*words, "--json", path)
    with open(path, encoding="utf-8") as file:
        whole = json.load(file)
    check("bench gemm", text.returncode == OK and len(whole["results"]) == 4, text)
    for x in whole["results"]:
        medians = sorted(v["median_us"] for v in x["visits"])
        check("samples", len(x["samples_us"]) == x["samples"] == sum(v["samples"] for v in x["visits"]))
        check("seven visits", x["passes"] == 7 == len(medians) and abs(medians[3] / x["median_us"] - 1) < 1e-6 and
              
              abs(min(medians[0], x["moments"][0] * medians[3]) / x["low_us"] - 1) < 1e-6 and
              abs(max(medians[6], x["moments"][1] * medians[3]) / x["high_us"] - 1) < 1e-6)
        check("drift", x["drift"] >= 1 and all(v["drift"] >= 1 for v in x["visits"]))
        counted = whole["run"]["counters"] == "measured"
        check("counters or the reason", (x["counters"] is not None) == counted and whole["run"]["counters"])
    keys = {"version", "revision", "compiler", "build_type", "flags", "libraries", "governor", "frequency_driver", "turbo",
            "smt", "microcode", "container", "huge_pages", "load_average", "system", "kernel", "date", "counters", "limits"}
    check("run", set(whole["run"]) == keys and set(whole["run"]["libraries"]) == {"hwloc", "highway", "jansson"})
    check("compare reads bench gemm", lowbit("bench", "compare", path, path).returncode == OK)
    one = json.loads(lowbit(*words, "--passes", "1", "--json", "-").stdout)["results"][0]
    check("--passes 1", one["passes"] == 1 and len(one["visits"]) == 1 and
          one["visits"][0]["samples"] == one["samples"] == len(one["samples_us"]))
    for passes in ("0", "101", "x"):
        check(f"--passes {passes}", lowbit(*words, "--passes", passes).returncode == USAGE)
    path = os.path.join(folder.name, "pack.json")
    lowbit("bench", "pack", "--time", "0.0001", "--json", path)
    with open(path, encoding="utf-8") as file:
        whole = json.load(file)
    check("bench pack", "load_average" in whole["run"] and
          all(len(x["samples_us"]) == x["samples"] for x in whole["results"]))
    check("compare reads bench pack", lowbit("bench", "compare", path, path).returncode == OK)
    path = os.path.join(folder.name, "limits.json")
    lowbit("bench", "limits", "--time", "0.0001", "--threads", "1", "--isa", "scalar", "--wisdom", "none", "--json", path)
    check("compare reads bench limits", lowbit("bench", "compare", path, path).returncode == OK)
    path = os.path.join(folder.name, "tune.json")
    lowbit("tune", "i8a8:m1n64k64", "--threads", "1", "--budget", "0.01", "--wisdom", "none", "--json", path)
    check("compare reads tune", lowbit("bench", "compare", path, path).returncode == OK)


outside.run_tests(globals())
