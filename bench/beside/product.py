# SPDX-License-Identifier: Apache-2.0
"""A problem's numbers for other libraries, what a way of theirs is, and the check of its result."""
import dataclasses
import functools
import re
from collections.abc import Callable

import numpy as np

from beside.worker import checked

BITS = {"i8": 8, "i4": 4, "i2": 2}
PROBLEM = re.compile(r"(?P<format>(?P<kind>[a-z]+\d)\w*?)(?P<act>a8|af32|af):m(?P<m>\d+)n(?P<n>\d+)k(?P<k>\d+)")
GROUP = re.compile(r"g(\d+)")
CHECKED_ROWS = 8
RING_COPIES = 1 << 12


class Product:
    """y[m][n] = a[m][k] * w[n][k], w = codes * scales[n][k / group], as the problem's text has it."""

    def __init__(self, text):
        match = PROBLEM.fullmatch(text)
        if not match or match["kind"] not in BITS:
            raise ValueError(f"'{text}': only plain products of {', '.join(BITS)} with a8, af or af32")
        self.text, self.format, self.act = text, match["format"], match["act"]
        self.m, self.n, self.k = int(match["m"]), int(match["n"]), int(match["k"])
        self.bits = BITS[match["kind"]]
        group = GROUP.search(self.format)
        self.group = int(group[1]) if group else 0

    def fill(self):
        random = np.random.default_rng(1)
        half = 1 << (self.bits - 1)
        width = self.group or self.k
        self.a = random.uniform(-1, 1, (self.m, self.k)).astype(np.float32)
        self.a8 = np.rint(self.a * 127).astype(np.int8)
        self.codes = random.integers(-half, half, (self.n, self.k)).astype(np.int8)
        self.scales = random.uniform(0.001, 0.02, (self.n, -(-self.k // width))).astype(np.float16).astype(np.float32)
        return self

    def operations(self):
        return 2 * self.m * self.n * self.k

    def weights(self, scales=None):
        width = self.group or self.k
        return self.codes * np.repeat(self.scales if scales is None else scales, width, 1)[:, : self.k]

    def block_codes(self, block):
        """Codes from 0 on, [n][blocks][block], the last block filled up with zeros."""
        blocks = -(-self.k // block)
        codes = np.pad(self.codes, ((0, 0), (0, blocks * block - self.k))) + np.int16(1 << (self.bits - 1))
        return codes.astype(np.uint8).reshape(self.n, blocks, block)

    def block_scales(self, block):
        """The scale of each block of so many k, [n][blocks]; a group is one block or several."""
        starts = np.arange(0, self.k, block)
        return self.scales[:, starts // (self.group or self.k)]


@dataclasses.dataclass
class Run:
    """A way's calls, one for each copy of its weights, and where they leave their result."""

    calls: list
    result: Callable  # the output of the last call, [m][n]
    weights: np.ndarray | None = None  # what it really multiplies by; None = the problem's own, or codes where exact


@dataclasses.dataclass
class Way:
    """One path of a library. Errors are shares of the sum of the magnitudes of an element's products."""

    name: str
    takes: Callable  # (product) -> bool
    make: Callable  # (product, copies) -> Run
    tolerance: float  # 0 = the exact sums of a8 and codes


def pack(codes, bits):
    """[..][count] codes -> [..][count * bits / 8] bytes, lower bits first."""
    fields = codes.reshape(*codes.shape[:-1], -1, 8 // bits).astype(np.uint8)
    packed = np.zeros(fields.shape[:-1], np.uint8)
    for field in range(8 // bits):
        packed |= fields[..., field] << (field * bits)
    return packed


def error_of(way, run, product):
    """How far the result is off; of exact ways the largest difference of a sum."""
    rows = np.unique(np.linspace(0, product.m - 1, CHECKED_ROWS).astype(int))
    result = np.asarray(run.result())[rows].astype(np.float64)
    if way.tolerance == 0:
        return float(np.max(np.abs(result - product.a8[rows].astype(np.float64) @ product.codes.T.astype(np.float64))))
    weights = (product.weights() if run.weights is None else run.weights).astype(np.float64).T
    a = product.a[rows].astype(np.float64)
    return float(np.max(np.abs(result - a @ weights) / (np.abs(a) @ np.abs(weights))))


def make_all(ways, text, ring_bytes):
    """{way: (run, what is to be told of it)} of every way that takes the problem."""
    product = Product(text).fill()
    copies = min(-(-ring_bytes * 8 // (product.n * product.k * product.bits)), RING_COPIES) if ring_bytes else 1
    return {way.name: checked(functools.partial(way.make, product, copies),
                              lambda run, way=way: error_of(way, run, product), way.tolerance)
            for way in ways if way.takes(product)}
