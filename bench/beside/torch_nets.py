# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the CPU: a network as it is, with both layouts of images, and quantized by its own tools for x86."""
import torch
from torch.ao.quantization import get_default_qconfig_mapping, quantize_fx

from beside import models
from beside.network import Way
from beside.tensors import load
from beside.torch_ways import VERSION, empty_call, run_of, start  # noqa: F401: the worker's

CALIBRATED = 16  # images; its histograms take their time


def net_of(network):
    build, _ = models.NETWORKS[network.about["name"]]
    net = build().eval()
    tensors = load(network.path("model.safetensors"))
    net.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in tensors.items()})
    return net.requires_grad_(False)


def eager(layout):
    def make(network):
        net = net_of(network).to(memory_format=layout)
        images = torch.from_numpy(network.images).to(memory_format=layout)
        return run_of([torch.inference_mode()(lambda: net(images))])

    return make


def int8(network):
    """By its documentation, with its defaults for x86; products with constants, of pools, stay floats."""
    torch.backends.quantized.engine = "x86"
    images = torch.from_numpy(network.images).to(memory_format=torch.channels_last)
    settings = get_default_qconfig_mapping("x86").set_object_type(torch.matmul, None)
    net = quantize_fx.prepare_fx(net_of(network), settings, (images,))
    with torch.inference_mode():
        net(torch.from_numpy(network.calibration()[:CALIBRATED].copy()))
    net = quantize_fx.convert_fx(net)
    return run_of([torch.inference_mode()(lambda: net(images))])


WAYS = [Way("eager NCHW", "f32", eager(torch.contiguous_format)), Way("eager NHWC", "f32", eager(torch.channels_last)),
        Way("quantize_fx x86", "int8", int8)]
