#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit bench report` from outside: its forms say what the files say, and foreign files get a reason.

    report_files.py LOWBIT FOLDER     FOLDER is for what the test makes
"""
import csv
import html.parser
import io
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import report_data

LOWBIT, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
VOID = {"meta", "br", "link", "img", "hr", "input"}
failures = []


def check(what, condition, detail=""):
    if not condition:
        failures.append(f"FAILED {what}\n  {detail}" if detail else f"FAILED {what}")


def report(*words):
    return report_data.run(LOWBIT, "bench", "report", *words)


def load(path):
    return json.loads(pathlib.Path(path).read_text())


class Page(html.parser.HTMLParser):
    """Whether every element is closed where it should be; what is fetched or run."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.words, self.ids = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID and not (tag in ("line", "path", "rect") and self.get_starttag_text().endswith("/>")):
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        for name, value in attrs:
            if tag in ("script", "link", "img", "iframe") or name in ("src", "href", "onload"):
                self.wrong.append(f"<{tag} {name}={value}>")

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data):
        self.words.append(data)


def check_page(text, title):
    page = Page()
    page.feed(text)
    page.close()
    check("the page is well formed and fetches nothing", not page.wrong and not page.open, (page.wrong, page.open))
    check("ids are unique", len(page.ids) == len(set(page.ids)), page.ids)
    rest = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    check("the page names no address", not re.search(r"https?://|url\(|@import", rest))
    check("the title", title in " ".join(page.words))
    check("no control characters", not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text))
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    for drawing in drawings:
        tree = xml.fromstring(drawing)
        names = [child.tag.rsplit("}")[-1] for child in tree[:2]]
        check("a drawing has a title and a description", names == ["title", "desc"] and tree.get("role") == "img")
        check("no number is missing", not re.search(r"\bnan\b|\binf\b", drawing, re.IGNORECASE), drawing[:300])
    return page, drawings


def test_page(files):
    title = 'A <title> & "more"'
    written = report(*files.values(), "--html", "-", "--title", title)
    check("the page is written", written.returncode == 0 and not written.stderr, written.stderr)
    page, drawings = check_page(written.stdout, title)
    wanted = ["roofline", "rows", "share", "memory", "peer", "threads", "time", "each", "spread", "kernels", "blocks", "pack",
              "accuracy", "network", "sensitivity"]
    for name in wanted:
        check(f"a plot {name}-1", f"{name}-1" in page.ids, page.ids)
    words = " ".join(page.words)
    for word in ("What gave no time", "17 are", "signal 11 <b>&", load(files["gemm"])["machine"]["cpu"]):
        check(f"the page says {word}", word in words)
    count = report_data.many(files["gemm"], FOLDER / "many.json", 20)
    large = report(files["limits"], str(FOLDER / "many.json"), "--html", "-").stdout
    check_page(large, "lowbit on")
    check(f"{count} rows fit in 1.5 MB", len(large.encode()) < 1.5e6, len(large))
    alone = [report(path, "--html", "-") for path in files.values()]
    for path, result in zip(files, alone):
        check(f"a page of {path} alone", result.returncode == 0 and "</html>" in result.stdout, result.stderr)


def test_csv(files):
    text = report(*files.values(), "--csv", "-").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    results = [row for path in files.values() for row in load(path)["results"]]
    check("a row for each result", len(rows) == len(results), (len(rows), len(results)))
    for row, result in zip(rows, results):
        for key, value in result.items():
            if isinstance(value, (list, dict)) or value is None:
                continue
            said = row[key]
            if isinstance(value, bool):
                same = said == str(value).lower()
            elif isinstance(value, (int, float)):
                same = abs(float(said) - value) <= 1e-8 * abs(value)
            else:
                same = said == re.sub(r"[\x00-\x1f]", " ", value)
            check(f"CSV: {key}", same, (said, value))
    kinds = {row["kind"] for row in rows}
    check("every kind", kinds == {"limit", "gemm", "pack", "tune", "network", "layer"}, kinds)


def test_tables(files):
    text = report(*files.values()).stdout
    short = " ".join(text.split())
    check("a sentence of a network", "resnet20_cifar10 gets 91.50 % of 1000 images right in floats; " in short, short[:3000])
    long = [line for line in text.splitlines() if len(line) > 100]
    check("text fits 100 columns", not long, long)
    check("nothing reaches the terminal's controls", "\x1b" not in text)
    check("text names a product", "i4g32a8:m4n64k64" in text and "17 are" in text)
    markdown = report(*files.values(), "--markdown", "-").stdout
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    check("Markdown has tables", len(lines) > 50 and all(line.endswith("|") for line in lines))
    check("Markdown is escaped", "\\|" in markdown and "<b>" not in markdown)


def test_gnuplot(files):
    folder = FOLDER / "gnuplot"
    shutil.rmtree(folder, ignore_errors=True)
    result = report(*files.values(), "--gnuplot", str(folder))
    scripts = sorted(folder.glob("*.gp"))
    check("scripts for gnuplot", result.returncode == 0 and len(scripts) > 9, result.stderr)
    check("each has its data", all(path.with_suffix(".dat").is_file() for path in scripts))
    if not shutil.which("gnuplot"):
        print("skipped: gnuplot is not here, the scripts were not run")
        return
    for script in scripts:
        done = subprocess.run(["gnuplot", script.name], cwd=folder, capture_output=True, text=True, timeout=60)
        picture = script.with_suffix(".svg")
        check(f"gnuplot {script.name}", done.returncode == 0 and picture.is_file(), done.stderr)
        if picture.is_file():
            xml.fromstring(picture.read_text())


def refused(what, tree, reason):
    path = FOLDER / "refused.json"
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    result = report(str(path), "--html", "-")
    check(f"refused: {what}", result.returncode == 1 and reason in result.stderr and not result.stdout, result.stderr)


def test_refusals(files):
    gemm = load(files["gemm"])

    def changed(**fields):
        return {**gemm, "results": [{**gemm["results"][0], **fields}]}

    check("no file", "cannot read" in report(str(FOLDER / "none.json")).stderr)
    check("no word", report().returncode == 2)
    check("two forms in one stream", report(files["gemm"], "--html", "-", "--csv", "-").returncode == 2)
    check("no folder", "cannot" in report(files["gemm"], "--html", str(FOLDER / "no/where.html")).stderr)
    refused("no JSON", "{", "is no JSON")
    refused("an array", [1], "names no machine")
    refused("no results", {"machine": gemm["machine"]}, "no array of results")
    refused("another kind of row", {**gemm, "results": [{"problem": "i8a8:m1n1k1", "ways": {}}]}, "results[0]")
    refused("rows that are no objects", {**gemm, "results": [[], 1]}, "results[0]")
    refused("a text for a number", changed(median_us="fast"), "median_us is not")
    refused("a number for a text", changed(kernel=7), "kernel is not")
    refused("a negative time", changed(median_us=-1), "median_us is not")
    refused("no time", changed(median_us=0), "above 0")
    refused("an endless time", changed(median_us=1e300), "median_us is not")
    refused("a sample that is none", changed(samples_us=[1, "x"]), "samples_us[1]")
    refused("samples that are none", changed(samples_us=7), "samples_us is no array")
    refused("a size of 0", changed(m=0), "m is not")
    refused("a size beyond 64 bits", changed(m=2 ** 64), "is no JSON")
    refused("no sizes", changed(n=None), "has no n")
    refused("no results at all", {**gemm, "results": []}, "no results")
    refused("deep nesting", '{"machine":' + "[" * 5000 + "]" * 5000 + "}", "is no JSON")
    refused("too many", {**gemm, "results": gemm["results"][:1] * 10001}, "more than")
    tune = load(files["tune"])
    tune["results"][0]["candidates"] = [{"kernel": "x", "time_us": 1, "relative": 0}]
    refused("a candidate without a time", tune, "candidates[0]")
    eval_, study = load(files["eval"]), load(files["layers"])

    def judged(**fields):
        return {**eval_, "results": [{**eval_["results"][0], **fields}]}

    refused("no time of a network", judged(p50_us=0), "p50_us is 0")
    refused("more than all images", judged(accuracy=1.5), "above 1")
    refused("no weights", judged(payload_bytes=0), "payload_bytes is not")
    refused("a layer that is right too often", {**study, "results": [{**study["results"][0], "accuracy": 2}]}, "above 1")
    other = FOLDER / "other.json"
    other.write_text(json.dumps({**gemm, "machine": {**gemm["machine"], "cpu": "another"}}))
    result = report(files["gemm"], str(other))
    check("another machine", result.returncode == 1 and "bench compare" in result.stderr, result.stderr)


def mutate(chance, value, depth=0):
    """A value like this one, with something wrong somewhere."""
    if depth and chance.random() < 0.03:
        return chance.choice([None, True, 0, -1, 1e308, 2 ** 62, 1e-300, "", "\u0001\u009b<>&'\"`|%s\\", [], {}, [[]]])
    if isinstance(value, dict):
        return {k: mutate(chance, v, depth + 1) for k, v in value.items() if chance.random() > 0.005}
    if isinstance(value, list):
        return [mutate(chance, v, depth + 1) for v in value]
    return value


def test_hostile(files):
    """Whatever the file holds, there is a report or a reason."""
    seed = random.randrange(2 ** 32)
    chance = random.Random(seed)
    taken = 0
    for i in range(120):
        name = chance.choice(sorted(files))
        tree = load(files[name])
        few = chance.choice([1, 2, 20])
        tree = {**tree, "results": [mutate(chance, row) for row in chance.sample(tree["results"], min(few, len(tree["results"])))],
                "run": mutate(chance, tree.get("run")), "machine": mutate(chance, tree["machine"])}
        path = FOLDER / "hostile.json"
        path.write_text(json.dumps(tree))
        form = chance.choice([["--html", "-"], ["--csv", "-"], ["--markdown", "-"], [], ["--gnuplot", str(FOLDER / "hostile")]])
        result = report(str(path), *form)
        taken += result.returncode == 0
        said = result.returncode == 0 or (result.returncode == 1 and result.stderr.startswith("lowbit bench report: "))
        check(f"hostile file {i} of seed {seed}", said, (form, result.returncode, result.stderr[-300:]))
        if form[:1] == ["--html"] and result.returncode == 0:
            check_page(result.stdout, "")
        if not said:
            shutil.copy(path, FOLDER / f"hostile-{i}.json")
    check("some hostile files are reported", 5 < taken < 115, taken)


def main():
    files = report_data.make(LOWBIT, FOLDER)
    for test in (test_page, test_csv, test_tables, test_gnuplot, test_refusals, test_hostile):
        test(files)
    print("\n".join(failures[:20]) or "reports say what the files say")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
