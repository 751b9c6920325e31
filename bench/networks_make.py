#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks with random weights for bench/networks_beside.py: for our program, for ONNX Runtime, for OpenVINO.

Wants torch and torchvision and onnx, timm and transformers for networks of theirs; onnxruntime, openvino and nncf for
their int8 forms:
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

CALIBRATION, BATCH = 64, 32  # images or texts
ALL, TRANSFORMER = ("cnn", "transformer"), ("transformer",)

# Library, the file that its tools make, by which function of beside/LIBRARY_nets.py, of which families.
FORMS = (("onnxruntime", "onnxruntime.onnx", "quantize", ALL),
         ("onnxruntime", "onnxruntime.dynamic.onnx", "quantize_dynamic", TRANSFORMER),
         ("openvino", "openvino.xml", "quantize", ALL), ("openvino", "openvino.weights.xml", "compress", TRANSFORMER))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("names", metavar="NAME", nargs="*", help="as resnet18-cifar; default: all")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of weights and inputs (1)")
    return parser.parse_args()


def networks_of(options):
    """{name: model} of those that are asked for."""
    try:
        from beside.models import NETWORKS
    except ImportError as reason:
        sys.exit(f"networks_make.py: {reason}")
    if unknown := set(options.names) - set(NETWORKS):
        sys.exit(f"networks_make.py: {', '.join(sorted(unknown))}: known are {', '.join(NETWORKS)}")
    return {name: NETWORKS[name] for name in options.names or NETWORKS}


def export(net, one, path):
    """By the older exporter: of the newer one's opset 18, ONNX Runtime's tools leave the last pool in floats."""
    import torch

    torch.onnx.export(net, (one,), path, input_names=["a"], output_names=["y"], opset_version=17, dynamo=False,
                      dynamic_axes={"a": {0: "batch"}, "y": {0: "batch"}})


def make(folder, name, seed):
    import torch
    from beside import models
    from beside.tensors import save

    model, net = models.NETWORKS[name], models.make(name, seed)
    with torch.no_grad():
        inputs, others = model.inputs.make(BATCH), model.inputs.make(CALIBRATION)
        logits, macs = net(inputs), models.macs_of(net, inputs[:1])
        for file, tensors in (("model", net.state_dict()), ("reference", {"inputs": inputs, "logits": logits}),
                              ("calibration", {"inputs": others})):
            arrays = {tensor: values.contiguous().numpy() for tensor, values in tensors.items()}
            save(os.path.join(folder, file + ".safetensors"), arrays)
        export(net, inputs[:1], os.path.join(folder, "model.onnx"))
    for file, values in (("reference", inputs), ("calibration", others)):
        model.inputs.save(values, os.path.join(folder, file + model.inputs.ending))
    about = {"name": name, "family": model.family, "input": list(inputs.shape[1:]), "classes": logits.shape[1],
             "macs": macs, "seed": seed, "recipes": model.recipes, "data": model.inputs.ending,
             "torch": torch.__version__}
    for file, values in (("config", model.inputs.config), ("network", about)):  # the last: now all is there
        with open(os.path.join(folder, file + ".json"), "w", encoding="utf-8") as to:
            json.dump(values, to, indent=1)


def convert(folder, library, function):
    from beside.network import Network

    getattr(importlib.import_module(f"beside.{library}_nets"), function)(Network(folder, 1))


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
    for name, model in networks_of(options).items():
        folder = os.path.join(options.folder, name)
        os.makedirs(folder, exist_ok=True)
        steps = [step(name, os.path.join(folder, "network.json"), make, folder, name, options.seed)]
        if steps[0]:
            steps += [step(f"{name}: {file}", os.path.join(folder, file), convert, folder, library, function)
                      for library, file, function, families in FORMS if model.family in families]
        whole = whole and all(steps)
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
