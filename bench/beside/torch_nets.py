# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the CPU: a network as it is, or compiled, with both layouts of images, and quantized by its own tools for
x86, or, of transformers, with scales for every token that each call finds."""
import torch
from torch.ao.quantization import get_default_qconfig_mapping, quantize_dynamic, quantize_fx

from beside import models
from beside.network import Way
from beside.tensors import load
from beside.torch_ways import VERSION, empty_call, run_of, start  # noqa: F401: the worker's

CALIBRATED = 16  # images; its histograms take their time


def net_of(network):
    net = models.NETWORKS[network.about["name"]].build().eval()
    tensors = load(network.path("model.safetensors"))
    net.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in tensors.items()})
    return net.requires_grad_(False)


def call(net, inputs):
    return run_of([torch.inference_mode()(lambda: net(inputs))])


def compiled(prepare):
    """By its own compiler, weights being constants."""
    def make(network):
        import torch._inductor.config

        torch._inductor.config.freezing = True
        return call(torch.compile(prepare(net_of(network))), torch.from_numpy(network.inputs))

    return make


def torchao(net):
    from torchao import quantization

    quantization.quantize_(net, quantization.Int8DynamicActivationInt8WeightConfig())
    return net


def eager(layout):
    def make(network):
        return call(net_of(network).to(memory_format=layout), torch.from_numpy(network.inputs).to(memory_format=layout))

    return make


def int8(network):
    """By its documentation, with its defaults for x86; products with constants, of pools, stay floats."""
    torch.backends.quantized.engine = "x86"
    images = torch.from_numpy(network.inputs).to(memory_format=torch.channels_last)
    settings = get_default_qconfig_mapping("x86").set_object_type(torch.matmul, None)
    net = quantize_fx.prepare_fx(net_of(network), settings, (images,))
    with torch.inference_mode():
        net(torch.from_numpy(network.calibration()[:CALIBRATED].copy()))
    return call(quantize_fx.convert_fx(net), images)


def dynamic(engine):
    """Linear layers alone."""
    def make(network):
        torch.backends.quantized.engine = engine
        net = quantize_dynamic(net_of(network), {torch.nn.Linear}, dtype=torch.qint8)
        return call(net, torch.from_numpy(network.inputs))

    return make


WAYS = [Way("eager NCHW", "f32", eager(torch.contiguous_format), ("cnn",)),
        Way("eager NHWC", "f32", eager(torch.channels_last), ("cnn",)), Way("quantize_fx x86", "int8", int8, ("cnn",)),
        Way("eager", "f32", eager(torch.contiguous_format), ("transformer",)),
        Way("compiled", "f32", compiled(lambda net: net), ("transformer",)),
        Way("torchao dynamic, compiled", "int8", compiled(torchao), ("transformer",)),
        Way("quantize_dynamic x86", "int8", dynamic("x86"), ("transformer",)),
        Way("quantize_dynamic onednn", "int8", dynamic("onednn"), ("transformer",))]
