#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Weight-only products next to ONNX Runtime's MatMulNBits, in turn and on one thread, as a Markdown table.

usage: peers_ort.py LOWBIT [SECONDS [M...]]  SECONDS for each of two turns of each cell, default 1; M: 1 and 128
Wants the packages onnxruntime, onnx and numpy:
    python3 -m venv VENV && VENV/bin/pip install onnxruntime onnx numpy
    taskset -c 1 VENV/bin/python bench/peers_ort.py build/release/cli/lowbit

A model is one node: N = K = 4096, codes of 4 bits in blocks of 32 with float scales, float activations. accuracy_level 1
multiplies floats, 4 quantizes the activations to 8 bits. Results are checked against numpy in double. Warm: the same weights
again and again; cold: those of as many models in turn as have 1 GiB of packed codes. Ours is `lowbit bench gemm`, turns are
ours, theirs, theirs, ours; times are medians of all calls of both turns (of ours, of both medians).
"""
import json
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

N = K = 4096
BLOCK = 32
RING_BYTES = 1 << 30
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
# accuracy_level: the most that a result may be off, as a share of the sum of the magnitudes of its products.
LEVELS = {1: 1e-5, 4: 1e-2}


def make_weights():
    """Codes [N][K / 32][16], the lower four bits first, and scales [N][K / 32]."""
    random = np.random.default_rng(1)
    codes = random.integers(0, 256, (N, K // BLOCK, BLOCK // 2), np.uint8)
    scales = random.uniform(0.001, 0.02, (N, K // BLOCK)).astype(np.float32)
    return codes, scales


def model_of(codes, scales, m, level):
    node = helper.make_node(
        "MatMulNBits", ["a", "codes", "scales"], ["y"], domain="com.microsoft", K=K, N=N, bits=4, block_size=BLOCK,
        accuracy_level=level)
    graph = helper.make_graph(
        [node], "product",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, [m, K])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [m, N])],
        [numpy_helper.from_array(codes, "codes"), numpy_helper.from_array(scales.reshape(-1), "scales")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bound(session, a):
    """A call without copies of its arrays, and its output."""
    y = np.empty((a.shape[0], N), np.float32)
    binding = session.io_binding()
    for bind, name, array in ((binding.bind_input, "a", a), (binding.bind_output, "y", y)):
        bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    return lambda: session.run_with_iobinding(binding), y


def check(y, a, codes, scales, level):
    values = np.stack([codes & 15, codes >> 4], -1).reshape(N, K // BLOCK, BLOCK).astype(np.float64) - 8
    weights = (values * scales[:, :, None]).reshape(N, K)
    want, most = a.astype(np.float64) @ weights.T, np.abs(a).astype(np.float64) @ np.abs(weights).T
    error = float(np.max(np.abs(y - want) / most))
    if not error <= LEVELS[level]:
        sys.exit(f"accuracy_level {level}: off by {error:.2g} of the magnitudes")


def time_calls(calls):
    calls[0](), calls[0]()
    times, end, at = [], time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        calls[at]()
        times.append(time.perf_counter() - start)
        at = (at + 1) % len(calls)
    return times


def time_ours(lowbit, problem, cold):
    command = [lowbit, "bench", "gemm", problem, "--time", str(SECONDS), "--json", "-"] + ["--cold"] * cold
    result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["results"][0]
    if not result["within_bound"]:
        sys.exit(f"{problem}: a wrong result")
    return result["median_us"], result["kernel"]


def cell(lowbit, m, level, cold):
    a = np.random.default_rng(0).uniform(-1, 1, (m, K)).astype(np.float32)
    copies = -(-RING_BYTES // (N * K // 2)) if cold else 1
    codes, scales = make_weights()
    runs = [bound(session_of(model_of(codes ^ np.uint8(i), scales, m, level)), a) for i in range(copies)]
    runs[0][0]()
    check(runs[0][1], a, codes, scales, level)
    problem, calls = f"i4g32af:m{m}n{N}k{K}", [run[0] for run in runs]
    first, kernel = time_ours(lowbit, problem, cold)
    theirs = statistics.median(time_calls(calls) + time_calls(calls)) * 1e6
    ours = statistics.median([first, time_ours(lowbit, problem, cold)[0]])
    print(f"| {problem} | {'cold' if cold else 'warm'} | {kernel} | {ours:.0f} | level {level} | {theirs:.0f} |"
          f" {theirs / ours:.2f} |", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, numpy {np.__version__}\n")
    print("| problem | weights | kernel | us | MatMulNBits | us | ours is faster |\n|---|---|---|---|---|---|---|")
    for m in [int(m) for m in sys.argv[3:]] or [1, 128]:
        for level in LEVELS:
            for cold in (False, True):
                cell(sys.argv[1], m, level, cold)


main()
