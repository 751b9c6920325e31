#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What progressive groups cost in error beside plain groups of the same size, as Markdown tables.

usage: progressive_errors.py LOWBIT [FILE.safetensors...]

Relative Frobenius norms of weights - dequantized, in percent. "plain" is `lowbit quantize` with f16 scales and the rule
auto. That rule takes no look at the error, which search does, so the middle column gives plain groups the same search
for their f16 scales, in numpy: what is left is the price of integer multipliers under one f16 scale a row.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np

LOWBIT = sys.argv[1]
# name, codes, s, o
FORMATS = {"i4": (16, 1, 8), "i2": (4, 1, 2), "s2": (4, 2, 3), "t2": (3, 1, 1), "b1": (2, 2, 1)}
TYPES = ["i4g16", "i4g32", "i4g64", "i4g128", "i4zg32", "i4zg128", "i2g32", "i2g128", "i2zg32", "s2g32", "t2g32",
         "t2g128", "b1g32", "b1g128"]


def program(path, types):
    command = [LOWBIT, "quantize", path, "--format", ",".join(types), "--json", "-"]
    result = subprocess.run(command, capture_output=True, check=True)
    return {r["format"]: r for r in json.loads(result.stdout)["results"]}


def groups_of(matrix, size):
    """[groups][size], NaN behind a row's end."""
    padded = np.full((matrix.shape[0], -(-matrix.shape[1] // size) * size), np.nan)
    padded[:, :matrix.shape[1]] = matrix
    return padded.reshape(-1, size)


def searched(matrix, name):
    """Squared error of plain groups whose steps are searched for as LOWBIT_RULE_SEARCH does, then rounded to f16."""
    letters, size = name.split("g")
    codes, s, o = FORMATS[letters.rstrip("z")]
    x = groups_of(matrix, int(size))
    low, high = np.minimum(np.nanmin(x, 1), 0), np.maximum(np.nanmax(x, 1), 0)
    covering, offset = np.maximum(-low, high) / max(o, s * (codes - 1) - o), o
    if letters.endswith("z"):
        s, offset = 1, np.rint((codes - 1) * -low / np.maximum(high - low, 1e-300))[:, None]
        covering = (high - low) / (codes - 1)

    def values(step):
        inverse = np.where(step > 0, 1 / np.maximum(step * s, 1e-300), 0)[:, None]
        return s * np.rint(np.clip(x * inverse + offset / s, 0, codes - 1)) - offset

    def error(step):
        return np.nansum(np.square(x - step[:, None] * values(step)), 1)

    best = covering * 1.25
    for i in range(1, 16):
        step = covering * 1.25 * 0.85**i
        best = np.where(error(step) < error(best), step, best)
    for _ in range(2):
        v = values(best)
        step = np.nansum(x * v, 1) / np.maximum(np.nansum(np.where(np.isnan(x), 0, v * v), 1), 1e-300)
        best = np.where(error(step) < error(best), step, best)
    return error(best.astype(np.float16).astype(np.float64)).sum()


def matrices(path):
    """The float matrices of a safetensors file, as `lowbit quantize` sees them."""
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack_from("<Q", data)[0]
    for name, t in json.loads(data[8:8 + length]).items():
        if name == "__metadata__" or t["dtype"] != "F32" or len(t["shape"]) < 2 or t["shape"][0] == 1:
            continue
        begin, end = t["data_offsets"]
        yield np.frombuffer(data[8 + length + begin:8 + length + end], "<f4").reshape(t["shape"][0], -1)


def table(title, path, parts):
    results = program(path, [t + p for t in TYPES for p in ("", "p")])
    print(f"\n{title}\n\n| groups | plain | plain, searched | progressive | bits a weight, plain and progressive |")
    print("|---|---|---|---|---|")
    norm = sum(np.square(m.astype(np.float64)).sum() for m in parts)
    for t in TYPES:
        plain, progressive = results[t], results[t + "p"]
        middle = np.sqrt(sum(searched(m.astype(np.float64), t) for m in parts) / norm)
        print(f"| `{t}` | {100 * plain['weight_error']:.2f} | {100 * middle:.2f} | "
              f"{100 * progressive['weight_error']:.2f} | {plain['bits_per_weight']:.2f} "
              f"{progressive['bits_per_weight']:.2f} |", flush=True)


def main():
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        for name, draw in (("Normal", random.standard_normal), ("Laplace", lambda shape: random.laplace(size=shape))):
            matrix = (0.02 * draw((512, 4096))).astype(np.float32)
            path = pathlib.Path(folder) / "w.npy"
            np.save(path, matrix)
            table(f"{name}, 512 x 4096", path, [matrix])
    for path in sys.argv[2:]:
        parts = list(matrices(path))
        table(f"{pathlib.Path(path).parent.name}: {len(parts)} matrices, {sum(m.size for m in parts)} weights", path,
              parts)


main()
