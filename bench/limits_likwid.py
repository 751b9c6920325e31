#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit bench limits` next to likwid-bench (Debian package likwid), as a Markdown table: two measurements of one
machine by programs that share nothing.

usage: limits_likwid.py LOWBIT [THREADS...]     thread counts, default 1 and all
likwid's run stands next to our best; ours are measured before and after likwid's, and the better taken.
"""
import json
import os
import re
import subprocess
import sys

SIZES = {32 << 10: 24 << 10, 1 << 20: 512 << 10, 8 << 20: 8 << 20, 64 << 20: 64 << 20, 1 << 30: 1 << 30}
RUNS = 1


def ours(lowbit, threads):
    ran = subprocess.run([lowbit, "bench", "limits", "--threads", ",".join(map(str, threads)), "--wisdom", "none", "--json",
                          "-"], check=True, capture_output=True)
    best = {}
    for r in json.loads(ran.stdout)["results"]:
        key = r["limit"], r["bytes"], r["threads"]
        best[key] = max(best.get(key, 0), r["best"])
    return best


def likwid(test, size, threads, unit):
    """Bytes or operations a second."""
    best = 0
    for _ in range(RUNS):
        ran = subprocess.run(["likwid-bench", "-t", test, "-w", f"S0:{size // 1024}kB:{threads}", "-s", "1"],
                             capture_output=True, text=True)
        found = re.search(rf"^{unit}/s:\s+([0-9.]+)", ran.stdout, re.M)
        best = max(best, float(found.group(1)) * 1e6 if found else 0)
    return best


def width():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = file.read()
    return "avx512" if " avx512f " in flags else "avx"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    threads = [int(t) for t in sys.argv[2:]] or sorted({1, len(os.sched_getaffinity(0))})
    vector = width()
    tests = [("fma", 0, f"peakflops_sp_{vector}_fma", 16 << 10, "MFlops")]
    for size, theirs in SIZES.items():
        tests.append(("read", size, f"load_{vector}", theirs, "MByte"))
        tests.append(("write", size, f"store_{vector}", theirs, "MByte"))
    tests.append(("write_around", 1 << 30, f"store_mem_{vector}", 1 << 30, "MByte"))
    before = ours(sys.argv[1], threads)
    beside = {(limit, size, t): likwid(test, bytes_, t, unit) for limit, size, test, bytes_, unit in tests for t in threads}
    after = ours(sys.argv[1], threads)
    print("| limit | working set | threads | lowbit | likwid | lowbit / likwid |\n|---|---|---|---|---|---|")
    for (limit, size, t), rate in beside.items():
        own = max(x.get((limit, size, t), 0) for x in (before, after))
        unit = "GFLOPS" if limit == "fma" else "GB/s"
        ratio = f"{own / rate:.2f}" if rate else "no result"
        print(f"| {limit} | {f'{size >> 10} KiB' if size else 'registers'} | {t} | {own * 1e-9:.1f} {unit} |"
              f" {rate * 1e-9:.1f} | {ratio} |")


main()
