# SPDX-License-Identifier: Apache-2.0
"""Checkpoint folders that Hugging Face's `transformers` writes, as they are, against what it computes: random weights.

usage: transformers_py.py LOWBIT       exits with 77 where `transformers` or `torch` is missing
"""
import json
import os
import pathlib
import sys
import tempfile

try:
    import numpy
    import torch
    import transformers
except ImportError:
    print("SKIPPED: this python has no torch with transformers")
    sys.exit(77)

import outside
from outside import check, lowbit, OK

SAME = 1e-4  # of the range of the outputs
IMAGES = 12
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] a good bad film is not ##s very the of , . it ##ly deep moving plot".split()
TEXTS = ["a good film", "a very bad film .", "it is the plot of a deeply moving film , not bad", "films", "is it ?"]
PAIRS = [("a good film", "the plot is deep"), ("not bad", "it is good , very good"), ("a", "film")]
folder = tempfile.TemporaryDirectory()


def path(*names):
    return os.path.join(folder.name, *names)


def saved(model, name):
    """The model's folder, with the weights of its norms and biases made visible."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            scale = 0.1 if parameter.ndim < 2 else 1.4 / parameter.shape[-1] ** 0.5
            parameter.copy_((parameter if parameter.ndim < 2 else 0) + scale * torch.randn(parameter.shape, generator=generator))
    model.eval().save_pretrained(path(name))
    pathlib.Path(path(name, "vocab.txt")).write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return path(name)


def outputs(model, data, *more):
    result = lowbit("run", model, "--data", data, "--npy", path("out.npy"), *more)
    check(f"lowbit run {model}", result.returncode == OK, result)
    return numpy.load(path("out.npy"))


def same(what, ours, theirs):
    theirs = theirs.detach().numpy()
    far = numpy.abs(ours - theirs).max() / (theirs.max() - theirs.min())
    check(f"{what}: {ours.shape}, off by {far:.1e} of the range", ours.shape == theirs.shape and far <= SAME)


def tokens():
    from tokenizers import BertWordPieceTokenizer
    return BertWordPieceTokenizer({word: i for i, word in enumerate(WORDS)})


def rows(model, what):
    """`what` of the model's answers to every text by itself."""
    coder, answers = tokens(), []
    for text in TEXTS:
        ids = torch.tensor([coder.encode(text).ids])
        answers.append(what(model(input_ids=ids)))
    return torch.cat(answers)


def single():
    pathlib.Path(path("texts.tsv")).write_text("sentence\tlabel\n" + "".join(f"{t}\t1\n" for t in TEXTS), encoding="utf-8")
    return path("texts.tsv")


BERT = {"vocab_size": len(WORDS), "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 80,
        "max_position_embeddings": 40}


def test_bert():
    model = transformers.BertForSequenceClassification(transformers.BertConfig(**BERT, num_labels=3))
    same("BERT", outputs(saved(model, "bert"), single()), rows(model, lambda answer: answer.logits))
    coder = tokens()
    pathlib.Path(path("pairs.tsv")).write_text("sentence1\tsentence2\tlabel\n" + "".join(
        f"{a}\t{b}\tentailment\n" for a, b in PAIRS), encoding="utf-8")
    pairs = [coder.encode(a, b) for a, b in PAIRS]
    same("BERT on pairs", outputs(path("bert"), path("pairs.tsv")), torch.cat([
        model(input_ids=torch.tensor([p.ids]), token_type_ids=torch.tensor([p.type_ids])).logits for p in pairs]))


def test_embeddings():
    model = transformers.BertModel(transformers.BertConfig(**BERT, hidden_act="gelu_new"))
    same("embeddings", outputs(saved(model, "encoder"), single()), rows(
        model, lambda answer: torch.nn.functional.normalize(answer.last_hidden_state.mean(dim=1))))


def test_distilbert():
    config = transformers.DistilBertConfig(vocab_size=len(WORDS), dim=48, n_layers=2, n_heads=6, hidden_dim=72,
                                           max_position_embeddings=40, num_labels=2)
    model = transformers.DistilBertForSequenceClassification(config)
    same("DistilBERT", outputs(saved(model, "distilbert"), single()), rows(model, lambda answer: answer.logits))


def test_vit():
    config = transformers.ViTConfig(hidden_size=48, num_hidden_layers=3, num_attention_heads=3, intermediate_size=96, image_size=32,
                                    patch_size=8, num_labels=7)
    model = transformers.ViTForImageClassification(config)
    generator = numpy.random.default_rng(3)
    pixels = generator.integers(0, 256, (IMAGES, 3, 32, 32), dtype=numpy.uint8)
    pathlib.Path(path("images.bin")).write_bytes(b"".join(bytes([i % 10]) + p.tobytes() for i, p in enumerate(pixels)))
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.3, 0.25]
    where = saved(model, "vit")
    pathlib.Path(where, "preprocessor_config.json").write_text(json.dumps({"image_mean": mean, "image_std": std}), encoding="utf-8")
    x = (torch.from_numpy(pixels).float() / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    same("ViT", outputs(where, path("images.bin")), model(pixel_values=x).logits)


def test_gpt2():
    config = transformers.GPT2Config(vocab_size=61, n_positions=40, n_embd=48, n_layer=3, n_head=4)
    model = transformers.GPT2LMHeadModel(config)
    where, prompt, steps = saved(model, "gpt2"), [5, 17, 3], 30
    theirs = list(prompt)
    while len(theirs) <= steps:  # the last position's token, too
        theirs.append(int(model(input_ids=torch.tensor([theirs])).logits[0, -1].argmax()))
    result = lowbit("generate", where, ",".join(map(str, prompt)), "--ids", "--steps", str(steps))
    check(f"GPT-2 goes on with {theirs}", result.stdout.strip() == ",".join(map(str, theirs)), result)


outside.run_tests(globals())
