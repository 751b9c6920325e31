# SPDX-License-Identifier: Apache-2.0
"""What networks are fed with: made-up images and texts, as tensors and as the files that our program reads."""
import os

import torch
from torch import nn

WORDS, SPECIAL = 30522, 1000  # of BERT; below that no words, but [CLS] and the like
PIECES = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}


class Images:
    """Soft colours under noise: noise alone would be one image again and again to a network that pools. In -1 .. 1, and
    each a colour of 8 bits, so that a picture has it as it is."""

    ending, config = "", {"mean": [0.5] * 3, "std": [0.5] * 3}

    def __init__(self, side):
        self.side = side

    def make(self, count):
        soft = nn.functional.interpolate(torch.rand(count, 3, 4, 4), size=(self.side, self.side), mode="bilinear")
        codes = torch.round(255 * (0.75 * soft + 0.25 * torch.rand(count, 3, self.side, self.side)))
        return (codes / 255 - 0.5) / 0.5

    def save(self, images, path):
        """A folder of pictures, in the order of their names."""
        from torchvision.io import write_png

        os.makedirs(path, exist_ok=True)
        for at, image in enumerate(images):
            write_png(torch.round((image * 0.5 + 0.5) * 255).to(torch.uint8), os.path.join(path, f"{at:03}.png"))


class Texts:
    """[CLS], words that are a token each, [SEP]: all of one length, so that nobody needs a mask."""

    ending = ".tsv"

    def __init__(self, length, **config):
        self.length, self.config = length, config

    def make(self, count):
        ids = torch.randint(SPECIAL, WORDS, (count, self.length))
        ids[:, 0], ids[:, -1] = 101, 102
        return ids

    def save(self, ids, path):
        """A file of GLUE's SST-2, and the vocabulary beside it."""
        lines = [" ".join(f"w{word}" for word in row[1:-1].tolist()) + "\t0\n" for row in ids]
        with open(path, "w", encoding="utf-8") as file:
            file.write("sentence\tlabel\n" + "".join(lines))
        with open(os.path.join(os.path.dirname(path), "vocab.txt"), "w", encoding="utf-8") as file:
            file.write("".join(PIECES.get(word, f"w{word}") + "\n" for word in range(WORDS)))
