# SPDX-License-Identifier: Apache-2.0
"""ResNet-18 and AlexNet as torchvision has them, and their forms for images of 32 x 32, with random weights."""
import torch
import torchvision
from torch import nn


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


# name: what builds it, and height and width of an image.
NETWORKS = {"resnet18-cifar": (resnet18_cifar, 32), "resnet18-224": (resnet18_224, 224),
            "alexnet-cifar": (alexnet_cifar, 32), "alexnet-224": (alexnet_224, 224)}


def images(count, size):
    """Soft colours under noise, in -1 .. 1: noise alone would be one image again and again to a network that pools."""
    soft = nn.functional.interpolate(torch.rand(count, 3, 4, 4), size=(size, size), mode="bilinear")
    return (0.75 * soft + 0.25 * torch.rand(count, 3, size, size)) * 2 - 1


def fill(net, size):
    """Weights under which activations neither die nor grow, and the statistics of batch norms that go with them."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.05)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.1)
            nn.init.normal_(layer.bias, 0, 0.1)
            layer.momentum = None  # statistics of all batches alike
    if any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules()):
        for _ in range(4):
            net(images(16, size))
    return net.eval()


def macs_of(net, image):
    """Multiplications of convolutions and linear layers for an image."""
    counts = []

    def count(layer, _, y):
        counts.append(layer.weight[0].numel() * y.numel())

    hooks = [layer.register_forward_hook(count) for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    net(image)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def make(name, seed):
    """The network of that name, ready to be run, and the size of its images."""
    build, size = NETWORKS[name]
    torch.manual_seed(seed)
    with torch.no_grad():
        return fill(build(), size), size
