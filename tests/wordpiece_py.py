#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our WordPiece ids against those of the PyPI package `tokenizers`: every character there is, random strings and pairs,
invalid UTF-8, and the SST-2 files of the data folder.

usage: wordpiece_py.py WORDPIECE_IDS [STRINGS [SEED]]       exits with 77 where `tokenizers` is missing
"""
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata

try:
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import BertProcessing
except ImportError:
    print("SKIPPED: this python has no tokenizers")
    sys.exit(77)

PROGRAM = sys.argv[1]
STRINGS = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
DATA = os.environ.get("LOWBIT_DATA")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
CHARACTERS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
# Blocks of Unicode 13, 16 and 17: whether a letter of these has a lower case, or decomposes, depends on the versions of
# both libraries.
YOUNG = [(0x1C89, 0x1C8A), (0xA7CB, 0xA7DC), (0x105C0, 0x105FF), (0x10D50, 0x10D85), (0x11380, 0x113FF),
         (0x11930, 0x11938), (0x16100, 0x1613F), (0x16D40, 0x16D7F), (0x16EA0, 0x16ED3)]


def is_young(text):
    return any(first <= ord(c) <= last for c in text for first, last in YOUNG)


class Both:
    """The two tokenizers over one vocabulary, a list of pieces."""

    def __init__(self, folder, pieces, cased):
        self.path, self.kind = folder / "vocab.txt", "cased" if cased else "uncased"
        self.path.write_text("".join(p + "\n" for p in pieces), encoding="utf-8", newline="")
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        self.theirs = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
        self.theirs.normalizer = BertNormalizer(lowercase=not cased)
        self.theirs.pre_tokenizer = BertPreTokenizer()
        self.theirs.post_processor = BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))

    def ours(self, texts, capacity, form):
        data = b"".join(struct.pack("<I", len(t)) + t for t in texts)
        command = [PROGRAM, self.path, self.kind, str(capacity), form]
        return subprocess.run(command, input=data, capture_output=True, check=True, timeout=600).stdout.decode().split("\n")

    def compare(self, what, texts, capacity=512, raw=None):
        """`raw` are the bytes that we get, where they are not the texts' UTF-8."""
        self.theirs.enable_truncation(capacity)
        got = self.ours(raw or [t.encode() for t in texts], capacity, "single")
        wanted = [" ".join(map(str, e.ids)) for e in self.theirs.encode_batch(texts)]
        self.judge(what, texts, got, wanted)

    def compare_pairs(self, what, pairs, capacity):
        self.theirs.enable_truncation(capacity)
        got = self.ours([t.encode() for pair in pairs for t in pair], capacity, "pairs")
        wanted = [" ".join(f"{i}/{t}" for i, t in zip(e.ids, e.type_ids)) for e in self.theirs.encode_batch(pairs)]
        self.judge(what, pairs, got, wanted)

    def judge(self, what, texts, got, wanted):
        wrong = [i for i, want in enumerate(wanted) if got[i] != want]
        print(f"{what}, {self.kind}: {len(texts) - len(wrong)} of {len(texts)} equal")
        for i in wrong[:3]:
            print(f"  {texts[i]!a}\n  ours   {got[i]}\n  theirs {wanted[i]}")
        if wrong:
            sys.exit(f"FAILED {what} (seed {SEED})")


def every_character(folder):
    """With a vocabulary of all letters, so that ids show into what a character was turned, and where words end."""
    letters = [c for c in CHARACTERS[:0x20000] if unicodedata.category(c)[0] in "LMNPS"]
    for cased in (False, True):
        both = Both(folder, SPECIAL + letters + ["##" + c for c in letters], cased)
        texts = [f"a{c}b" for c in CHARACTERS if cased or not is_young(c)]
        both.compare("every character", texts)


def combining(folder):
    """Characters that stay in a word and have an order among each other, those of Unicode 9, and marks between them."""
    kept = [chr(c) for c in (0x1734, 0x1B44, 0x1BAA, 0x1BF2, 0x302E, 0x302F, 0xA953, 0xA9C0, 0x111C0, 0x11235, 0x1134D,
                             0x116B6, 0x1D165, 0x1D166, 0x1D16D, 0x1D172)]
    marks = [c for c in CHARACTERS[:0x600] if unicodedata.category(c) == "Mn"]
    both = Both(folder, SPECIAL + kept + ["##" + c for c in ["a", "e"] + kept] + ["a", "e"], False)
    texts = ["".join(random.choice(random.choice((kept, kept, marks, "ae"))) for _ in range(12)) for _ in range(STRINGS)]
    both.compare("combining characters", texts)


def alphabets():
    """Ways to draw a character: everything, the lower planes, and blocks where the rules are."""
    blocks = [(0x20, 0x7E), (0x20, 0x7E), (0x20, 0x7E), (0, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0x6FF),
              (0x900, 0xDFF), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x3000, 0x30FF),
              (0x4E00, 0x4FFF), (0xAC00, 0xAFFF), (0xF900, 0xFB4F), (0xFE00, 0xFFFF), (0x1F300, 0x1F6FF)]
    ways = [CHARACTERS, CHARACTERS[:0x10000 - 0x800], CHARACTERS[:0x3000]]
    return ways + [[chr(c) for c in range(first, last + 1)] for first, last in blocks]


def random_text(ways, most=60):
    some = random.sample(ways, random.randint(1, 3))
    text = "".join(random.choice(random.choice(some)) for _ in range(random.randint(0, most)))
    return text if random.random() < 0.9 else text + random.choice("ab") * random.randint(97, 103)


def damaged(text):
    """Bytes with some of them changed, and what Python reads them as."""
    data = bytearray(text.encode())
    for _ in range(random.randint(1, 5)):
        if data:
            data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def strings(folder, pieces, what):
    ways = alphabets()
    for cased in (False, True):
        both = Both(folder, pieces, cased)
        both.compare(f"random strings, {what}", [random_text(ways) for _ in range(STRINGS)])
        both.compare(f"strings of 10 pieces at most, {what}", [random_text(ways) for _ in range(STRINGS // 10)], 12)
        raw = [damaged(random_text(ways)) for _ in range(STRINGS)]
        both.compare(f"damaged UTF-8, {what}", [r.decode(errors="replace") for r in raw], raw=raw)
        for capacity in (3, 8, 13, 64):
            pairs = [(random_text(ways, 20), random_text(ways, 20)) for _ in range(STRINGS // 10)]
            both.compare_pairs(f"pairs of {capacity}, {what}", pairs, capacity)


def small_vocabulary():
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return SPECIAL + list(letters) + ["##" + c for c in letters] + list("ABCé,.!'[]中ßσς") + ["##é", "##A", "ab", "##cd"]


def main():
    random.seed(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        strings(folder, small_vocabulary(), "a small vocabulary")
        combining(folder)
        every_character(folder)
        if not DATA:
            print("LOWBIT_DATA is not set: without SST-2")
            return
        sst2 = pathlib.Path(DATA) / "sst2"
        pieces = (sst2 / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
        strings(folder, pieces, "BERT's vocabulary")
        for file in ("dev_public.tsv", "train_10k.tsv"):
            lines = (sst2 / file).read_text(encoding="utf-8").split("\n")[:-1]
            for cased in (False, True):
                Both(folder, pieces, cased).compare(file, lines)
                Both(folder, pieces, cased).compare(file + " in capitals", [line.upper() for line in lines], 16)


main()
