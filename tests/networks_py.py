#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/networks_beside.py and networks_table.py without any library: a planted one, one that is not there, one that
dies, and a planted program; and the numbers that they make.

usage: networks_py.py FOLDER       FOLDER is the repository's; exits with 77 where numpy is missing
"""
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time

try:
    import numpy as np
except ImportError:
    print("SKIPPED: this python has no numpy")
    sys.exit(77)

BENCH = os.path.join(sys.argv[1], "bench")
sys.path.insert(0, BENCH)
sys.dont_write_bytecode = True
from beside.cpus import for_threads, spread  # noqa: E402
from beside.network import Network, angle_error, range_error  # noqa: E402
from beside.tensors import load, save  # noqa: E402
from beside.worker import time_calls  # noqa: E402
from networks_table import table  # noqa: E402

# Logits are the first numbers of an image, so that every way knows them.
LIBRARY = """
    from beside.network import Way
    from beside.product import Run

    VERSION = "1.2"

    def start(threads):
        assert threads == 1

    def empty_call():
        return lambda: None

    def way(change):
        def make(network):
            logits = network.inputs[:, 0, 0, :3].copy()
            return Run([lambda: None], lambda: change(logits))

        return make

    def refuse(network):
        raise RuntimeError("planted")

    WAYS = [Way("same", "f32", way(lambda y: y)), Way("coarse", "int8", way(lambda y: y + 0.02)),
            Way("off", "f32", way(lambda y: y + 0.02)), Way("mirrored", "int8", way(lambda y: -y)),
            Way("none", "int8", refuse), Way("other", "int8", refuse, ("transformer",))]
"""
PROGRAM = """
    import json, os, sys

    def word(option):
        return sys.argv[sys.argv.index(option) + 1]

    if sys.argv[1] == "info":
        print(json.dumps({"version": "9.9", "compiler": "none", "machine": {"cpu": "planted"}}))
    elif sys.argv[1] == "quantize":
        assert os.path.exists(os.path.join(sys.argv[2], "network.json")), sys.argv
        assert word("--calibrate") == os.path.join(sys.argv[2], "calibration.x"), sys.argv
        if word("--recipe") not in ("w8a8", "ternary", "f32"):
            sys.exit("no such recipe")
        with open(word("-o"), "w") as file:
            file.write(word("--recipe") + " " + sys.argv[2])
    elif sys.argv[1] == "run":
        import numpy
        from beside.network import Network

        recipe, folder = open(sys.argv[2]).read().split()
        assert word("--data") == os.path.join(folder, "reference.x"), sys.argv
        logits = Network(folder, None).fill().logits
        numpy.save(word("--npy"), {"w8a8": logits + 0.01, "ternary": -logits, "f32": logits + 0.01}[recipe])
    else:
        assert sys.argv[1:3] == ["bench", "network"] and os.path.exists(sys.argv[3]), sys.argv
        assert word("--batch") == "2" and len(os.sched_getaffinity(0)) == 1 and "--length" not in sys.argv, sys.argv
        print(json.dumps({"run": {"revision": "abc"}, "results": [{"samples_us": [10.0, 11.0, 12.0]}]}))
"""


def plant(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(textwrap.dedent(text))
    os.chmod(path, 0o755)
    return path


def plant_network(folder, count=4):
    images = np.random.default_rng(1).uniform(-1, 1, (count, 3, 4, 4)).astype(np.float32)
    plant(os.path.join(folder, "network.json"), json.dumps({
        "name": "planted", "family": "cnn", "macs": 500, "input": [3, 4, 4], "data": ".x", "recipes": ["ternary"]}))
    save(os.path.join(folder, "model.safetensors"), {})
    save(os.path.join(folder, "reference.safetensors"), {"inputs": images, "logits": images[:, 0, 0, :3].copy()})
    return images


def beside(*words, modules=""):
    paths = os.pathsep.join((modules, BENCH))  # that of the bench for the planted program
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, os.path.join(BENCH, "networks_beside.py"), *words]
    return subprocess.run(command, text=True, capture_output=True, env=environment, timeout=120)


def test_whole():
    """Every end that a way may take is a row, and those that are well have numbers."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in (("beside/planted_nets.py", LIBRARY), ("torch.py", "raise ImportError('planted')"),
                           ("openvino.py", "import os; os.abort()")):
            plant(os.path.join(folder, path), text)
        program = plant(os.path.join(folder, "lowbit"), f"#!{sys.executable}\n" + textwrap.dedent(PROGRAM))
        plant_network(os.path.join(folder, "nets", "planted"))
        words = [program, os.path.join(folder, "nets"), "--libraries", "planted,torch,openvino", "--batch", "2",
                 "--threads", "1", "--time", "0.01", "--json"]
        unsaid = beside(*words, "-", "--libraries", "", modules=folder)
        words[-1:] = ["--ours", "w8a8,w4a8,f32", "--json"]
        done = beside(*words, "-", modules=folder)
        text = beside(*words, os.path.join(folder, "out.json"), modules=folder).stdout
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["machine"] == {"cpu": "planted"} and report["run"]["revision"] == "abc", report
    rows = {(row["impl"], row["way"]): row for row in report["results"]}
    ends = {key: row["status"] for key, row in rows.items()}
    assert ends == {("planted", "same"): "ok", ("planted", "coarse"): "ok", ("planted", "off"): "wrong",
                    ("planted", "mirrored"): "wrong", ("planted", "none"): "refused", ("torch", ""): "absent",
                    ("openvino", ""): "crashed", ("lowbit", "w8a8"): "ok", ("lowbit", "w4a8"): "refused",
                    ("lowbit", "f32"): "wrong"}, ends
    assert rows["lowbit", "w4a8"]["reason"] == "no such recipe" and rows["planted", "none"]["reason"] == "planted"
    assert [(row["way"], row["status"], round(row["error"], 6)) for row in json.loads(unsaid.stdout)["results"]] == [
        ("ternary", "ok", 2)], unsaid
    ours, same = rows["lowbit", "w8a8"], rows["planted", "same"]
    assert (ours["median_us"], ours["samples"], ours["version"]) == (11, 12, "9.9"), ours
    assert abs(ours["gops"] - 2 * 500 * 2 / 11e3) < 1e-9 and ours["kind"] == "w8a8", ours
    assert same["error"] == 0 and same["samples"] == len(same["samples_us"]) >= 12 and same["ours_us"] == 11, same
    assert 0 < rows["planted", "coarse"]["error"] < 0.02
    assert "| model | batch | threads | openvino | planted 1.2 f32 | planted 1.2 int8 | torch |" in text, text


def test_usage():
    assert "usage:" in beside("--help").stdout
    with tempfile.TemporaryDirectory() as folder:
        assert "networks_make.py makes them" in beside("/bin/true", folder).stderr
        done = beside("/bin/true", folder, "resnet18-224")
    assert done.returncode == 2 and "has no network resnet18-224" in done.stderr, done.stderr


def test_network():
    with tempfile.TemporaryDirectory() as folder:
        images = plant_network(folder)
        network = Network(folder, 3).fill()
        assert np.array_equal(network.inputs, images[:3]) and network.logits.shape == (3, 3)
        assert network.operations() == 2 * 500 * 3
        assert len(Network(folder, None).fill().inputs) == 4
        try:
            Network(folder, 5).fill()
        except ValueError:
            pass
        else:
            raise AssertionError("a batch without images")
        counts = np.array([7], np.int64)
        save(os.path.join(folder, "x"), {"a.b": images, "count": counts})
        assert np.array_equal(load(os.path.join(folder, "x"))["a.b"], images)
        with open(os.path.join(folder, "x"), "rb") as file:
            data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0 and header["count"] == {"dtype": "I64", "shape": [1], "data_offsets": [768, 776]}, header
    assert data[8 + length + 768 :] == counts.tobytes()


def test_errors():
    logits = np.array([[1.0, -1.0, 3.0]])
    assert range_error(logits, logits) == 0 and abs(range_error(logits + 0.04, logits) - 0.01) < 1e-12
    assert abs(angle_error(2 * logits, logits)) < 1e-12 and abs(angle_error(-logits, logits) - 2) < 1e-12
    assert abs(angle_error(np.array([[1.0, 1.0, 0.0]]), logits) - 1) < 1e-12
    assert not range_error(logits * np.nan, logits) <= 1, "what is no number is no small error"


def test_cpus():
    cores = {0: "0,4", 4: "0,4", 1: "1,5", 5: "1,5"}
    assert spread(cores, 1) == {0} and spread(cores, 2) == {0, 1} and spread(cores, 3) == {0, 1, 4}
    assert spread(cores, 9) == {0, 1, 4, 5}
    assert spread({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, 2) == {0, 2}
    assert len(for_threads(1)) == 1


def test_clock():
    calls = []
    assert len(time_calls([lambda: calls.append(1)], 0, least=3)) == 3 and len(calls) == 4
    start = time.perf_counter()
    time_calls([lambda: None], 0, warm=0.05)
    assert time.perf_counter() - start >= 0.05


def row(impl, way, kind, median, status="ok"):
    times = {"median_us": median, "low_us": median * 0.9, "high_us": median * 1.1} if status == "ok" else {}
    return {"model": "net", "batch": 1, "threads": 2, "impl": impl, "way": way, "kind": kind, "status": status,
            "version": "1", **times}


def test_table():
    results = [row("b", "x", "f32", 500), row("b", "y", "f32", 300), row("a", "z", "int8", 200),
               row("c", "w", "int8", 0, "wrong"), row("lowbit", "w8a8", "w8a8", 100), row("lowbit", "t", "t", 0, "refused")]
    lines = table(results)
    assert lines[0] == "| model | batch | threads | a 1 int8 | b 1 f32 | c 1 int8 | lowbit 1 w8a8 | lowbit 1 t | theirs / ours |"
    assert lines[1] == "|" + "---|" * 9
    assert lines[2:] == ["| net | 1 | 2 | 200 | 300 | WRONG | 100 | - | 2.00 (1.64..2.44) |"], lines
    assert table(results[:3])[2] == "| net | 1 | 2 | 200 | 300 |"
    alone = table([row("lowbit", "w8a8", "w8a8", 0, "refused"), *results[:1]])
    assert alone[2] == "| net | 1 | 2 | 500 | - |  |", alone


for test in (test_whole, test_usage, test_network, test_errors, test_cpus, test_clock, test_table):
    test()
    print(f"{test.__name__} passed")
