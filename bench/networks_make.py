#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks with random weights for bench/networks_beside.py: for our program, for ONNX Runtime, for OpenVINO.

Wants torch and torchvision and onnx; onnxruntime, openvino and nncf for their int8 forms:
    VENV/bin/python bench/networks_make.py FOLDER [NAME...]

FOLDER/NAME gets the files that bench/beside/network.py lists; those that are there already stay. Each step is a process
of its own, and one that fails is told and stops nothing: what it would have made is refused later, by name.
"""
import argparse
import importlib
import json
import multiprocessing
import os
import sys

CALIBRATION, BATCH = 64, 32  # images


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("names", metavar="NAME", nargs="*", help="as resnet18-cifar; default: all")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of weights and images (1)")
    return parser.parse_args()


def names_of(options):
    try:
        from beside.models import NETWORKS
    except ImportError as reason:
        sys.exit(f"networks_make.py: {reason}")
    if unknown := set(options.names) - set(NETWORKS):
        sys.exit(f"networks_make.py: {', '.join(sorted(unknown))}: known are {', '.join(NETWORKS)}")
    return options.names or list(NETWORKS)


def export(net, image, path):
    """By the older exporter: of the newer one's opset 18, ONNX Runtime's tools leave the last pool in floats."""
    import torch

    torch.onnx.export(net, (image,), path, input_names=["a"], output_names=["y"], opset_version=17, dynamo=False,
                      dynamic_axes={"a": {0: "batch"}, "y": {0: "batch"}})


def make(folder, name, seed):
    import torch
    from beside import models
    from beside.tensors import save

    net, size = models.make(name, seed)
    with torch.no_grad():
        images = models.images(BATCH, size)
        logits = net(images)
        macs = models.macs_of(net, images[:1])
    for file, tensors in (("model", net.state_dict()), ("reference", {"images": images, "logits": logits}),
                          ("calibration", {"images": models.images(CALIBRATION, size)})):
        arrays = {tensor: values.contiguous().numpy() for tensor, values in tensors.items()}
        save(os.path.join(folder, file + ".safetensors"), arrays)
    export(net, images[:1], os.path.join(folder, "model.onnx"))
    about = {"name": name, "input": list(images.shape[1:]), "classes": logits.shape[1], "macs": macs, "seed": seed,
             "torch": torch.__version__}
    with open(os.path.join(folder, "network.json"), "w", encoding="utf-8") as file:  # the last: now all is there
        json.dump(about, file, indent=1)


def quantize(folder, library):
    from beside.network import Network

    importlib.import_module(f"beside.{library}_nets").quantize(Network(folder, 1))


def step(what, path, function, *words):
    """Whether the file is there: made by the function, in a process of its own, if it was not."""
    if os.path.exists(path):
        return True
    process = multiprocessing.get_context("spawn").Process(target=function, args=words)
    process.start()
    process.join()
    print(f"{what}: {'made' if os.path.exists(path) else f'failed ({process.exitcode})'}", flush=True)
    return os.path.exists(path)


def main():
    options = arguments()
    whole = True
    for name in names_of(options):
        folder = os.path.join(options.folder, name)
        os.makedirs(folder, exist_ok=True)
        steps = [step(name, os.path.join(folder, "network.json"), make, folder, name, options.seed)]
        if steps[0]:
            steps += [step(f"{name} int8 {library}", os.path.join(folder, file), quantize, folder, library)
                      for library, file in (("onnxruntime", "onnxruntime.onnx"), ("openvino", "openvino.xml"))]
        whole = whole and all(steps)
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
