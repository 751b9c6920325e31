# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU: a network read from ONNX, and quantized by NNCF; what is not int8 is f32 in both."""
import numpy as np
import openvino

from beside.network import Way
from beside.openvino_ways import VERSION, calls_of, core, empty_call, start  # noqa: F401: the worker's
from beside.product import Run


def way(file):
    def make(network):
        model = core.read_model(network.path(file))
        model.reshape(list(network.images.shape))
        y = np.empty_like(network.logits)
        return Run(calls_of(model, network.images, y, 1, PERFORMANCE_HINT="LATENCY"), lambda: y)

    return make


WAYS = [Way("f32", "f32", way("model.onnx")), Way("NNCF", "int8", way("openvino.xml")),
        Way("QDQ of ONNX Runtime", "int8", way("onnxruntime.onnx"))]


def quantize(network):
    """By its documentation, with nothing chosen: weights by channel, symmetric; activations by tensor."""
    import nncf

    images = nncf.Dataset([image[None] for image in network.calibration()])
    made = nncf.quantize(core.read_model(network.path("model.onnx")), images, subset_size=len(network.calibration()))
    openvino.save_model(made, network.path("openvino.xml"), compress_to_fp16=False)
