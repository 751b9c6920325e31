# SPDX-License-Identifier: Apache-2.0
"""ResNet-18 and AlexNet as torchvision has them, and their forms for images of 32 x 32; ViT-B/16 of timm, BERT-base and
BERT-large of transformers, for texts of 128 tokens. All with random weights."""
import dataclasses
from collections.abc import Callable

import torch
import torchvision
from torch import nn

from beside.inputs import Images, Texts


class Bins(nn.Module):
    """nn.AdaptiveAvgPool2d from size x size to bins x bins, as two products with constants: as such it can be exported,
    which the pool itself cannot be where bins overlap. y = P x P^T, P[i] the mean of the pixels of bin i."""

    def __init__(self, size, bins):
        super().__init__()
        means = nn.AdaptiveAvgPool1d(bins)(torch.eye(size).unsqueeze(0))[0]  # [pixel][bin]
        self.register_buffer("means", means, persistent=False)

    def forward(self, x):
        return torch.matmul(self.means.t(), torch.matmul(x, self.means))


def resnet18_224():
    return torchvision.models.resnet18(num_classes=1000)


def resnet18_cifar():
    net = torchvision.models.resnet18(num_classes=10)
    net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    return net


def alexnet_224():
    net = torchvision.models.alexnet(num_classes=1000)
    net.avgpool = nn.Identity()  # from 6 x 6 to 6 x 6
    return net


def alexnet_cifar():
    net = torchvision.models.alexnet(num_classes=10)
    net.features[0], net.features[3] = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 192, 3, padding=1)
    for at in (2, 5, 12):
        net.features[at] = nn.MaxPool2d(2)
    net.avgpool = Bins(4, 6)
    return net


def vit_base():
    import timm

    return timm.create_model("vit_base_patch16_224")


def bert(**sizes):
    def build():
        import transformers

        class Bert(transformers.BertForSequenceClassification):
            def forward(self, ids):
                return super().forward(input_ids=ids).logits

        return Bert(transformers.BertConfig(**sizes))

    return build


@dataclasses.dataclass
class Model:
    build: Callable
    inputs: Images | Texts
    family: str
    recipes: list  # of ours, unless others are asked for


CNN = ("cnn", ["w8a8"])
COMMON = ["w8a8-dynamic", "w8a8", "w4a8", "ternary", "f32"]
BERT = ("transformer", [*COMMON, "bibert"])
VIT = ("transformer", [*COMMON, "encoder: b1a1 rule=centred; attention: b1a1"])  # bibert without words
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
NETWORKS = {
    "resnet18-cifar": Model(resnet18_cifar, Images(32), *CNN),
    "resnet18-224": Model(resnet18_224, Images(224), *CNN),
    "alexnet-cifar": Model(alexnet_cifar, Images(32), *CNN),
    "alexnet-224": Model(alexnet_224, Images(224), *CNN),
    "vit-base": Model(vit_base, Images(224), *VIT),
    "bert-base": Model(bert(), Texts(128), *BERT),
    "bert-large": Model(bert(**LARGE), Texts(128), *BERT),
}


# Linear layers whose output is added to what went around them, by the ends of their names.
ADDED = (".output.dense", ".proj", ".fc2")


def fill(net, inputs):
    """Weights under which activations neither die nor grow, and the statistics of batch norms that go with them. Tokens
    attend to few others, as those of trained encoders do: if to all alike, all texts were one. What branches add shrinks
    with their number (GPT-2, section 2.3), or each of many layers would magnify the errors of those before it."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.05)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight)
        elif isinstance(layer, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.normal_(layer.weight, 1, 0.1)
            nn.init.normal_(layer.bias, 0, 0.1)
    added = [layer for name, layer in net.named_modules() if isinstance(layer, nn.Linear) and name.endswith(ADDED)]
    for layer in added:
        layer.weight.div_(len(added)**0.5)
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in norms:
        layer.momentum = None  # statistics of all batches alike
    if norms:
        for _ in range(4):
            net(inputs.make(16))
    return net.eval()


def macs_of(net, one):
    """Multiplications of convolutions and linear layers for one image or text."""
    counts = []

    def count(layer, _, y):
        counts.append(layer.weight[0].numel() * y.numel())

    hooks = [layer.register_forward_hook(count) for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    net(one)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def make(name, seed):
    """The network of that name, ready to be run."""
    model = NETWORKS[name]
    torch.manual_seed(seed)
    with torch.no_grad():
        return fill(model.build(), model.inputs)
