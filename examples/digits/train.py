# SPDX-License-Identifier: Apache-2.0
"""Trains the digits network; writes digits.onnx and the .npy files next to this file.

    pip install torch==2.13.0 scikit-learn onnx onnxruntime
    python train.py             # pictures 0..999 train, 1000..1796 are only measured
    python train.py --validate  # pictures 0..799 train, 800..999 are measured, nothing is written: for tuning
"""

import argparse
import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

TRAIN = 1000
VALIDATE = 200  # the last pictures of the training part, held back by --validate
EPOCHS = 150
BATCH = 50
OPSET = 17
TOLERANCE = 1e-5
SAMPLES = 100  # pictures of the training part that come along, to calibrate int8 with


def convolution(inputs, outputs, size, activation=None, group=1):
    layers = [
        nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=group, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation] if activation else []))


class Digits(nn.Module):
    """image [N, 1, 8, 8], values 0..16 -> logits [N, 10]"""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            convolution(1, 16, 3, nn.ReLU()),
            convolution(16, 16, 3, nn.ReLU6(), group=16),
            convolution(16, 32, 1, nn.ReLU()),
            nn.MaxPool2d(2),
        )
        self.residual = nn.Sequential(
            convolution(32, 64, 1, nn.ReLU6()),
            convolution(64, 64, 3, nn.ReLU6(), group=64),
            convolution(64, 32, 1),
        )
        self.head = nn.Sequential(
            convolution(32, 64, 1, nn.ReLU()),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 10),
        )

    def forward(self, image):
        x = self.stem(image / 16)
        return self.head(x + self.residual(x))


class Probabilities(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return F.softmax(self.network(image), dim=1)


def augment(images, random):
    """Shifts up to 0.8 pixels, turns up to 12 degrees, scales and shears up to 12 %, each picture apart."""
    count = len(images)

    def uniform(limit):
        return (torch.rand(count, generator=random) * 2 - 1) * limit

    angle, shear = uniform(math.radians(12)), uniform(0.12)
    width, height = 1 + uniform(0.12), 1 + uniform(0.12)
    cos, sin = torch.cos(angle), torch.sin(angle)
    shift_x, shift_y = uniform(0.8 / 4), uniform(0.8 / 4)  # the picture spans -1..1
    rows = [
        torch.stack([cos * width, (shear - sin) * width, shift_x], dim=1),
        torch.stack([sin * height, cos * height, shift_y], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def train(images, labels):
    random = torch.Generator().manual_seed(1)
    network = Digits()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=0.02)
    steps = math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, epochs=EPOCHS, steps_per_epoch=steps)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images), generator=random).split(BATCH):
            logits = network(augment(images[batch], random))
            loss = F.cross_entropy(logits, labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return Probabilities(network).eval()


def export(model, path):
    """BatchNormalization stays a node (PRESERVE, no folding): folding it is the converter's work."""
    torch.onnx.export(
        model,
        (torch.zeros(1, 1, 8, 8),),
        path,
        input_names=["image"],
        output_names=["probabilities"],
        dynamic_axes={"image": {0: "batch"}, "probabilities": {0: "batch"}},
        opset_version=OPSET,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        dynamo=False,
    )
    proto = onnx.load(path)
    proto.doc_string = ""
    proto.graph.doc_string = ""
    del proto.metadata_props[:]
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


def check(path, images, expected):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in (1, 7, len(images)):
        parts = [session.run(None, {"image": images[i : i + batch]})[0] for i in range(0, len(images), batch)]
        difference = float(np.abs(np.concatenate(parts) - expected).max())
        print(f"onnxruntime, batch {batch}: largest difference {difference:.1e}")
        if difference > TOLERANCE:
            raise SystemExit("the exported file does not compute what PyTorch computes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--validate", action="store_true", help="measure on training pictures, write nothing")
    validate = parser.parse_args().validate

    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    begin, end = (TRAIN - VALIDATE, TRAIN) if validate else (TRAIN, len(images))

    model = train(images[:begin], labels[:begin])
    with torch.no_grad():
        expected = model(images[begin:end]).numpy()
    right = int((expected.argmax(axis=1) == labels[begin:end].numpy()).sum())
    print(f"parameters: {sum(p.numel() for p in model.parameters())}")
    share = 100 * right / (end - begin)
    print(f"accuracy on pictures {begin}..{end - 1}: {right} of {end - begin}, {share:.2f} %")
    if validate:
        return

    here = Path(__file__).resolve().parent
    export(model, here / "digits.onnx")
    check(here / "digits.onnx", images[begin:end].numpy(), expected)
    (here / "samples").mkdir(exist_ok=True)
    np.save(here / "samples" / "image.npy", digits.images[:SAMPLES].astype(np.uint8))
    np.save(here / "images.npy", digits.images[begin:end].astype(np.uint8))
    np.save(here / "labels.npy", digits.target[begin:end].astype(np.uint8))
    np.save(here / "expected.npy", np.ascontiguousarray(expected, dtype=np.float32))


if __name__ == "__main__":
    main()
