#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit bench limits` next to likwid-bench (Debian package likwid), as a Markdown table: two measurements of one
machine by programs that share nothing.

usage: limits_likwid.py LOWBIT [THREADS...]     thread counts, default 1 and all
GB/s, and GFLOPS of fma: our best next to a run of likwid's of about a second, on huge pages as ours.
"""
import json
import os
import re
import subprocess
import sys

SIZES = {32 << 10: 24 << 10, 1 << 20: 1 << 20, 64 << 20: 64 << 20, 1 << 30: 1 << 30}  # ours: likwid's


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
    ran = subprocess.run(["likwid-bench", "-t", test, "-w", f"S0:{size // 1024}kB:{threads}", "-s", "1"],
                         capture_output=True, text=True, env={**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
    found = re.search(rf"^{unit}/s:\s+([0-9.]+)", ran.stdout, re.M)
    return float(found.group(1)) * 1e6 if found else 0


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
    own = ours(sys.argv[1], threads)
    print("| limit | working set | threads | lowbit | likwid | lowbit / likwid |\n|---|---|---|---|---|---|")
    for limit, size, test, their_size, unit in tests:
        for t in threads:
            rate, theirs = own.get((limit, size, t), 0), likwid(test, their_size, t, unit)
            print(f"| {limit} | {f'{size >> 10} KiB' if size else 'registers'} | {t} | {rate * 1e-9:.1f} | {theirs * 1e-9:.1f} |"
                  f" {f'{rate / theirs:.2f}' if theirs else 'no result'} |", flush=True)


main()
