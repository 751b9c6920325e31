#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Results of bench/networks_beside.py as one Markdown table.

usage: networks_table.py FILE.json...

A row for each network, batch and number of threads: microseconds of a call by the fastest way of each library in f32 and
in int8, then by each of our recipes; the last column is the fastest of all theirs over the first of our recipes, with
its interval: more than 1 where ours is faster. In place of a time a word may stand: why there is none.
"""
import json
import sys

from beside.times import WORDS, comparison


def column_of(row):
    """Library and kind; of ours the recipe. A library that is not there has no kind."""
    return row["impl"], row.get("kind", "")


def fastest(rows):
    """The row of the least median, or None."""
    return min((row for row in rows if row["status"] == "ok"), key=lambda row: row["median_us"], default=None)


def text_of(rows):
    best = fastest(rows)
    if best:
        return f"{best['median_us']:.0f}"
    return max((WORDS.get(row["status"], row["status"]) for row in rows), key=len, default="")


def ratio_of(rows, recipe):
    theirs = fastest([row for row in rows if row["impl"] != "lowbit"])
    ours = fastest([row for row in rows if column_of(row) == recipe])
    if not theirs or not ours:
        return ""
    told = comparison(theirs, [ours])
    return f"{told['ratio']:.2f} ({told['ratio_low']:.2f}..{told['ratio_high']:.2f})"


def table(results):
    """Its lines."""
    columns = sorted({column_of(row) for row in results if row["impl"] != "lowbit"})
    recipes = list(dict.fromkeys(column_of(row) for row in results if row["impl"] == "lowbit"))
    versions = {row["impl"]: row["version"] for row in results if row.get("version")}
    cells = {}
    for row in results:
        cells.setdefault((row["model"], row["batch"], row["threads"]), []).append(row)
    heads = [f"{impl} {versions.get(impl, '')} {kind}".replace("  ", " ").strip() for impl, kind in columns + recipes]
    lines = ["| " + " | ".join(["model", "batch", "threads", *heads, *(["theirs / ours"] if recipes else [])]) + " |"]
    lines.append("|" + "---|" * (lines[0].count("|") - 1))
    for key, rows in cells.items():
        words = [text_of([row for row in rows if column_of(row) == column]) for column in columns + recipes]
        words += [ratio_of(rows, recipes[0])] if recipes else []
        lines.append("| " + " | ".join([*map(str, key), *words]) + " |")
    return lines


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    results = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            results += json.load(file)["results"]
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
