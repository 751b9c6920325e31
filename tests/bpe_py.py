#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our byte pair encodings against those of the PyPI package `tokenizers`: tokenizers of both kinds, trained here and in all
their forms of files, every character there is, and random strings. What is encoded is decoded, too.

usage: bpe_py.py BPE_IDS [STRINGS [SEED]]       exits with 77 where `tokenizers` is missing
"""
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata

try:
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer
except ImportError:
    print("SKIPPED: this python has no tokenizers")
    sys.exit(77)

PROGRAM = sys.argv[1]
STRINGS = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
SPACE = "\u2581"
SPECIAL = ["<unk>", "<s>", "</s>"]
CORPUS = [path.read_text(encoding="utf-8") for path in sorted((pathlib.Path(__file__).parent.parent / "docs").glob("*.md"))]
# Letters and numbers of Unicode 14 and later: `tokenizers` and utf8proc are of different years.
YOUNG = {c for c in range(0x110000) if unicodedata.category(chr(c)) == "Cn"}


def is_safe(text, young):
    """Texts that both libraries read by the same Unicode; SPACE in a text is a space to Hugging Face, and not to us."""
    return SPACE not in text and not any(ord(c) in young for c in text)


def random_texts(count):
    pools = ["abcdefghij ETAOIN", " \t\n\r\u00a0\u2003", "0123456789\u00b2\u0663\u2167", "'stremvdl ", "!?.,;:#-()\"'", "\u00e9\u00fc\u4e2d\u6587\u3042\u0416",
             "\U0001f600\U0001f468\u200d\u0301\u0000\u0007"]
    for _ in range(count):
        letters = "".join(random.choice(random.choice(pools)) for _ in range(random.randrange(1, 60)))
        yield random.choice(CORPUS)[(at := random.randrange(5000)):at + random.randrange(80)] if random.random() < 0.2 else letters


class Both:
    def __init__(self, what, theirs, files):
        self.what, self.theirs, self.files = what, theirs, files
        theirs.encode_special_tokens = True  # as the characters that they are, which is our way

    def compare(self, what, texts, young=frozenset()):
        texts = [t for t in texts if is_safe(t, young)]
        raw = [t.encode() for t in texts]
        data = b"".join(struct.pack("<I", len(t)) + t for t in raw)
        wanted = [e.ids for e in self.theirs.encode_batch(texts, add_special_tokens=False)]
        for path in self.files:
            run = subprocess.run([PROGRAM, path], input=data, capture_output=True, timeout=600, check=False)
            lines = run.stdout.decode().splitlines()
            got = [[int(word) for word in line.split("=")[0].split()] for line in lines]
            wrong = [i for i, ids in enumerate(wanted) if i >= len(got) or got[i] != ids]
            print(f"{self.what}, {path.name}, {what}: {len(texts) - len(wrong)} of {len(texts)} equal")
            for i in wrong[:3]:
                print(f"  {texts[i]!a}\n  ours   {got[i] if i < len(got) else run.stderr}\n  theirs {wanted[i]}")
            if wrong or run.returncode:
                sys.exit(f"FAILED {self.what}, {what} (seed {SEED}): {run.stderr.decode()}")


def words(folder):
    """As GPT-2's, in both forms of files, and with a space in front as RoBERTa's."""
    for prefix in (False, True):
        theirs = Tokenizer(BPE())
        theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        theirs.train_from_iterator(CORPUS, BpeTrainer(vocab_size=2000, initial_alphabet=alphabet, show_progress=False))
        theirs.add_special_tokens(["<|endoftext|>"])
        home = folder / f"words-{prefix}"
        home.mkdir()
        theirs.save(str(home / "tokenizer.json"))
        files = [home / "tokenizer.json"]
        if not prefix:
            theirs.model.save(str(home))
            files.append(home / "vocab.json")
        yield Both("words with a space" if prefix else "words", theirs, files)


def characters(folder):
    """As Llama's: pieces of a BPE over whole lines, with the bytes; their spaces by a normalizer, or a pre-tokenizer."""
    trained = Tokenizer(BPE())
    trained.normalizer = normalizers.Replace(" ", SPACE)
    trained.pre_tokenizer = pre_tokenizers.Split("\n", "isolated")
    trained.train_from_iterator([line[:200] for text in CORPUS for line in text.splitlines()],
                                BpeTrainer(vocab_size=1500, show_progress=False))
    old = json.loads(trained.to_str())["model"]
    pieces = SPECIAL + [f"<0x{b:02X}>" for b in range(256)] + sorted(old["vocab"], key=old["vocab"].get)
    merges = [tuple(m if isinstance(m, list) else m.split(" ")) for m in old["merges"]]
    for name in ("prepend", "metaspace", "never"):
        theirs = Tokenizer(BPE({p: i for i, p in enumerate(pieces)}, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        if name == "prepend":
            theirs.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
        else:
            scheme = "first" if name == "metaspace" else "never"
            theirs.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme=scheme, split=False)
        theirs.add_special_tokens(SPECIAL)
        home = folder / name
        home.mkdir()
        theirs.save(str(home / "tokenizer.json"))
        yield Both(f"characters, {name}", theirs, [home / "tokenizer.json", home] if name == "prepend" else [home / "tokenizer.json"])


def main():
    random.seed(SEED)
    everything = [f"a{chr(c)}{chr(c)} 1{chr(c)}" for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for both in [*words(folder), *characters(folder)]:
            both.compare("the corpus", CORPUS)
            both.compare("random strings", list(random_texts(STRINGS)))
            both.compare("long ones", ["ab" * 50000, " " * 30000 + "x", "".join(random_texts(2000))])
            both.compare("every character", everything, YOUNG)


main()
