# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU: a network read from ONNX, and quantized by NNCF; what is not int8 is f32 in both."""
import numpy as np
import openvino

from beside.network import Way
from beside.openvino_ways import VERSION, calls_of, core, empty_call, start  # noqa: F401: the worker's
from beside.product import Run


def way(file, **more):
    def make(network):
        model = core.read_model(network.path(file))
        model.reshape(list(network.inputs.shape))
        y = np.empty_like(network.logits)
        return Run(calls_of(model, network.inputs, y, 1, PERFORMANCE_HINT="LATENCY", **more), lambda: y)

    return make


# Of activations 64 to 768 a scale take the same time (from 128 on); a scale a row (2^64 - 1) turns it off on CPUs.
WAYS = [Way("f32", "f32", way("model.onnx")), Way("NNCF", "int8", way("openvino.xml")),
        Way("QDQ of ONNX Runtime", "int8", way("onnxruntime.onnx")),
        Way("NNCF weights, dynamic", "int8", way("openvino.weights.xml", DYNAMIC_QUANTIZATION_GROUP_SIZE=256),
            ("transformer",))]


def save(model, network, name):
    openvino.save_model(model, network.path(name), compress_to_fp16=False)


def quantize(network):
    """By its documentation, with nothing chosen but that it is a transformer: weights by channel, symmetric; activations
    by tensor."""
    import nncf

    inputs = nncf.Dataset([one[None] for one in network.calibration()])
    kind = nncf.ModelType.TRANSFORMER if network.about["family"] == "transformer" else None
    save(nncf.quantize(core.read_model(network.path("model.onnx")), inputs, subset_size=len(network.calibration()),
                       model_type=kind), network, "openvino.xml")


def compress(network):
    """Weights of int8, a scale by channel; whether activations are quantized, too, settings of the call say."""
    import nncf

    save(nncf.compress_weights(core.read_model(network.path("model.onnx")), mode=nncf.CompressWeightsMode.INT8_SYM),
         network, "openvino.weights.xml")
