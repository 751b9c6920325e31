#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/peers_beside.py without any of its libraries: what it makes of their absence, and the numbers it gives them.

usage: beside_py.py LOWBIT FOLDER       FOLDER is the repository's; exits with 77 where numpy is missing
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("SKIPPED: this python has no numpy")
    sys.exit(77)

LOWBIT, BENCH = sys.argv[1], os.path.join(sys.argv[2], "bench")
sys.path.insert(0, BENCH)
sys.dont_write_bytecode = True
from beside.product import Product, Run, Way, error_of, pack  # noqa: E402
from beside.times import comparison, summary  # noqa: E402

PROBLEM = "i4g32a8:m3n5k70"


def beside(*words, modules=""):
    environment = {**os.environ, "PYTHONPATH": modules, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, os.path.join(BENCH, "peers_beside.py"), *words]
    return subprocess.run(command, text=True, capture_output=True, env=environment, timeout=120)


def plant(folder, **modules):
    for name, text in modules.items():
        with open(os.path.join(folder, name + ".py"), "w", encoding="utf-8") as file:
            file.write(text)


def test_ends():
    """A library that is missing, and one that dies, are rows like others."""
    with tempfile.TemporaryDirectory() as folder:
        plant(folder, torch="raise ImportError('planted')", openvino="import os; os.abort()")
        words = [LOWBIT, PROBLEM, "--time", "0.01", "--libraries", "torch,openvino", "--json", "-"]
        done = beside(*words, modules=folder)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    ends = [(row["impl"], row["status"], row["reason"]) for row in report["results"]]
    assert ends == [("torch", "absent", "planted"), ("openvino", "crashed", "SIGABRT")], ends
    first = report["results"][0]
    assert (first["problem"], first["m"], first["n"], first["k"], first["beside"]) == (PROBLEM, 3, 5, 70, True), first
    assert "machine" in report and "run" in report


def test_usage():
    assert "usage:" in beside("--help").stdout
    for words in ([LOWBIT], [LOWBIT, "--time"]):
        assert beside(*words).returncode == 2
    assert "only plain products" in beside(LOWBIT, "f32af:m1n1k1").stderr


def test_numbers():
    product = Product(PROBLEM).fill()
    assert pack(np.array([[1, 2, 3, 15]]), 4).tolist() == [[0x21, 0xF3]]
    assert pack(np.array([[1, 2, 3, 0]]), 2).tolist() == [[0b00111001]]
    codes, scales = product.block_codes(32), product.block_scales(32)
    assert codes.shape == (5, 3, 32) and scales.shape == (5, 3)
    blocks = ((codes.astype(np.float32) - 8) * scales[:, :, None]).reshape(5, 96)[:, :70]
    assert np.array_equal(blocks, product.weights())
    assert np.array_equal(Product("i4g64a8:m1n2k128").fill().block_scales(32)[:, ::2],
                          Product("i4g64a8:m1n2k128").fill().scales)


def test_check():
    product = Product(PROBLEM).fill()
    y = product.a.astype(np.float64) @ product.weights().T.astype(np.float64)
    sums = product.a8.astype(np.int64) @ product.codes.T
    near, exact = (Way("", None, None, tolerance) for tolerance in (1e-9, 0))
    assert error_of(near, Run([], lambda: y), product) < 1e-9
    assert error_of(exact, Run([], lambda: sums), product) == 0
    y[2, 4] *= 1.5
    sums[0, 1] += 1
    assert error_of(near, Run([], lambda: y), product) > 1e-4
    assert error_of(exact, Run([], lambda: sums), product) == 1


def test_statistics():
    product = Product(PROBLEM)
    theirs = summary([second * 1e-6 for second in range(1, 101)], product.operations())
    assert (theirs["samples"], theirs["min_us"]) == (100, 1) and 50 <= theirs["median_us"] <= 52
    assert 39 <= theirs["low_us"] <= 42 and 59 <= theirs["high_us"] <= 62, theirs
    ours = {"low_us": 30, "median_us": 35, "high_us": 39}
    assert comparison(theirs, [ours])["verdict"] == "faster"
    assert comparison(theirs, [{**ours, "high_us": 50}])["verdict"] == "none"
    assert comparison(theirs, [{**ours, "low_us": 70, "high_us": 80}])["verdict"] == "slower"


for test in (test_ends, test_usage, test_numbers, test_check, test_statistics):
    test()
    print(f"{test.__name__} passed")
