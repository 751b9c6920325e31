#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives `lowbit packbits` and `lowbit unpackbits` on random arrays and compares every file with numpy's result.

usage: packbits_numpy.py LOWBIT [CASES [SEED]]        exits with 77 where numpy is missing
"""
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("SKIPPED: this python has no numpy")
    sys.exit(77)

LOWBIT = sys.argv[1]
CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 400
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
TYPES = ["u1", "u1", "u1", "?", "i1", "<i2", ">i2", "<u4", ">i4", "<i8", ">u8"]
random.seed(SEED)
generator = np.random.default_rng(SEED)


def random_shape():
    """Mostly small and odd; sometimes one long dimension, sometimes an empty one."""
    shape = [random.choice([1, 2, 3, 5, 7, 8, 9, 16, 17, 33]) for _ in range(random.randint(1, 4))]
    while np.prod(shape) > 20000:
        shape[random.randrange(len(shape))] = random.randint(1, 4)
    if random.random() < 0.3:
        shape[random.randrange(len(shape))] = random.choice([64, 65, 127, 513, 1000, 4099])
    if random.random() < 0.05:
        shape[random.randrange(len(shape))] = 0
    return tuple(shape) if random.random() < 0.97 else ()


def random_array(dtype):
    shape = random_shape()
    values = generator.integers(0, 256, shape) * generator.integers(0, 2, shape)
    array = np.asarray(values).astype(np.dtype(dtype))
    return np.asfortranarray(array) if random.random() < 0.3 else np.ascontiguousarray(array).reshape(shape)


def run(words):
    """Exit code and standard error of one call."""
    done = subprocess.run([LOWBIT] + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stderr.decode()


def header_flag(path):
    with open(path, "rb") as file:
        return b"'fortran_order': True" in file.read(128)


def one_case(folder, number):
    pack = number % 2 == 0
    array = random_array(random.choice(TYPES) if pack else "u1")
    axis = random.choice([None] + list(range(-max(array.ndim, 1), max(array.ndim, 1))))
    order = random.choice(["big", "little"])
    paths = [os.path.join(folder, name) for name in ("in.npy", "out.npy", "numpy.npy")]
    words = ["packbits" if pack else "unpackbits", paths[0], paths[1]]
    words += ["--axis=%d" % axis] if axis is not None else random.choice([[], ["--axis", "none"]])
    words += ["--bitorder", order] if order == "little" or random.random() < 0.5 else []
    options = {"axis": axis, "bitorder": order}
    line = 8 * (array.size if axis is None else array.shape[axis] if array.ndim else 1)
    if not pack and random.random() < 0.6:
        options["count"] = random.choice([0, 1, line, line + 13, random.randint(0, line), -random.randint(0, line)])
        words += ["--count=%d" % options["count"]]
    np.save(paths[0], array)
    want = (np.packbits if pack else np.unpackbits)(array, **options)
    if line == 0 and not pack:
        want[...] = 0  # numpy leaves these elements as the memory was; by its own text they are zeros
    np.save(paths[2], want)
    code, text = run(words)
    what = "%s of %s %s, %s" % (words[0], array.dtype.str, array.shape, options)
    if code != 0:
        return "%s: exit code %d: %s" % (what, code, text)
    got = np.load(paths[1], allow_pickle=False)
    same = got.dtype == want.dtype and got.shape == want.shape and got.tobytes("A") == want.tobytes("A")
    if not same or header_flag(paths[1]) != header_flag(paths[2]):
        return "%s: differs from numpy" % what
    return None


def refusals(folder):
    """What must not be accepted: (words, exit code)."""
    path = os.path.join(folder, "f4.npy")
    np.save(path, np.zeros((3, 4), "f4"))
    good = os.path.join(folder, "u1.npy")
    np.save(good, np.zeros((3, 4), "u1"))
    out = os.path.join(folder, "refused.npy")
    calls = [(["packbits"], 2), (["packbits", good], 2), (["packbits", good, out, good], 2),
             (["packbits", good, out, "--axis", "x"], 2), (["packbits", good, out, "--bitorder", "middle"], 2),
             (["packbits", good, out, "--count", "3"], 2), (["unpackbits", good, out, "--count", "x"], 2),
             (["packbits", good, out, "--axis", "2"], 1), (["packbits", path, out], 1), (["unpackbits", path, out], 1),
             (["unpackbits", good, out, "--axis=1", "--count=-33"], 1), (["packbits", folder, out], 1),
             (["packbits", os.path.join(folder, "missing.npy"), out], 1),
             (["packbits", good, os.path.join(folder, "no", "folder.npy")], 1)]
    for words, wanted in calls:
        code, text = run(words)
        if code != wanted or not text.strip() or os.path.exists(out):
            yield "%s: exit code %d, wanted %d: %s" % (" ".join(words), code, wanted, text)
    for command in ("packbits", "unpackbits"):
        if run([command, "--help"])[0] != 0:
            yield "%s --help failed" % command


def main():
    with tempfile.TemporaryDirectory() as folder:
        failures = [text for text in (one_case(folder, number) for number in range(CASES)) if text]
        failures += list(refusals(folder))
    for text in failures[:20]:
        print("FAILED", text)
    print("%d arrays against numpy %s, seed %d: %d failures" % (CASES, np.__version__, SEED, len(failures)))
    return bool(failures)


sys.exit(main())
