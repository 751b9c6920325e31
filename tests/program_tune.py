#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit tune` and `lowbit wisdom` from outside: decisions, lists, gains, signals, progress.

    program_tune.py LOWBIT     the path of the program
"""
import json
import math
import os
import pty
import signal
import subprocess
import tempfile
import time
import zlib

import outside
from outside import (answers, check, enabled, environment, FAILED, LOWBIT, lowbit, nowhere, OK, plans_of, read, USAGE, write)


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


outside.run_tests(globals())
