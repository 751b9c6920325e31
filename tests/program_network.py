#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks from outside: `lowbit quantize --recipe`, `eval`, `run`, `bench network`; with LOWBIT_DATA, real ones.

    program_network.py LOWBIT     the path of the program
"""
import json
import os
import pathlib
import re
import statistics
import struct
import tempfile
import zlib

import outside
from outside import answers, check, FAILED, lowbit, OK, USAGE

DOCS = (pathlib.Path(__file__).resolve().parents[1] / "docs/models.md").read_text(encoding="utf-8")
IMAGES = 24
NOT_IMAGES = ("bert", "stories")
folder = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(folder.name, name)


def cifar(name, images):
    """CIFAR-10 in its binary form: a label, then 32 x 32 pixels in planes."""
    with open(path(name), "wb") as file:
        for i in range(images):
            file.write(bytes([i % 10]) + bytes((x * (i + 1) + 7 * i) % 256 for x in range(3072)))
    return path(name)


def picture(name, side):
    """A PNG of colours, RGB of 8 bits."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes((x * y + 40 * c) % 256 for x in range(side) for c in range(3)) for y in range(side))
    with open(path(name), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path(name)


DATA = cifar("images.bin", IMAGES)


def results(*words):
    result = lowbit(*words, "--json", "-")
    check(f"lowbit {' '.join(words)}", result.returncode == OK and not result.stderr, result)
    return json.loads(result.stdout or '{"results": []}')["results"]


def documented(before):
    """The names in backticks from `before` up to the next full stop or colon."""
    said = re.search(re.escape(before) + r"([^.:]*)", DOCS).group(1)
    return {name for names in re.findall(r"`([a-z0-9_\s]+)`", said) for name in names.split()}


def table_fields():
    """Those of the table of `lowbit eval`."""
    part = DOCS.split("## What `lowbit eval` tells")[1].split("`--sensitivity")[0]
    return {name for row in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}


def same_fields(what, rows, fields):
    """Rows have the fields that the documents name, and no others."""
    differ = set().union(*(set(row) ^ fields for row in rows))
    check(f"fields of {what} are those of docs/models.md: {differ}", rows and fields and not differ)


def test_eval():
    rows = results("eval", "resnet8", "--random", "--data", DATA, "--recipe", "w8a8,f32", "--format", "i4a8", "--batch", "1,7",
                   "--predictions")
    check("a row for each recipe and batch, floats once", [(x["format"], x["batch"]) for x in rows] ==
          [(name, batch) for name in ("f32", "w8a8", "*: i4a8") for batch in (1, 7)])
    same_fields("eval", rows, table_fields())
    for row in rows:
        check("images", row["images"] == IMAGES == len(row["predictions"]))
        right = sum(guess == i % 10 for i, guess in enumerate(row["predictions"]))
        check("correct", right == row["correct"] and abs(row["accuracy"] - right / IMAGES) < 1e-8)
        same = sum(a == b for a, b in zip(row["predictions"], rows[0]["predictions"]))
        check("agreement", abs(row["agreement"] - same / IMAGES) < 1e-8)
        check("times", 0 < row["p50_us"] <= row["p95_us"] and row["gops"] > 0)
        check("memory", row["session_bytes"] > 0 and row["peak_rss_bytes"] > row["payload_bytes"])
    check("integers do not depend on the batch", rows[2]["predictions"] == rows[3]["predictions"])
    check("floats agree with themselves", rows[0]["agreement"] == 1)
    check("bytes", rows[0]["payload_bytes"] > 3 * rows[2]["payload_bytes"] > 4 * rows[4]["payload_bytes"])
    check("predictions are for who asks", "predictions" not in results(
        "eval", "resnet8", "--random", "--data", DATA, "--limit", "3")[0])


def test_packed():
    file, image = path("net.safetensors"), picture("small.png", 32)
    quantized = results("quantize", "resnet8", "--random", "-o", file, "--recipe", "w8a8", "--calibrate", DATA)[0]
    same_fields("layers of quantize", quantized["layers"][:1], documented("on 64 images or texts:") - {"layers"})
    rows = results("eval", file, "--data", DATA, "--limit", "10", "--batch", "4")
    check("a packed network", len(rows) == 1 and rows[0]["agreement"] is None and "i8a8s" in rows[0]["recipe"] and
          rows[0]["images"] == 10 and rows[0]["file_bytes"] == os.path.getsize(file))
    same_fields("eval of a packed network", rows, table_fields() - {"format", "predictions"})
    check("its bytes are those that quantize told", all(rows[0][k] == quantized[k] for k in
                                                        ("payload_bytes", "scale_bytes", "table_bytes", "rest_bytes")))
    seen = results("run", file, image, picture("large.png", 100))
    same_fields("run", seen, documented("`lowbit run` has") - {"class", "probability"})
    for one in seen:
        likely = [x["probability"] for x in one["classes"]]
        check("classes of a picture", len(likely) == 5 and likely == sorted(likely, reverse=True) and 0 < sum(likely) <= 1 and
              all(set(x) == {"class", "probability"} and 0 <= x["class"] < 10 for x in one["classes"]))
    check("the same from the model", results("run", "resnet8", "--random", image, "--recipe", "f32")[0]["classes"][0])
    whole = pathlib.Path(file).read_bytes()
    for name, damaged in (("cut", whole[:-100]), ("flipped", whole[:9000] + bytes([whole[9000] ^ 4]) + whole[9001:])):
        pathlib.Path(path(name)).write_bytes(damaged)
        answers(["eval", path(name), "--data", DATA], FAILED, "lowbit eval: ")
        answers(["run", path(name), image], FAILED, "lowbit run: ")
    answers(["eval", file, "--data", DATA, "--recipe", "w8a8"], USAGE, "is packed already")
    answers(["quantize", file, "--recipe", "w8a8", "-o", path("again")], FAILED, "is packed already")
    answers(["run", file, path("none.png")], FAILED, "there is no file")
    answers(["run", file, DATA], FAILED, "neither a PNG nor a JPEG")


def vocabulary(name):
    """WordPiece's, of a few words."""
    words = "[PAD] [UNK] [CLS] [SEP] a good bad film is not ##s very".split()
    pathlib.Path(path(name)).write_text("\n".join(words) + "\n", encoding="utf-8")
    return path(name)


TEXTS = [("a good film", 1), ("a very bad film", 0), ("films is not good", 0), ("not bad", 1), ("is a film", 1)]


def tsv(name):
    pathlib.Path(path(name)).write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in TEXTS),
                                        encoding="utf-8")
    return path(name)


def test_texts():
    made, data = ["bert-tiny", "--random", "--vocab", vocabulary("vocab.txt")], tsv("dev.tsv")
    rows = results("eval", *made, "--data", data, "--recipe", "w8a8,bibert", "--format", "i8a8", "--calibrate", data, "--batch", "1,3",
                   "--predictions")
    check("texts by recipes and batches", [(x["format"], x["batch"]) for x in rows] ==
          [(name, batch) for name in ("f32", "w8a8", "bibert", "*: i8a8") for batch in (1, 3)])
    same_fields("eval of texts", rows, table_fields())
    for row in rows:
        right = sum(guess == label for guess, (_, label) in zip(row["predictions"], TEXTS))
        check("texts that are right", row["images"] == len(TEXTS) and row["correct"] == right and
              abs(row["metrics"]["accuracy"] - right / len(TEXTS)) < 1e-8)
        check("tables are apart", row["table_bytes"] == (30522 * 128 // 8 + 2 * 128 * 4 if row["format"] == "bibert" else
                                                         (30522 + 2) * 128 * 4))
    # BiBERT by the byte: bits of two blocks and the pooler, classes as floats in 16 columns; a scale a row, of words too
    check("bibert's size", (rows[4]["payload_bytes"], rows[4]["scale_bytes"]) ==
          ((2 * (4 * 128 ** 2 + 2 * 128 * 512) + 128 ** 2) // 8 + 16 * 128 * 4, 4 * (2 * (5 * 128 + 512) + 128 + 30522)))
    check("integers do not depend on the batch", rows[2]["predictions"] == rows[3]["predictions"] and
          rows[4]["predictions"] == rows[5]["predictions"])
    file = path("text.safetensors")
    quantized = results("quantize", *made, "-o", file, "--recipe", "w8a8-dynamic", "--calibrate", data)[0]
    check("errors of values of texts", any("snr_db" in layer for layer in quantized["layers"]))
    packed = results("eval", file, "--data", data)
    check("a packed network has its vocabulary", packed[0]["images"] == len(TEXTS))
    seen = results("run", file, TEXTS[0][0], "a film\tnot bad")
    same_fields("run of texts", seen, documented("`lowbit run` has") - {"class", "probability", "image"} | {"text"})
    same = results("run", *made, "--recipe", "w8a8-dynamic", TEXTS[0][0])
    check("the same from the model", same[0]["classes"] == seen[0]["classes"])
    parts = results("eval", *made, "--data", data, "--sensitivity", "i4a8", "--parts")
    check("parts", [row["layer"] for row in parts] == ["(none)", "q", "k", "v", "mha", "ffn", "cls", "encoder"])
    answers(["run", "bert-tiny", "--random", "a film"], FAILED, "no vocabulary")
    answers(["eval", *made, "--data", DATA], FAILED, "lowbit eval: ")
    answers(["run", *made], USAGE, "an image, a text or --data is missing")
    answers(["run", *made, "--data", data], USAGE, "--data and --npy go together")
    answers(["bench", "network", "bert-tiny", "--random", "--length", "600", "--json", "-"], FAILED, "texts of 600 tokens")


def ranks(values):
    """From 0; equal values share the mean of theirs."""
    return [sum(x < value for x in values) + (values.count(value) - 1) / 2 for value in values]


def test_scores():
    """STS-B's: one output, judged by two correlations."""
    pairs = [("a good film", "a good film", 5.0), ("a good film", "a bad film", 2.4), ("not bad", "good", 3.2),
             ("a film", "is not", 0.0), ("very bad", "very good", 2.4)]
    pathlib.Path(path("sts.tsv")).write_text("index\tsentence1\tsentence2\tscore\n" + "".join(
        f"{i}\t{first}\t{second}\t{score:.3f}\n" for i, (first, second, score) in enumerate(pairs)), encoding="utf-8")
    made = ["bert-tiny", "--random", "--vocab", vocabulary("vocab.txt"), "--data", path("sts.tsv")]
    wanted = [score for *_, score in pairs]
    for row in results("eval", *made, "--classes", "1", "--recipe", "w8a8-dynamic", "--predictions"):
        got = row["predictions"]
        for name, x, y in (("pearson", got, wanted), ("spearman", ranks(got), ranks(wanted))):
            check(f"{name} of {row['format']}", abs(row["metrics"][name] - statistics.correlation(x, y)) < 1e-5, row)
        check("nothing else is judged", set(row["metrics"]) == {"pearson", "spearman"} and len(set(got)) > 1)
    answers(["eval", *made, "--classes", "2"], FAILED, "lowbit eval: ")


def test_embeddings():
    made = ["minilm", "--random", "--vocab", vocabulary("vocab.txt"), "--recipe", "w8a8-all-dynamic"]
    one = results("run", *made, TEXTS[0][0])[0]["embedding"]
    check("an embedding", len(one) == 384 and abs(sum(x * x for x in one) - 1) < 1e-5)
    outputs, data = path("all.npy"), tsv("dev.tsv")
    check("all of them", lowbit("run", *made, "--data", data, "--npy", outputs).returncode == OK)
    raw = pathlib.Path(outputs).read_bytes()
    floats = struct.unpack(f"<{len(TEXTS) * 384}f", raw[-len(TEXTS) * 384 * 4:])
    check("and the first one", max(abs(a - b) for a, b in zip(floats, one)) < 1e-6)
    answers(["eval", *made, "--data", data], FAILED, "the network makes embeddings")


def test_page():
    """What it holds, tests/report_page.py and report_files.py know."""
    page, kept = path("page.html"), path("eval.json")
    words = ["eval", "resnet8", "--random", "--data", DATA, "--recipe", "w8a8", "--limit", "5", "--batch", "1"]
    result = lowbit(*words, "--html", page, "--json", kept)
    text = pathlib.Path(page).read_text(encoding="utf-8")
    check("--html keeps the text", result.returncode == OK and "p50 us" in result.stdout, result)
    check("the page", "resnet8 on images.bin" in text and 'id="accuracy-1"' in text and 'id="network-1"' in text)
    check("the JSON is untouched", "\n" in json.loads(pathlib.Path(kept).read_text(encoding="utf-8"))["results"][0]["recipe"])
    again = lowbit("bench", "report", kept, "--title", "resnet8 on images.bin", "--html", "-")
    check("bench report makes the same page", again.stdout == text, again)
    check("--html - is the page alone", lowbit(*words, "--html", "-").stdout.startswith("<!DOCTYPE html>"))
    answers([*words, "--html", "-", "--json", "-"], USAGE, "only one of --json and --html")


def test_sensitivity():
    words = ["eval", "resnet8", "--random", "--data", DATA, "--limit", "5"]
    rows = results(*words, "--sensitivity", "i8a8s,i4a8")
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    check("layers by formats", [(x["layer"], x["format"]) for x in rows] ==
          [("(none)", "f32")] + [(layer, name) for layer in layers[1:] for name in ("i8a8s", "i4a8")] and len(layers) == 11)
    same_fields("sensitivity", rows, documented("staying floats: rows of"))
    check("--limit", all(row["images"] == 5 and abs(row["accuracy"] - row["correct"] / 5) < 1e-8 for row in rows))
    check("one layer is smaller", all(row["payload_bytes"] < rows[0]["payload_bytes"] for row in rows[1:]))
    answers([*words, "--sensitivity", "i8a8", "--recipe", "w8a8"], USAGE, "--sensitivity goes without")
    answers([*words, "--sensitivity", "i9a8"], FAILED, '"i9a8" is no format')


def test_bench():
    rows = results("bench", "network", "resnet20", "--random", "--time", "0.01", "--layers")
    check("bench network", [row["format"] for row in rows] == ["f32", "w8a8"])
    of_layers = documented("the time of each")
    fields = documented("`lowbit bench network` has") - of_layers
    same_fields("bench network", rows, fields - {"open_us"} | {"layers"})
    check("a packed network is packed", lowbit("quantize", "resnet8", "--random", "-o", path("ready"), "--recipe",
                                               "w8a8").returncode == OK)
    ready = results("bench", "network", path("ready"), "--time", "0.01")
    same_fields("bench network of a packed one", ready, fields)
    check("it is ready soon", 0 < ready[0]["open_us"] < 1e6)
    for row in rows:
        same_fields("layers of bench network", row["layers"], of_layers)
        check("samples", min(row["samples_us"]) >= 0.999 * row["min_us"] and row["min_us"] <= row["p10_us"] <= row["p50_us"] <=
              row["p90_us"])
        check("layers", sum(x["conv"] != "" for x in row["layers"]) >= 20 and all(x["us"] > 0 for x in row["layers"]))


def test_usage():
    made, nowhere = ["resnet8", "--random"], path("no/such/folder/net")
    answers(["eval", *made], USAGE, "--data is missing")
    answers(["eval"], USAGE, "an argument is missing")
    answers(["eval", *made, "--data", path("none")], FAILED, "none")
    answers(["eval", *made, "--data", DATA, "--batch", "1,0"], USAGE, '--batch "1,0" is no list')
    answers(["eval", *made, "--data", DATA, "--threads", "x"], USAGE, '--threads "x"')
    answers(["eval", *made, "--data", DATA, "--recipe", "nonsense"], FAILED, 'neither a preset nor a file "nonsense"')
    answers(["eval", *made, "--data", DATA, "--recipe", "conv77: i8a8"], FAILED, "conv77")
    answers(["eval", "resnet9", "--random", "--data", DATA], FAILED, 'there is no network "resnet9", only resnet8')
    answers(["eval", "resnet8", "--data", DATA], FAILED, "there is no file resnet8")
    answers(["eval", DATA, "--data", DATA], FAILED, "lowbit eval: ")
    answers(["quantize", *made, "--recipe", "w8a8"], USAGE, "--recipe needs -o FILE")
    answers(["quantize", *made, "--recipe", "w8a8", "-o", nowhere], FAILED, nowhere)
    answers(["bench", "network", "resnet8", "--recipe", "f32", "--json", "-"], FAILED, "there is no file resnet8")
    answers(["run"], USAGE, "an argument is missing")


def test_real():
    data = os.environ.get("LOWBIT_DATA")
    if not data:
        print("skipped: LOWBIT_DATA names no folder with models and cifar10")
        return
    images, models = f"{data}/cifar10/test_public.bin", pathlib.Path(data, "models")
    static = lowbit("eval", str(models / "resnet20_cifar10"), "--data", images, "--recipe", "w8a8", "--limit", "4")
    check("static activations need --calibrate", static.returncode == FAILED and "no images or texts to calibrate" in static.stderr, static)
    for name, more in (("resnet8_mlperftiny_cifar10", []), ("bnn_cnv_w1a1_cifar10", ["--recipe", "native"])):
        stated = json.loads((models / name / "config.json").read_text())["reference_accuracy_public"]
        rows = results("eval", str(models / name), "--data", images, "--limit", "1000", "--batch", "50", "--threads", "all", *more)
        far = 3.5 * (stated * (1 - stated) / 1000) ** 0.5  # a thousand images of the stated five
        for row in rows:
            check(f"{name} {row['format']}: {row['accuracy']}, stated {stated}", abs(row["accuracy"] - stated) < far)
            check(f"{name} {row['format']} agrees with floats: {row['agreement']}", row["agreement"] == 1)
    started = 0
    for model in sorted(models.iterdir()):
        if not model.name.startswith(NOT_IMAGES) and (model / "model.safetensors").exists():
            rows = results("eval", str(model), "--data", images, "--limit", "32", "--batch", "32")
            check(f"{model.name} starts", len(rows) == 1 and rows[0]["images"] == 32)
            started += 1
    check(f"networks that start: {started}", started >= 13)


outside.run_tests(globals())
