#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Results of `lowbit bench gemm --peers` and bench/peers_beside.py as one Markdown table.

usage: peers_table.py FILE.json...

A row for each product and number of threads: our median in microseconds (in turn with the others), and for each library
the ratio of the fastest of its ways (theirs / ours in the same turns; more than 1: ours is faster; ~: no difference was
shown), or in a word why there is none. A star marks what was timed beside the process, from Python.
"""
import json
import statistics
import sys

from beside.times import WORDS


def read(paths):
    """{(problem, cold, threads): {library: [row]}}, and the versions of the libraries."""
    cells, versions = {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            rows = json.load(file)["results"]
        for row in rows:
            library = row["impl"] + ("*" if row.get("beside") else "")
            cell = cells.setdefault((row["problem"], bool(row.get("cold")), row["threads"]), {})
            cell.setdefault(library, []).append(row)
            if row.get("version"):
                versions[library] = row["version"]
    return cells, versions


def ratio_of(rows):
    timed = [row for row in rows if row["status"] == "ok" and row["ratio"] > 0]
    if not timed:
        worst = [WORDS.get(row["status"], row["status"]) for row in rows]
        return max(worst, key=len), 0
    best = min(timed, key=lambda row: row["ratio"])
    return f"{'~' if best['verdict'] == 'none' else ''}{best['ratio']:.2f} {best['way']}", best["ratio"]


def ours_us(cell):
    in_turn = [row["ours_us"] for rows in cell.values() for row in rows if row.get("ours_us", 0) > 0]
    alone = [row["median_us"] for row in cell.get("lowbit", [])]
    return statistics.median(in_turn or alone or [0])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cells, versions = read(sys.argv[1:])
    known = {x for cell in cells.values() for x in cell} - {"lowbit"}
    timed = {x for cell in cells.values() for x in known & set(cell) if ratio_of(cell[x])[1]}
    libraries = sorted(timed, key=lambda x: (x[-1] == "*", x))
    print("| problem | threads | us |" + "".join(f" {x} {versions.get(x, '')} |" for x in libraries))
    print("|---|---|---|" + "---|" * len(libraries))
    least = []
    for (problem, cold, threads), cell in sorted(cells.items(), key=lambda x: (x[0][2], x[0][1])):
        shown = {x: ratio_of(cell[x]) for x in libraries if x in cell}
        least += [min((ratio for _, ratio in shown.values() if ratio), default=0)]
        print(f"| {problem}{' cold' if cold else ''} | {threads} | {ours_us(cell):.4g} |" +
              "".join(f" {shown[x][0] if x in shown else ''} |" for x in libraries))
    if known - timed:
        print(f"\nThere was nothing to time in {', '.join(f'{x} {versions.get(x)}' for x in sorted(known - timed))}.")
    least = [x for x in least if x]
    if least:
        print(f"\nThe fastest way of all libraries over ours: geometric mean {statistics.geometric_mean(least):.2f}, ours is"
              f" faster or as fast (at least 0.98) in {sum(x >= 0.98 for x in least)} of {len(least)}.")


main()
