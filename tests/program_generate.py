#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lowbit generate` from outside: made-up decoders, files of both kinds and packed ones; with LOWBIT_DATA, a real one.

    program_generate.py LOWBIT     the path of the program
"""
import json
import os
import pathlib
import re
import struct
import tempfile

import outside
from outside import answers, check, FAILED, lowbit, OK, USAGE

DOCS = (pathlib.Path(__file__).resolve().parents[1] / "docs/models.md").read_text(encoding="utf-8")
MADE = ["generate", "llama", "--random", "--ids"]
folder = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(folder.name, name)


def row(*words):
    result = lowbit(*words, "--json", "-")
    check(f"lowbit {' '.join(words)}", result.returncode == OK and not result.stderr, result)
    return json.loads(result.stdout)["results"][0] if result.returncode == OK else {}


def tokenizer(name, pieces):
    """A file of llama2.c: the pieces that all have, a space, and some with their scores."""
    first = ["<unk>", "\n<s>\n", "\n</s>\n", *(f"<0x{b:02X}>" for b in range(256)), " "]
    scored = [(0.0, piece) for piece in first] + pieces
    with open(path(name), "wb") as file:
        file.write(struct.pack("<i", 16))
        for score, piece in scored:
            file.write(struct.pack("<fi", score, len(piece.encode())) + piece.encode())
    return path(name)


def test_made_up():
    text = lowbit(*MADE, "1,17,9", "--steps", "12", "--threads", "1")
    ids = [int(word) for word in text.stdout.split(",")] if text.returncode == OK else []
    check("tokens of a made-up decoder", ids[:3] == [1, 17, 9] and len(ids) == 13 and max(ids) < 512 and not text.stderr, text)
    one = row(*MADE, "1,17,9", "--steps", "12", "--threads", "1")
    documented = set(re.findall(r"`(\w+)`", DOCS.split("What `lowbit generate` tells")[1].split("\n## ")[0].split("\n| field")[1]))
    check(f"documented fields: {set(one) ^ documented}", set(one) == documented)
    check("the row", one["ids"] == ids and one["text"] == ",".join(map(str, ids)) and one["prompt_tokens"] == 3 and
          one["tokens"] == 10 and one["model"] == "llama" and "*: f32af32" in one["recipe"])
    check("its speed", one["tokens_per_s"] > 0 and one["prefill_us"] > 0 and abs(one["tokens_per_s"] * one["decode_us"] - 1e6) < 1)
    check("its limit", 0 < one["share"] and abs(one["share"] * one["limit_tokens_per_s"] / one["tokens_per_s"] - 1) < 1e-6)
    check("its bytes", 0 < one["token_bytes"] <= one["payload_bytes"] + one["scale_bytes"] + one["rest_bytes"])
    told = lowbit(*MADE, "1", "--steps", "3", "--speed")
    check("--speed", told.returncode == OK and "3 more" not in told.stdout and "tokens, " in told.stderr and
          "memory allows" in told.stderr, told)


def test_gpt2():
    one = row("generate", "gpt2-any", "--random", "50256,11,12", "--ids", "--steps", "9")
    check("GPT-2", one["tokens"] == 7 and one["model"] == "gpt2-any")
    whole = row("generate", "gpt2-any", "--random", "7", "--ids", "--steps", "2000", "--recipe", "weight-only")
    check("no more positions than it has", whole["tokens"] == 1024)


def test_samples():
    words = [*MADE, "4,5", "--steps", "40"]
    greedy, hot = lowbit(*words).stdout, [*words, "--temperature", "1.5"]
    check("the likeliest tokens", greedy.startswith("4,5,") and greedy == lowbit(*words, "--temperature", "0").stdout)
    texts = [lowbit(*hot, "--seed", seed).stdout for seed in ("1", "1", "2")]
    check("a seed says it all", texts[0] == texts[1] and texts[0] != texts[2] and greedy not in texts)
    check("a small share is the likeliest alone", lowbit(*hot, "--top-p", "0.000001").stdout == greedy)


def test_texts():
    """Of a vocabulary that the network has, the tokens say what they are."""
    words = ["generate", "llama", "--random", "--tokenizer", tokenizer("tokenizer.bin", [(-1.0, "a"), (-2.0, " a")])]
    one = row(*words, "a b", "--steps", "9")
    check("start, a piece of two, the bytes of what is none", one["ids"][:4] == [1, 261, 259, 101])
    check("the prompt is told", one["text"].startswith("a b"))
    broken = row(*words, "a \udcff\udce4", "--steps", "9")
    check("bytes that are no UTF-8", broken["prompt"] == "a \ufffd\ufffd" and broken["text"].startswith("a \ufffd\ufffd"))
    check("a folder's tokenizer", row("generate", "llama", "--random", "--tokenizer", folder.name, "a b", "--steps", "9")["ids"] ==
          one["ids"])
    empty = row(*words, "", "--steps", "3")
    check("an empty prompt", empty["prompt_tokens"] == 1 and empty["ids"][0] == 1)


def test_files():
    recipe, packed = "*: i8a8", path("packed")
    check("a packed decoder", lowbit("quantize", "llama", "--random", "-o", packed, "--recipe", recipe).returncode == OK)
    same = row(*MADE, "1,2", "--steps", "20", "--recipe", recipe, "--threads", "1")
    again = row("generate", packed, "1,2", "--ids", "--steps", "20", "--threads", "2")
    check("says the same", again["ids"] == same["ids"] and again["recipe"] == same["recipe"])
    check("and is smaller", again["token_bytes"] < row(*MADE, "1", "--steps", "2")["token_bytes"] / 2)
    answers(["generate", packed, "1", "--ids", "--recipe", "i9"], OK, "1,")  # a packed network has its own
    with open(path("short.bin"), "wb") as file:
        file.write(struct.pack("<7i", 64, 172, 5, 8, 4, 512, 512) + bytes(100))
    answers(["generate", path("short.bin"), "1", "--ids"], FAILED, "a checkpoint of llama2.c with these numbers has")


def test_usage():
    made = ["generate", "llama", "--random"]
    answers(["generate", "llama"], USAGE, "an argument is missing")
    answers([*made, "a"], FAILED, "has no tokenizer.json, vocab.json or tokenizer.bin")
    answers([*made, "a", "--tokenizer", path("none")], FAILED, "there is no file")
    answers([*made, "1,x", "--ids"], USAGE, 'no list of numbers')
    answers([*made, "1", "--ids", "--steps", "0"], USAGE, "--steps")
    answers([*made, "1", "--ids", "--temperature", "-1"], USAGE, "'-1' is no T")
    answers([*made, "1", "--ids", "--top-p", "0"], USAGE, "'0' is no P")
    answers([*made, "1", "--ids", "--threads", "1,2"], USAGE, "no number of threads")
    answers([*made, "1,2,3", "--ids", "--steps", "2"], FAILED, "the prompt has 3 tokens, more than the 2 --steps")
    result = lowbit(*made, "512", "--ids")
    check("a token that is none", result.returncode == FAILED and "rows 0 to 511" in result.stderr, result)
    answers(["generate", "resnet8", "--random", "1", "--ids"], FAILED, "it is no decoder")
    answers(["generate", path("absent"), "1", "--ids"], FAILED, "there is no file")


def test_real():
    data = os.environ.get("LOWBIT_DATA")
    if not data:
        print("skipped: LOWBIT_DATA names no folder with models/stories260k")
        return
    home = pathlib.Path(data, "models/stories260k")
    words = ["generate", str(home / "stories260K.bin"), "Once upon a time", "--tokenizer", str(home / "tok512.bin")]
    story = (home / "reference_greedy.txt").read_text()
    for threads in ("1", "2", "3"):
        check(f"the story, {threads} threads", answers([*words, "--threads", threads], OK, "Once").stdout == story)
    for recipe in ("w8a8-dynamic", "weight-only", "*: i4g32a8"):
        one = row(*words, "--recipe", recipe, "--steps", "60")
        check(f"a story by {recipe}", one["text"].startswith("Once upon a time") and one["prompt_tokens"] == 5)
    one = row(*words, "--steps", "256")
    check("the story as JSON", one["text"] + "\n" == story and one["tokens"] == 252)


outside.run_tests(globals())
