# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: a network as it was exported, and quantized by its own tools."""
import os

import numpy as np
import onnx

from beside.network import Way
from beside.onnxruntime_ways import VERSION, call_of, empty_call, options, start  # noqa: F401: the worker's
from beside.product import Run


def way(file):
    def make(network):
        options.add_free_dimension_override_by_name("batch", network.batch)
        y = np.empty_like(network.logits)
        return Run([call_of(network.path(file), network.inputs, y)], lambda: y)

    return make


WAYS = [Way("f32", "f32", way("model.onnx")), Way("QDQ u8s8", "int8", way("onnxruntime.onnx")),
        Way("dynamic", "int8", way("onnxruntime.dynamic.onnx"), ("transformer",))]
# Of transformers what has weights: products of attention, norms and sums stay floats, as ours do.
QDQ = {"cnn": {}, "transformer": {"op_types_to_quantize": ["Conv", "Gemm", "MatMul"],
                                  "extra_options": {"MatMulConstBOnly": True}}}


def replace(network, made, name, *rest):
    os.replace(made, network.path(name))
    for path in rest:
        os.remove(path)


def quantize(network):
    """By its documentation: its own pre-processing, static ranges (least and greatest), QDQ, weights by channel."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Inputs(CalibrationDataReader):
        def __init__(self):
            self.inputs = iter(network.calibration())

        def get_next(self):
            one = next(self.inputs, None)
            return None if one is None else {"a": one[None]}

    ready, made = network.path("ready.onnx"), network.path("onnxruntime.part.onnx")
    quant_pre_process(network.path("model.onnx"), ready)
    quantize_static(ready, made, Inputs(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    **QDQ[network.about["family"]])
    replace(network, made, "onnxruntime.onnx", ready)


def quantize_dynamic(network):
    """By its documentation of transformers: its own optimizer of these, then weights by channel."""
    from onnxruntime import quantization
    from onnxruntime.transformers import optimizer

    ready, made = network.path("fused.onnx"), network.path("onnxruntime.dynamic.part.onnx")
    kind = "vit" if len(network.about["input"]) == 3 else "bert"
    optimizer.optimize_model(network.path("model.onnx"), model_type=kind, opt_level=1).save_model_to_file(ready)
    quantization.quantize_dynamic(ready, made, per_channel=True, weight_type=quantization.QuantType.QInt8,
                                  extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
    replace(network, made, "onnxruntime.dynamic.onnx", ready)
