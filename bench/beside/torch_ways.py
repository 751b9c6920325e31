# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the CPU: integer products, linear layers with dynamic quantization, and weights of 8 and 4 bits alone."""
import functools
import warnings

import numpy as np
import torch

from beside.product import Run, Way

VERSION = torch.__version__
warnings.filterwarnings("ignore")


def start(threads):
    torch.set_num_threads(threads)


def empty_call():
    return functools.partial(torch.neg, torch.zeros(1))


def run_of(calls, weights=None, dtype=torch.float32):
    """Each call leaves its result in `last`: these operators allocate their outputs."""
    last = {}

    def keeping(call):
        def kept():
            last["y"] = call()

        return kept

    return Run([keeping(call) for call in calls], lambda: last["y"].to(dtype).numpy(), weights)


def integer(transposed):
    def make(product, copies):
        a = torch.from_numpy(product.a8)
        copied = [torch.from_numpy(product.codes.copy()).t() for _ in range(copies)]
        if not transposed:
            copied = [w.contiguous() for w in copied]
        return run_of([functools.partial(torch._int_mm, a, w) for w in copied], dtype=torch.int32)

    return make


def dynamic(engine):
    def make(product, copies):
        torch.backends.quantized.engine = engine
        a, scales = torch.from_numpy(product.a), torch.from_numpy(product.scales[:, 0]).double()
        zeros = torch.zeros(product.n, dtype=torch.int64)
        calls = []
        for _ in range(copies):
            w = torch._make_per_channel_quantized_tensor(torch.from_numpy(product.codes), scales, zeros, 0)
            packed = torch.ops.quantized.linear_prepack(w, None)
            calls.append(functools.partial(torch.ops.quantized.linear_dynamic, a, packed))
        return run_of(calls)

    return make


def rounded(scales):
    return torch.from_numpy(scales).bfloat16()


def int8_weights(product, copies):
    a, scales = torch.from_numpy(product.a).bfloat16(), rounded(product.scales[:, 0])
    calls = [functools.partial(torch.ops.aten._weight_int8pack_mm, a, torch.from_numpy(product.codes.copy()), scales)
             for _ in range(copies)]
    return run_of(calls, product.weights(scales.float().numpy()[:, None]))


def int4_weights(product, copies):
    a, scales = torch.from_numpy(product.a).bfloat16(), rounded(product.scales)
    codes = torch.from_numpy(product.codes.astype(np.int32) + 8)
    both = torch.stack([scales.t(), torch.zeros_like(scales.t())], -1).contiguous()
    calls = []
    for _ in range(copies):
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 1)
        calls.append(functools.partial(torch.ops.aten._weight_int4pack_mm_for_cpu, a, packed, product.group, both))
    return run_of(calls, product.weights(scales.float().numpy()))


def is_int8(product):
    return product.bits == 8 and not product.group


def is_int4(product):
    return product.bits == 4 and product.group in (32, 64, 128, 256) and product.k % product.group == 0


# bf16 rounds A, and the result, to 8 bits of mantissa.
WAYS = [
    Way("_int_mm [n][k]", lambda p: is_int8(p) and p.act == "a8", integer(True), 0),
    Way("_int_mm [k][n]", lambda p: is_int8(p) and p.act == "a8", integer(False), 0),
    Way("linear_dynamic fbgemm", is_int8, dynamic("fbgemm"), 4e-3),
    Way("linear_dynamic onednn", is_int8, dynamic("onednn"), 4e-3),
    Way("int8 weights, bf16", is_int8, int8_weights, 4e-3),
    Way("int4 weights, bf16", is_int4, int4_weights, 4e-3),
]
