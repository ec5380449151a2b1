#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains MobileNetV2 and MobileNetV3-small of make.py on handwritten digits, as networks to quantize: in one with random
weights rounding errors grow from layer to layer, in a trained one they do not.

usage: train.py DIRECTORY PICTURES.npy LABELS.npy [NAME...]

PICTURES is uint8 [N, 28, 28]. Every other picture, from the first on, is trained on; the others are for measuring. Writes
NAME.onnx, input float32 [batch, 3, 64, 64] in 0..1, and the two halves as calibrate/picture.npy and measure/picture.npy with
measure/labels.npy. Needs torch, onnx, onnxruntime and numpy.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

import make

SIZE = 64
EPOCHS = 30
BATCH = 50
SHIFT = 3  # pixels, as augmentation


def pictures_of(file):
    pictures = torch.from_numpy(np.load(file)).float()[:, None] / 255
    pictures = nn.functional.interpolate(pictures, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return pictures.expand(-1, 3, -1, -1).contiguous()


def train(network, pictures, labels):
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = EPOCHS * (len(pictures) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    network.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(pictures))
        for i in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[i : i + BATCH]
            shift = torch.randint(-SHIFT, SHIFT + 1, (2,)).tolist()
            loss = nn.functional.cross_entropy(network(torch.roll(pictures[batch], shift, (2, 3))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("names", nargs="*", default=["mobilenet_v2", "mobilenet_v3_small"])
    options = parser.parse_args()
    pictures = pictures_of(options.pictures)
    labels = torch.from_numpy(np.load(options.labels)).long()
    for half, first in (("calibrate", 0), ("measure", 1)):
        (options.directory / half).mkdir(parents=True, exist_ok=True)
        np.save(options.directory / half / "picture.npy", pictures[first::2].numpy())
    np.save(options.directory / "measure" / "labels.npy", labels[1::2].numpy())
    for name in options.names:
        torch.manual_seed(1)
        network = make.settle(make.NETWORKS[name]())
        train(network, pictures[::2], labels[::2])
        with torch.no_grad():
            right = (network(pictures[1::2]).argmax(1) == labels[1::2]).float().mean()
        file = options.directory / f"{name}.onnx"
        torch.onnx.export(
            network,
            (pictures[:1],),
            file,
            opset_version=make.OPSET,
            dynamo=False,
            input_names=["picture"],
            output_names=["logits"],
            dynamic_axes={"picture": {0: "batch"}, "logits": {0: "batch"}},
        )
        print(f"{file}: {right:.3f} right of the pictures it was not trained on")


if __name__ == "__main__":
    main()
