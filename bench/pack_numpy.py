#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit bench pack` next to numpy on the same sizes and shapes, as a Markdown table.

usage: pack_numpy.py LOWBIT [SECONDS]        SECONDS for each operation and size, default 0.05
GB/s of the unpacked side from the median call, one thread, warm. numpy allocates its result in every call: that is its
interface. Codes are packed in numpy by shifts, as one has to there.
"""
import json
import statistics
import subprocess
import sys
import time

import numpy as np

SECONDS = sys.argv[2] if len(sys.argv) > 2 else "0.05"


def gbs(call, size):
    """From the median of the calls that fit the time."""
    call()
    times, end = [], time.perf_counter() + float(SECONDS)
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return size / statistics.median(times) * 1e-9


def pack_codes(codes, bits, order):
    fields = 8 // bits
    out = np.zeros(codes.size // fields, np.uint8)
    for field in range(fields):
        out |= codes[field::fields] << np.uint8(bits * (fields - 1 - field if order == "big" else field))
    return out


def unpack_codes(packed, bits, order):
    fields = 8 // bits
    out = np.empty(packed.size * fields, np.uint8)
    for field in range(fields):
        shift = np.uint8(bits * (fields - 1 - field if order == "big" else field))
        out[field::fields] = packed >> shift & np.uint8((1 << bits) - 1)
    return out


def matrix(size):
    rows = 64
    while rows * rows < size:
        rows *= 2
    return rows, size // rows


def numpy_gbs(name, size):
    """numpy's speed at the row `name` of `lowbit bench pack`, or None where it has nothing to compare."""
    words = name.split()
    if words[0] in ("packbits", "unpackbits"):
        axis = 0 if "axis" in words else 1
        elements = np.random.default_rng(1).integers(0, 2, matrix(size), dtype=np.uint8)
        if words[0] == "packbits":
            return gbs(lambda: np.packbits(elements, axis=axis, bitorder=words[1]), size)
        packed = np.packbits(elements, axis=axis, bitorder=words[1])
        return gbs(lambda: np.unpackbits(packed, axis=axis, bitorder=words[1]), size)
    if words[1:2] == ["codes"] and words[2] in "24":
        bits, order = int(words[2]), words[4]
        codes = np.random.default_rng(1).integers(0, 1 << bits, size, dtype=np.uint8)
        if words[0] == "pack":
            return gbs(lambda: pack_codes(codes, bits, order), size)
        packed = pack_codes(codes, bits, order)
        return gbs(lambda: unpack_codes(packed, bits, order), size)
    return None


def main():
    ran = subprocess.run([sys.argv[1], "bench", "pack", "--time", SECONDS, "--json", "-"], stdout=subprocess.PIPE,
                         check=True)
    results = json.loads(ran.stdout)["results"]
    sizes = sorted({r["bytes"] for r in results})
    print("| op | " + " | ".join("%d KiB" % (s >> 10) for s in sizes) + " |\n|---" * 1 + "|---" * len(sizes) + "|")
    for name in dict.fromkeys(r["op"] for r in results):
        cells = []
        for r in (r for r in results if r["op"] == name):
            peer = numpy_gbs(name, r["bytes"])
            cells.append("%.1f" % r["gbs"] if name == "memcpy" else "%.1f, %.2f mc%s" % (
                r["gbs"], r["share"], ", %.1f np" % (r["gbs"] / peer) if peer else ""))
        print("| %s | %s |" % (name, " | ".join(cells)), flush=True)


main()
