# SPDX-License-Identifier: Apache-2.0
"""What the tests of the program `lowbit` from outside share; the path of the program is their first argument."""
import json
import os
import subprocess
import sys
import tempfile

LOWBIT = sys.argv[1]
OK, FAILED, USAGE = 0, 1, 2
NOISE = ("others disturb what is timed", "times will waver", "were timed while the machine was")
failures = []
nowhere = tempfile.TemporaryDirectory()  # the wisdom of whoever runs the tests is not ours


def lowbit(*words, env=None, **options):
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    result = subprocess.run([LOWBIT, *words], text=True, env=environment(env), timeout=120, **options)
    if result.stderr:  # what a bench says of the machine that tests run on
        result.stderr = "".join(x for x in result.stderr.splitlines(True) if not any(noise in x for noise in NOISE))
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


def enabled(*words, env=None):
    report = json.loads(lowbit("info", "--json", "-", *words, env=env).stdout)
    return {x["name"] for x in report["levels"] if x["enabled"]}


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def plans_of(path):
    return read(path).count("\nplan ") if os.path.exists(path) else 0


def run_tests(module):
    """Runs the functions test_* of a file, tells what failed and ends."""
    for name, test in list(module.items()):
        if name.startswith("test_"):
            test()
    print("\n".join(failures) or "ok")
    sys.exit(bool(failures))
