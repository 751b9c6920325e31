# SPDX-License-Identifier: Apache-2.0
"""A network's numbers for other libraries, what a way of theirs is, and the check of its result.

The folder of a network, which bench/networks_make.py fills:

    network.json            name, input [3, height, width], classes, macs of an image, seed, what made it
    model.safetensors       weights by the names of torchvision
    reference.safetensors   images [32][3][height][width] and PyTorch's logits [32][classes] of them
    calibration.safetensors images [64][3][height][width] to quantize by
    model.onnx              the same network for a batch of any size: a -> y
    onnxruntime.onnx        its int8 form by ONNX Runtime's tools, if they made one
    openvino.xml, .bin      its int8 form by NNCF, if it made one
"""
import dataclasses
import functools
import json
import os
from collections.abc import Callable

import numpy as np

from beside.tensors import load
from beside.worker import checked


class Network:
    def __init__(self, folder, batch):
        self.folder, self.batch = folder, batch
        with open(self.path("network.json"), encoding="utf-8") as file:
            self.about = json.load(file)

    def path(self, name):
        return os.path.join(self.folder, name)

    def fill(self):
        tensors = load(self.path("reference.safetensors"))
        self.images, self.logits = (tensors[name][: self.batch].copy() for name in ("images", "logits"))
        if len(self.images) != self.batch:
            raise ValueError(f"{self.folder} has images for a batch of {len(self.images)}")
        return self

    def calibration(self):
        return load(self.path("calibration.safetensors"))["images"]

    def operations(self):
        return 2 * self.about["macs"] * self.batch


def range_error(result, logits):
    """The largest difference, as a share of the range of the logits."""
    return float(np.max(np.abs(result - logits)) / (np.max(logits) - np.min(logits)))


def angle_error(result, logits):
    """1 - the cosine between the two, over all images of the batch together."""
    product = np.sum(result * logits) / np.sqrt(np.sum(result * result) * np.sum(logits * logits))
    return float(1 - product)


# What a way computes in: how far off it is, and how far it may be.
KINDS = {"f32": (range_error, 1e-4), "int8": (angle_error, 0.02)}


@dataclasses.dataclass
class Way:
    """One path of a library."""

    name: str
    kind: str  # of KINDS
    make: Callable  # (network) -> Run, whose result is the logits


def error_of(kind, network, run):
    return KINDS[kind][0](np.asarray(run.result(), np.float64), network.logits.astype(np.float64))


def make_all(ways, folder, batch):
    """{way: (run, what is to be told of it)}"""
    network = Network(folder, batch).fill()
    made = {}
    for way in ways:
        error = functools.partial(error_of, way.kind, network)
        run, told = checked(functools.partial(way.make, network), error, KINDS[way.kind][1])
        made[way.name] = run, {"kind": way.kind, **told}
    return made
