# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: MatMulInteger and MatMulNBits, models of one node, arrays bound so that no call copies them."""
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from beside.product import Run, Way, pack

VERSION = onnxruntime.__version__
TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32,
         np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8}
options = onnxruntime.SessionOptions()


def start(threads):
    """The pool is one for all sessions: those of others would spin beside the one that runs."""
    onnxruntime.set_global_thread_pool_sizes(threads, 1)
    options.use_per_session_threads = False
    options.log_severity_level = 4


def model_of(node, a, y, constants):
    inputs = [helper.make_tensor_value_info("a", TYPES[a.dtype], a.shape)]
    outputs = [helper.make_tensor_value_info("y", TYPES[y.dtype], y.shape)]
    constants = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph([node], "product", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def call_of(model, a, y):
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for bind, name, array in ((binding.bind_input, "a", a), (binding.bind_output, "y", y)):
        bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
    return lambda arrays=(a, y): session.run_with_iobinding(binding)  # which has their addresses alone


def run_of(node, a, y, constants, copies):
    model = model_of(node, a, y, constants)
    return [call_of(model, a, y) for _ in range(copies)]


def empty_call():
    a, y = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)
    return run_of(helper.make_node("Identity", ["a"], ["y"]), a, y, {}, 1)[0]


def integer(product, copies):
    a = (product.a8.astype(np.int16) + 128).astype(np.uint8)
    y = np.empty((product.m, product.n), np.int32)
    node = helper.make_node("MatMulInteger", ["a", "w", "zero"], ["y"])
    constants = {"w": np.ascontiguousarray(product.codes.T), "zero": np.array(128, np.uint8)}
    return Run(run_of(node, a, y, constants, copies), lambda: y)


def block_of(product):
    return 32 if 0 < product.group < 128 else 128


def blocks(level):
    def make(product, copies):
        block, y = block_of(product), np.empty((product.m, product.n), np.float32)
        node = helper.make_node(
            "MatMulNBits", ["a", "codes", "scales"], ["y"], domain="com.microsoft", K=product.k, N=product.n,
            bits=product.bits, block_size=block, accuracy_level=level)
        constants = {"codes": pack(product.block_codes(block), product.bits),
                     "scales": product.block_scales(block).reshape(-1)}
        return Run(run_of(node, product.a, y, constants, copies), lambda: y)

    return make


def in_blocks(product):
    return product.group == 0 or product.group % 32 == 0 and (product.group < 128 or product.group % 128 == 0)


WAYS = [
    Way("MatMulInteger u8s8", lambda p: p.bits == 8 and p.act == "a8" and not p.group, integer, 0),
    Way("MatMulNBits l1", in_blocks, blocks(1), 1e-5),
    Way("MatMulNBits l4", in_blocks, blocks(4), 4e-3),
]
