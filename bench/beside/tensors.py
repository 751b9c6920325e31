# SPDX-License-Identifier: Apache-2.0
"""Safetensors files: 8 bytes with the length of the header, which is JSON padded to 8 bytes with spaces, and the data."""
import json

import numpy as np

TYPES = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
NAMES = {dtype: name for name, dtype in TYPES.items()}


def save(path, tensors):
    """tensors: {name: array}"""
    header, at = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            file.write(array.tobytes())


def load(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*tensor["data_offsets"])], TYPES[tensor["dtype"]]).reshape(tensor["shape"])
            for name, tensor in header.items()}
