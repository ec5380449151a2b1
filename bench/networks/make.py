# SPDX-License-Identifier: Apache-2.0
"""Writes MobileNetV1, V2, V3-small and ResNet50 at 224x224 with random weights: NAME.onnx, and NAME.tflite with --tflite.

    pip install torch onnx onnxruntime          # --tflite: also litert-torch
    python make.py DIR [--tflite] [NAME...]

BatchNorm statistics are those of random pictures, so that activations stay near 1 through the whole network.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

OPSET = 17
SIZE = 224
CLASSES = 1000
TOLERANCE = 1e-3


def convolution(inputs, outputs, size=1, stride=1, group=1, activation=None):
    layers = [
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=group, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Classifier(nn.Module):
    """picture [N, 3, 224, 224] -> logits [N, 1000]"""

    def __init__(self, layers, head):
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)

    def forward(self, picture):
        return self.head(self.features(picture))


def mobilenet_v1():
    """Howard et al. 2017, width 1."""
    layers = [convolution(3, 32, 3, 2, activation=nn.ReLU)]
    channels = 32
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for outputs, stride in rows:
        layers.append(convolution(channels, channels, 3, stride, channels, nn.ReLU))
        layers.append(convolution(channels, outputs, activation=nn.ReLU))
        channels = outputs
    return Classifier(layers, [nn.Linear(channels, CLASSES)])


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x):
        return x * self.scale(x)


class InvertedResidual(nn.Module):
    def __init__(self, inputs, expanded, outputs, size, stride, activation, squeeze=False):
        super().__init__()
        layers = [convolution(inputs, expanded, activation=activation)] if expanded != inputs else []
        layers.append(convolution(expanded, expanded, size, stride, expanded, activation))
        if squeeze:
            layers.append(SqueezeExcite(expanded, max(8, (expanded // 4 + 4) // 8 * 8)))
        layers.append(convolution(expanded, outputs))
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


def mobilenet_v2():
    """Sandler et al. 2018, width 1."""
    layers = [convolution(3, 32, 3, 2, activation=nn.ReLU6)]
    channels = 32
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, outputs, repeats, stride in rows:
        for i in range(repeats):
            first = stride if i == 0 else 1
            layers.append(InvertedResidual(channels, channels * expansion, outputs, 3, first, nn.ReLU6))
            channels = outputs
    layers.append(convolution(channels, 1280, activation=nn.ReLU6))
    return Classifier(layers, [nn.Linear(1280, CLASSES)])


def mobilenet_v3_small():
    """Howard et al. 2019, width 1."""
    layers = [convolution(3, 16, 3, 2, activation=nn.Hardswish)]
    channels = 16
    rows = [
        (3, 16, 16, True, nn.ReLU, 2),
        (3, 72, 24, False, nn.ReLU, 2),
        (3, 88, 24, False, nn.ReLU, 1),
        (5, 96, 40, True, nn.Hardswish, 2),
        (5, 240, 40, True, nn.Hardswish, 1),
        (5, 240, 40, True, nn.Hardswish, 1),
        (5, 120, 48, True, nn.Hardswish, 1),
        (5, 144, 48, True, nn.Hardswish, 1),
        (5, 288, 96, True, nn.Hardswish, 2),
        (5, 576, 96, True, nn.Hardswish, 1),
        (5, 576, 96, True, nn.Hardswish, 1),
    ]
    for size, expanded, outputs, squeeze, activation, stride in rows:
        layers.append(InvertedResidual(channels, expanded, outputs, size, stride, activation, squeeze))
        channels = outputs
    layers.append(convolution(channels, 576, activation=nn.Hardswish))
    return Classifier(layers, [nn.Linear(576, 1024), nn.Hardswish(), nn.Linear(1024, CLASSES)])


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, outputs, stride):
        super().__init__()
        self.layers = nn.Sequential(
            convolution(inputs, width, activation=nn.ReLU),
            convolution(width, width, 3, stride, activation=nn.ReLU),
            convolution(width, outputs),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else convolution(inputs, outputs, 1, stride)
        self.activation = nn.ReLU()

    def forward(self, x):
        return self.activation(self.layers(x) + self.shortcut(x))


def resnet50():
    """He et al. 2015, strides in the 3x3 convolutions."""
    layers = [convolution(3, 64, 7, 2, activation=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, repeats, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        for i in range(repeats):
            layers.append(Bottleneck(channels, width, width * 4, stride if i == 0 else 1))
            channels = width * 4
    return Classifier(layers, [nn.Linear(channels, CLASSES)])


NETWORKS = {
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_small": mobilenet_v3_small,
    "resnet50": resnet50,
}


def settle(network):
    """Random weights of unit gain; BatchNorm statistics from random pictures."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.1)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the mean over all batches
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, SIZE, SIZE))
    return network.eval()


def check(network, file):
    """The exported file computes what the network does, on pictures whose answers differ."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    answers = []
    for _ in range(3):
        picture = torch.randn(1, 3, SIZE, SIZE)
        with torch.no_grad():
            expected = network(picture).numpy()
        (answer,) = session.run(None, {"picture": picture.numpy()})
        scale = np.abs(expected).max()
        if not np.isfinite(answer).all() or not 1e-2 < scale < 1e3:
            raise SystemExit(f"{file}: the outputs are not finite or not near 1 (largest {scale})")
        if np.abs(answer - expected).max() > TOLERANCE * scale:
            raise SystemExit(f"{file}: the exported network computes something else")
        answers.append(answer)
    spread = np.abs(answers[0] - answers[1]).max() / np.abs(answers[0]).max()
    if spread < 1e-2:
        raise SystemExit(f"{file}: different pictures give the same answer")
    return spread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(NETWORKS) + "; all by default")
    parser.add_argument("--tflite", action="store_true", help="write .tflite files too")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NETWORKS]
    if unknown:
        parser.error(f"no such network: {', '.join(unknown)}")
    options.directory.mkdir(parents=True, exist_ok=True)
    for name in options.names or NETWORKS:
        torch.manual_seed(1)
        network = settle(NETWORKS[name]())
        file = options.directory / f"{name}.onnx"
        picture = (torch.randn(1, 3, SIZE, SIZE),)
        torch.onnx.export(
            network, picture, file, opset_version=OPSET, dynamo=False, input_names=["picture"], output_names=["logits"]
        )
        spread = check(network, file)
        if options.tflite:
            import litert_torch

            litert_torch.convert(network, picture).export(str(file.with_suffix(".tflite")))
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, answers differ by {spread:.2f} of their largest value")


if __name__ == "__main__":
    main()
