# SPDX-License-Identifier: Apache-2.0
"""A network's numbers for other libraries, what a way of theirs is, and the check of its result.

The folder of a network, which bench/networks_make.py fills:

    network.json            name, family (cnn, transformer), input (shape of an image or text), classes, macs of one,
                            seed, recipes of ours, ending of our data, what made it
    model.safetensors       weights by the names of torchvision, timm or transformers
    config.json             what our program is to know beside them
    reference.safetensors   inputs [32][3][height][width], or ids of tokens [32][length], and PyTorch's logits
                            [32][classes] of them
    calibration.safetensors inputs [64]... to quantize by
    reference, calibration  the same as pictures; or reference.tsv, calibration.tsv and vocab.txt
    model.onnx              the same network for a batch of any size: a -> y

and what the tools of a library made of it, if they did:

    onnxruntime.onnx            int8 by ranges, QDQ
    onnxruntime.dynamic.onnx    int8 by each call's ranges; transformers
    openvino.xml, .bin          int8 by NNCF's quantization
    openvino.weights.xml, .bin  weights of int8 by NNCF's compression; transformers
"""
import dataclasses
import functools
import json
import math
import os
from collections.abc import Callable

import numpy as np

from beside.tensors import load
from beside.worker import checked


class Network:
    """batch: inputs of a call; None = all that there are."""

    def __init__(self, folder, batch):
        self.folder, self.batch = folder, batch
        with open(self.path("network.json"), encoding="utf-8") as file:
            self.about = json.load(file)

    def path(self, name):
        return os.path.join(self.folder, name)

    def fill(self):
        tensors = load(self.path("reference.safetensors"))
        self.inputs, self.logits = (tensors[name][: self.batch].copy() for name in ("inputs", "logits"))
        if self.batch and len(self.inputs) != self.batch:
            raise ValueError(f"{self.folder} has inputs for a batch of {len(self.inputs)}")
        return self

    def calibration(self):
        return load(self.path("calibration.safetensors"))["inputs"]

    def operations(self):
        return 2 * self.about["macs"] * self.batch


def range_error(result, logits):
    """The largest difference, as a share of the range of the logits."""
    return float(np.max(np.abs(result - logits)) / (np.max(logits) - np.min(logits)))


def angle_error(result, logits):
    """1 - the cosine between the two, over all of the batch together."""
    product = np.sum(result * logits) / np.sqrt(np.sum(result * result) * np.sum(logits * logits))
    return float(1 - product)


# What a way computes in: how far off it is, and how far it may be. Fewer bits than 8 are for networks that were trained
# for them, which these are not.
KINDS = {"f32": (range_error, 1e-4), "int8": (angle_error, 0.02), "low": (angle_error, math.inf)}


@dataclasses.dataclass
class Way:
    """One path of a library."""

    name: str
    kind: str  # of KINDS
    make: Callable  # (network) -> Run, whose result is the logits
    families: tuple = ("cnn", "transformer")  # of networks that it is for


def error_of(kind, network, run):
    return KINDS[kind][0](np.asarray(run.result(), np.float64), network.logits.astype(np.float64))


def make_all(ways, folder, batch):
    """{way: (run, what is to be told of it)}"""
    network = Network(folder, batch).fill()
    made = {}
    for way in ways:
        if network.about["family"] not in way.families:
            continue
        error = functools.partial(error_of, way.kind, network)
        run, told = checked(functools.partial(way.make, network), error, KINDS[way.kind][1])
        made[way.name] = run, {"kind": way.kind, **told}
    return made
