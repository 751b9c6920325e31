#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program `lowbit` from outside: help, exit codes, what goes to which stream, JSON, full disks, closed pipes.

    program.py LOWBIT     the path of the program
"""
import json
import os
import tempfile

import outside
from outside import answers, check, enabled, FAILED, lowbit, nowhere, OK, USAGE


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


def test_quantize_files():
    """A file of tensors that is right, and one whose tensors overlap."""
    entry = '"%s":{"dtype":"F32","shape":[2,8],"data_offsets":[%d,%d]}'
    for begin, code, text in ((64, OK, "i4"), (60, FAILED, '"b" begins at 60, but the one before it ends at 64')):
        header = "{" + entry % ("a", 0, 64) + "," + entry % ("b", begin, begin + 64) + "}"
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            file.write(len(header).to_bytes(8, "little") + header.encode() + bytes(begin + 64))
            file.flush()
            answers(["quantize", file.name, "--format", "i4", "--isa", "scalar"], code, text)


outside.run_tests(globals())
