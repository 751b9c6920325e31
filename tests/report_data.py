# SPDX-License-Identifier: Apache-2.0
"""Files for the tests of `lowbit bench report`: small real runs, and rows of other libraries made up by the schema."""
import copy
import json
import os
import pathlib
import subprocess
import tempfile

nowhere = tempfile.TemporaryDirectory()
REASON = 'signal 11 <b>& "quoted", `date` | a_b*c\x1b[31m' + "\N{LATIN SMALL LETTER E WITH ACUTE}"


def run(lowbit, *words):
    """Runs the program without the wisdom of whoever tests."""
    environment = {k: v for k, v in os.environ.items() if k != "LOWBIT_ISA"}
    environment["XDG_CACHE_HOME"] = nowhere.name
    return subprocess.run([lowbit, *words], capture_output=True, text=True, env=environment)


def must_run(lowbit, *words):
    result = run(lowbit, *words)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: exit {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result.stdout


def peers_of(ours):
    """What three libraries said to the same problems: one is slower, one is wrong, one crashes half of the time."""
    rows = []
    for i, row in enumerate(r for r in ours if r["threads"] == 1):
        same = {k: row[k] for k in ("problem", "format", "act", "m", "n", "k", "threads", "cold")}
        ratio = 0.8 + 0.1 * (i % 9)
        low, high = ratio * 0.95, ratio * 1.06
        verdict = "faster" if low > 1 else "slower" if high < 1 else "none"
        rows.append({**same, "impl": "onednn", "way": "s8s8", "version": "2.6", "status": "ok", "reason": "",
                     "median_us": row["median_us"] * ratio, "gops": row["gops"] / ratio, "ratio": ratio,
                     "ratio_low": low, "ratio_high": high, "verdict": verdict, "beside": False, "call_us": 0})
        rows.append({**same, "impl": "xnnpack", "way": "qc4w", "version": "1", "status": "wrong", "reason": "17 are"})
        if i % 2:
            rows.append({**same, "impl": "ggml", "way": "q4_0 repack", "version": "3", "status": "crashed",
                         "reason": REASON})
        else:  # as older files have them: without status and ratio
            rows.append({**same, "impl": "ggml", "way": "q4_0 repack", "median_us": row["median_us"] * 1.5,
                         "gops": row["gops"] / 1.5})
    return rows


def sampled(rows):
    """Adds what newer files have: all samples, of a machine that is disturbed now and then."""
    for row in rows:
        row["samples_us"] = [row["median_us"] * (1 + 0.002 * (i % 17) + 0.5 * (i == 40)) for i in range(41)]
    return rows


RECIPES = ("w8a8", "w8a8-dynamic", "w4a8", "w4a8g128", "w4a8g32", "w2a8", "ternary", "ternary-all", "bitnet",
           "binary-all-but-first-last", "nf4", "weight-only", "power-of-two", "*: i8a8; fc: f32af32", "<b>|\x1b[31m", "bf16")


def networks(floats):
    """Rows of `lowbit eval` from one in floats: many recipes, as right as it or not, in all sizes."""
    rows = []
    for threads in (1, 2):
        for batch in (1, 32):
            for i, recipe in enumerate(("f32",) + RECIPES):
                payload = floats["payload_bytes"] // (1, 4, 4, 8, 8, 8, 16)[i % 7]
                accuracy = 0.915 - 0.002 * (i % 5) - (0.6 if i % 7 == 6 else 0)
                rows.append({**floats, "model": "resnet20_cifar10", "recipe": "", "format": recipe, "accuracy": accuracy,
                             "correct": round(1000 * accuracy), "images": 1000, "agreement": 1 - 0.01 * i,
                             "payload_bytes": payload, "batch": batch, "threads": threads,
                             "p50_us": 2000 * batch / threads / (1 + 0.2 * (i % 9)) * (2 if i == 5 else 1)})
    return rows


def layers():
    """Rows of `lowbit eval --sensitivity`: more layers and formats than one picture has room for."""
    row = {"model": "resnet56", "images": 1000, "payload_bytes": 1000}
    formats = ("i8a8s", "i4a8s", "i4g128pa8s", "i2a8s", "t2a8s", "b1a8s", "b1a1")
    rows = [{**row, "layer": "(none)", "format": "f32", "correct": 930, "accuracy": 0.93}]
    for i in range(56):
        for j, name in enumerate(formats):
            accuracy = 0.93 - 0.002 * j - (0.05 * j * j if i % 9 == 3 else 0) / 4
            rows.append({**row, "layer": f"layer{i // 18 + 1}.{i // 2}.conv{i % 2 + 1}", "format": name,
                         "correct": round(1000 * accuracy), "accuracy": accuracy})
    return rows


def cifar(path, images):
    """A file of CIFAR-10 with images of noise."""
    pathlib.Path(path).write_bytes(b"".join(bytes([i % 10]) + os.urandom(3072) for i in range(images)))
    return str(path)


def make_networks(lowbit, folder, paths):
    """Small real runs of the commands of networks, and many rows by their schema."""
    quick = ("--random", "--data", cifar(folder / "cifar.bin", 40))
    must_run(lowbit, "bench", "network", "resnet8", "--random", "--time", "0.001", "--threads", "1,2", "--json",
             paths["network"])
    must_run(lowbit, "eval", "resnet8", *quick, "--recipe", "w8a8", "--json", paths["eval"])
    must_run(lowbit, "eval", "resnet8", *quick, "--sensitivity", "i8a8", "--limit", "8", "--json", paths["layers"])
    eval_, studied = (json.loads(pathlib.Path(paths[name]).read_text()) for name in ("eval", "layers"))
    eval_["results"] += networks(eval_["results"][0])
    studied["results"] += layers()
    pathlib.Path(paths["eval"]).write_text(json.dumps(eval_))
    pathlib.Path(paths["layers"]).write_text(json.dumps(studied))


def make(lowbit, folder):
    """Writes the files, and returns their paths by name."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: str(folder / f"{name}.json") for name in
             ("limits", "gemm", "pack", "tune", "peers", "network", "eval", "layers")}
    problems = [f"{f}:m{m}n64k64" for f in ("i8a8", "i4g32a8", "t2a8") for m in (1, 4, 16)]
    problems += [f"i8a8:m4n{n}k64" for n in (128, 256)] + [f"i8a8:m4n64k{k}" for k in (128, 256)]
    problems += ["b1a1:m8n64k64", "i4af:m4n64k64"]
    quick = ("--time", "0.001", "--json")
    must_run(lowbit, "bench", "limits", *quick, paths["limits"])
    must_run(lowbit, "bench", "gemm", *problems, "--threads", "1,2", "--wisdom", "none", *quick, paths["gemm"])
    must_run(lowbit, "bench", "pack", *quick, paths["pack"])
    must_run(lowbit, "tune", "i8a8:m4n64k64", "i4g32a8:m1n256k256", "--budget", "10", "--threads", "1", "--wisdom", "none",
             "--json", paths["tune"])
    gemm = json.loads(pathlib.Path(paths["gemm"]).read_text())
    pathlib.Path(paths["gemm"]).write_text(json.dumps({**gemm, "results": sampled(gemm["results"])}))
    gemm["results"] = peers_of(gemm["results"])
    pathlib.Path(paths["peers"]).write_text(json.dumps(gemm))
    make_networks(lowbit, folder, paths)
    return paths


def many(path, target, times):
    """Copies of the products of a file under other sizes: a large report."""
    report = json.loads(pathlib.Path(path).read_text())
    rows = []
    for i in range(times):
        for row in report["results"]:
            row = copy.deepcopy(row)
            row["n"] += 16 * i
            row["problem"] = f"{row['problem'].split(':')[0]}:m{row['m']}n{row['n']}k{row['k']}"
            rows.append(row)
    report["results"] = rows
    pathlib.Path(target).write_text(json.dumps(report))
    return len(rows)
