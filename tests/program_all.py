#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit bench all` from outside: its steps, what it leaves, what becomes of a step that fails.

    program_all.py LOWBIT     the path of the program
"""
import json
import os
import re
import tempfile

import outside
from outside import answers, check, FAILED, lowbit, nowhere, USAGE, write


def test_bench_all():
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "a", "b")
        os.makedirs(os.path.join(target, "layers.json", "in the way"))
        cpu = str(min(os.sched_getaffinity(0)))
        words = ["bench", "all", "-o", target, "--time", "0.0001", "--cpu-list", cpu]
        result = lowbit(*words, "pack", "limits", "layers")
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


outside.run_tests(globals())
