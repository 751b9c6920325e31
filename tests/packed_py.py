#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A reader of packed blobs written from docs/formats.md alone, against what `lowbit quantize --out` writes.

    packed_py.py LOWBIT FOLDER     the program; the repository, whose docs/formats.md has the formats and the example
"""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("SKIPPED: this python has no numpy")
    sys.exit(77)

LOWBIT, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
PAGE = (FOLDER / "docs/formats.md").read_text()
BASIS, PRIME, MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1
LINE_K = {"t5": 20}
BOOKS = ("c4", "nf4", "fp4", "p4")
SCALE_TYPES = ("f32", "f16", "bf16")
OFFSETS = ("", "z", "m")


def expect(what, condition):
    if not condition:
        sys.exit(f"FAILED {what}")


def formats():
    """The table of the page: one dictionary a format."""
    rows = re.findall(r"^\| `(\w+)` \|((?: [^|]+ \|){8})$", PAGE, re.MULTILINE)
    names = ("number", "bits", "codes", "s", "o", "offsets", "rules", "values")
    return [{"name": name, **dict(zip(names, (c.strip() for c in cells.split("|"))))} for name, cells in rows]


def check_numbers(table):
    """The page names exactly the formats of the header, with their numbers."""
    header = (FOLDER / "include/lowbit/weights.h").read_text()
    block = header[header.index("/* Formats, numbered for ever"):]
    enum = re.findall(r"LOWBIT_(\w+) = (\d+)", block[:block.index("};")])
    documented = {f["name"].upper(): f["number"] for f in table}
    expect(f"docs/formats.md has every format of weights.h: {enum}", documented == dict(enum))


# ---- the reader ----

def fnv1a(data):
    h = BASIS
    for byte in data:
        h = (h ^ byte) * PRIME & MASK
    return h


def payload_sum(data):
    sums = [(BASIS + i) & MASK for i in range(8)]
    for at in range(0, len(data), 64):
        for i, word in enumerate(struct.unpack_from("<8Q", data, at)):
            sums[i] = (sums[i] ^ word) * PRIME & MASK
    return fnv1a(struct.pack("<8Q", *sums))


def floats(data, kind):
    if kind == "f32":
        return np.frombuffer(data, "<f4")
    if kind == "f16":
        return np.frombuffer(data, "<f2").astype(np.float32)
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")


def multiplier_limit(f, offset):
    top, s, o = (1 << int(f["bits"])) - 1, int(f["s"]), int(f["o"])
    return 127 // top if offset else min(128 // o, 127 // (s * top - o), 255 // (s * top))


def elements(name, packed, bits):
    """[panels][16][lines][k of a line] from lines as [panels][lines][16][4] bytes."""
    rows = np.ascontiguousarray(packed.transpose(0, 2, 1, 3))
    if bits == 32:
        return rows.view("<f4")
    if bits == 16:
        return floats(rows.tobytes(), "bf16").reshape(*rows.shape[:3], 2)
    if name == "t5":
        digits, x = [], rows.astype(np.int32)
        for _ in range(5):
            digits.append(3 * x >> 8)
            x = 3 * x & 255
        return np.stack(digits, axis=3)
    return np.stack([rows >> bits * f & (1 << bits) - 1 for f in range(8 // bits)], axis=3)


class Blob:
    """Header fields, codes [N][K], scales, zeros and mins [N][G] of a blob; dies where the page is not kept."""

    def __init__(self, data, table):
        fields = struct.unpack_from("<8s2H4BQ2I2Q2IQ", data)
        (magic, version, header_bytes, bits, number, scale_type, offset, n, k, group, size, payload, alignment, zero,
         checksum) = fields
        progressive, zero = zero & 0xFF, zero >> 8
        expect("constants of the header", (magic, version, header_bytes, alignment, zero) == (b"LOWBITPK", 1, 64, 64, 0))
        expect("checksum of the header", checksum == fnv1a(data[:56]))
        expect("checksum of the payload", payload == payload_sum(data[64:]))
        expect("size of the blob", size == len(data))
        found = [f for f in table if f["number"] == str(number)]
        expect("format and bits", len(found) == 1 and found[0]["bits"] == str(bits))
        self.format, self.scale_type, self.offset = found[0], SCALE_TYPES[scale_type], OFFSETS[offset]
        self.n, self.k, self.group, self.progressive = n, k, group, progressive
        expect("progressive is 0 or 1, with groups and without minima",
               progressive == 0 or (progressive == 1 and group > 0 and self.offset != "m"))
        self.read_sections(data, bits)

    def read_sections(self, data, bits):
        panels, groups = -(-self.n // 16), -(-self.k // self.group) if self.group else 1
        per_line = LINE_K.get(self.format["name"], 32 // bits)
        lines = -(-self.k // per_line)
        at = 64

        def section(size):
            nonlocal at
            part = data[at:at + size]
            at += -(-size // 64) * 64
            expect("the padding of a section is zero", not any(data[at - (-size % 64):at]))
            return part

        def entries(values):
            """[panels][G][16] as [N][G], or [panels][16] as [N][1]; what belongs to no row is zero."""
            each = len(values) // (panels * 16)
            rows = values.reshape(panels, each, 16).transpose(0, 2, 1).reshape(panels * 16, each)
            expect("entries beyond N are zero", not rows[self.n:].any())
            return rows[:self.n]

        packed = np.frombuffer(section(64 * panels * lines), np.uint8).reshape(panels, lines, 16, 4)
        codes = elements(self.format["name"], packed, bits).reshape(panels * 16, lines * per_line)
        expect("codes beyond N and K are 0", not codes[self.n:].any() and not codes[:, self.k:].any())
        self.codes = codes[:self.n, :self.k]
        self.is_float = self.format["codes"] == "0"
        expect("codes are those of the format", self.is_float or self.codes.max() < int(self.format["codes"]))
        count, size = panels * groups * 16, 4 if self.scale_type == "f32" else 2
        scales = 0 if self.is_float else panels * 16 if self.progressive else count
        self.scales = None if self.is_float else entries(floats(section(scales * size), self.scale_type))
        self.zeros = entries(np.frombuffer(section(count), np.uint8)) if self.offset == "z" else None
        self.mins = entries(floats(section(count * size), self.scale_type)) if self.offset == "m" else None
        self.multipliers = entries(np.frombuffer(section(count), np.uint8)) if self.progressive else None
        if self.progressive:
            expect("multipliers are within their limit", self.multipliers.max() <= multiplier_limit(self.format, self.offset))
            expect("zero points are codes", self.zeros is None or self.zeros.max() < int(self.format["codes"]))
        self.book = np.frombuffer(section(16), np.int8).astype(np.int32) if self.format["name"] in BOOKS else None
        expect("a book of the page", self.book is None or self.format["name"] == "c4" or
               " ".join(str(v) for v in self.book) == self.format["values"])
        expect("the slack is 960 zeros", len(data) == at + 960 and not any(data[at:]))

    def values(self):
        if self.is_float:
            return self.codes
        g = np.arange(self.k) // self.group if self.group else np.zeros(self.k, np.int64)
        codes, s, o = self.codes.astype(np.int32), int(self.format["s"]), int(self.format["o"])
        if self.progressive:
            integers = codes - self.zeros[:, g] if self.offset == "z" else s * codes - o
            return self.scales * (self.multipliers[:, g] * integers).astype(np.float32)
        scales = self.scales[:, g]
        if self.offset == "z":
            return scales * (codes - self.zeros[:, g]).astype(np.float32)
        if self.offset == "m":
            return scales * codes.astype(np.float32) + self.mins[:, g]
        integers = s * codes - o if self.book is None else self.book[codes]
        return scales * integers.astype(np.float32)


# ---- what the program writes ----

def quantize(folder, matrix, name, rule="auto"):
    """The bytes of the blob, and the error that the program states."""
    np.save(folder / "w.npy", matrix)
    out = folder / "blob"
    command = [LOWBIT, "quantize", folder / "w.npy", "--format", name, "--rule", rule, "--out", out, "--json", "-"]
    result = subprocess.run(command, capture_output=True, check=True, timeout=120)
    return out.read_bytes(), json.loads(result.stdout)["results"][0]["weight_error"]


def relative_error(values, matrix):
    x = matrix.astype(np.float64)
    return float(np.sqrt(np.square(values - x).sum() / np.square(x).sum()))


def check_blob(folder, table, f, offset, group, progressive, scale_type, matrix):
    name = f["name"] + offset + (f"g{group}" if group else "") + "p" * progressive + ":" + scale_type
    data, error = quantize(folder, matrix, name)
    blob = Blob(data, table)
    got = (blob.format, blob.offset, blob.group, blob.progressive, blob.scale_type, blob.n, blob.k)
    expect(f"{name}: header", got == (f, offset, group, progressive, scale_type, *matrix.shape))
    mine = relative_error(blob.values(), matrix)
    expect(f"{name}: error {mine}, the program says {error}", abs(mine - error) <= 1e-9 * (1 + error))
    expect(f"{name}: error {mine} is one of a quantized matrix", mine < 0.9)
    expect(f"{name}: f32 has no error", mine == 0 or f["bits"] != "32")
    rule = "search" if progressive else "minmax" if offset else f["rules"].split(",")[0]
    expect(f"{name}: auto is {rule}", quantize(folder, matrix, name, rule)[0] == data)


def check_rules(folder, table, matrix):
    """Each format is made by each rule that the page names, and no better than by the rule of least error."""
    for f in table:
        rules = set(f["rules"].split(", ")) - ({"nearest"} if f["name"] == "c4" else set())  # needs a book
        errors = {rule: quantize(folder, matrix, f["name"], rule)[1] for rule in rules}
        if "mse" in rules:
            others = [error for rule, error in errors.items() if rule not in ("mse", "optimal", "sign")]
            expect(f"{f['name']}: errors {errors}", all(errors["mse"] <= e * (1 + 1e-6) for e in others))


def check_example(folder, table):
    matrix = np.array([np.arange(-7, 3), [0, 1, 2, 3, 4, 5, 6, 7, -7, -6]], np.float32)
    matrix[1] *= 0.5
    data, _ = quantize(folder, matrix, "i4", "absmax")
    shown = bytearray(1216)
    for at, line in re.findall(r"^    ([0-9a-f]{4}): ((?:[0-9a-f]{2} ?){16})$", PAGE, re.MULTILINE):
        shown[int(at, 16):int(at, 16) + 16] = bytes.fromhex(line)
    expect("the example of docs/formats.md", data == bytes(shown))
    expect("the example's values", np.array_equal(Blob(data, table).values(), matrix))


def main():
    table = formats()
    check_numbers(table)
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_example(folder, table)
        check_rules(folder, table, random.standard_normal((20, 90)).astype(np.float32))
        for f in table:
            for offset in OFFSETS if f["offsets"] == "yes" else ("",):
                for i, group in enumerate((0, 16, 32, 96)):
                    if (f["bits"], group) == ("1", 16) or (group and (f["name"] in ("t5", "l1i8") or f["codes"] == "0")):
                        continue
                    shape = (random.integers(1, 40), random.integers(2, 200))
                    matrix = random.standard_normal(shape).astype(np.float32)
                    check_blob(folder, table, f, offset, group, 0, SCALE_TYPES[i % 3], matrix)
                    if group and f["name"] not in BOOKS and offset != "m" and multiplier_limit(f, offset) > 1:
                        check_blob(folder, table, f, offset, group, 1, SCALE_TYPES[i % 3], matrix)
    print(f"{len(table)} formats")


main()
