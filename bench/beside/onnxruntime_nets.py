# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: a network as it was exported, and quantized by its own tools."""
import os

import numpy as np

from beside.network import Way
from beside.onnxruntime_ways import VERSION, call_of, empty_call, options, start  # noqa: F401: the worker's
from beside.product import Run


def way(file):
    def make(network):
        options.add_free_dimension_override_by_name("batch", network.batch)
        y = np.empty_like(network.logits)
        return Run([call_of(network.path(file), network.images, y)], lambda: y)

    return make


WAYS = [Way("f32", "f32", way("model.onnx")), Way("QDQ u8s8", "int8", way("onnxruntime.onnx"))]


def quantize(network):
    """By its documentation: its own pre-processing, static ranges (least and greatest), QDQ, weights by channel."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Images(CalibrationDataReader):
        def __init__(self):
            self.images = iter(network.calibration())

        def get_next(self):
            image = next(self.images, None)
            return None if image is None else {"a": image[None]}

    ready, made = network.path("ready.onnx"), network.path("onnxruntime.part.onnx")
    quant_pre_process(network.path("model.onnx"), ready)
    quantize_static(ready, made, Images(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    os.replace(made, network.path("onnxruntime.onnx"))
    os.remove(ready)
