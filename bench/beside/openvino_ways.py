# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU: a MatMul whose weights it keeps compressed, and one that it turns into integers."""
import numpy as np
import openvino
from openvino import opset13 as op

from beside.product import Run, Way, pack

VERSION = openvino.__version__.split("-")[0]
core = openvino.Core()
settings = {"NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}


def start(threads):
    settings["INFERENCE_NUM_THREADS"] = threads


def calls_of(model, a, y, copies, **more):
    calls = []
    for _ in range(copies):
        request = core.compile_model(model, "CPU", {**settings, **more}).create_infer_request()
        request.set_input_tensor(openvino.Tensor(a, shared_memory=True))
        request.set_output_tensor(openvino.Tensor(y, shared_memory=True))
        calls.append(request.infer)
    return calls


def empty_call():
    a, y = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)
    parameter = op.parameter(a.shape, np.float32)
    return calls_of(openvino.Model([op.result(parameter)], [parameter]), a, y, 1)[0]


def constant(product, shape):
    if product.bits == 8:
        return op.constant(product.codes.reshape(shape))
    tensor = openvino.Tensor(openvino.Type.i4, openvino.Shape(shape))  # which owns its bytes, as one of an array does not
    tensor.data.reshape(-1)[:] = pack(product.codes.reshape(shape) & 15, 4).reshape(-1).view(tensor.data.dtype)
    return op.constant(tensor)


def compressed(product):
    """Constant, Convert, Multiply, Reshape: the pattern that its compression of weights leaves in a model."""
    width = product.group or product.k
    shape = [product.n, product.k // width, width]
    scales = op.constant(product.scales.astype(np.float16).reshape(product.n, -1, 1))
    weights = op.multiply(op.convert(constant(product, shape), np.float16), scales)
    weights = op.reshape(weights, op.constant(np.array([product.n, product.k])), False)
    return op.convert(weights, np.float32)


def make(product, copies, rows, weights, **more):
    y = np.empty((product.m, product.n), np.float32)
    parameter = op.parameter(product.a.shape, np.float32)
    model = openvino.Model([op.matmul(rows(parameter), weights, False, True)], [parameter])
    return Run(calls_of(model, product.a, y, copies, **more), lambda: y)


def weight_only(group):
    """group: of activations quantized to 8 bits in the call, 0 = none are."""

    def way(product, copies):
        return make(product, copies, lambda a: a, compressed(product), DYNAMIC_QUANTIZATION_GROUP_SIZE=group)

    return way


def integers(product, copies):
    """Activations by one scale given ahead, of 1/128; its own passes make a product of integers of that."""

    def rows(a):
        ends = [op.constant(np.float32(end)) for end in (-1, 127 / 128)]
        return op.fake_quantize(a, *ends, *ends, 256)

    weights = op.multiply(op.convert(op.constant(product.codes), np.float32), op.constant(product.scales))
    return make(product, copies, rows, weights)


def is_compressed(product):
    return product.bits in (8, 4) and product.k % (product.group or product.k) == 0


WAYS = [
    Way("compressed", is_compressed, weight_only(0), 1e-5),
    Way("compressed dynamic", is_compressed, weight_only(32), 4e-3),
    Way("FakeQuantize", lambda p: p.bits == 8 and p.act == "a8" and not p.group, integers, 8e-3),
]
