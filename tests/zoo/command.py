# SPDX-License-Identifier: Apache-2.0
"""What the zoos share: the command `lithe` as functions, and the distance of its answers from another engine's."""

import subprocess
from pathlib import Path

import numpy as np


class Refused(Exception):
    """The command failed; the text is what it said."""


def call(*arguments, seconds=None):
    """What `lithe` printed to stdout. Errors: Refused, with all lines of stderr, also where it took longer than `seconds`."""
    try:
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Refused(f"{arguments[1]} took more than {seconds} s") from None
    if done.returncode < 0:
        raise Refused(f"{arguments[1]} died of signal {-done.returncode}")
    if done.returncode:
        raise Refused(done.stderr.strip().replace("\n", "; "))
    return done.stdout


def convert(lithe, model, folder, seconds=None):
    """The .lithe file in `folder`, and what the command printed; `model` is the path of an ONNX file."""
    file = Path(folder) / "model.lithe"
    return file, call(lithe, "convert", model, "-o", file, seconds=seconds)


def run(lithe, file, inputs, names, folder, seconds=None):
    """The outputs called `names`; `inputs` are arrays by name."""
    folder = Path(folder)
    given = []
    for i, (name, value) in enumerate(inputs.items()):
        np.save(folder / f"{i}.npy", value)
        given += ["-i", f"{name}={folder / f'{i}.npy'}"]
    call(lithe, "run", file, *given, "-o", folder / "out", seconds=seconds)
    return [np.load(folder / "out" / (name.replace("/", "_") + ".npy")) for name in names]


def error(ours, theirs):
    """The largest difference, relative to the largest number (at least 1e-2); 1 where integers differ, infinite where NaN do.

    Errors: Refused where the shapes differ."""
    if ours.shape != theirs.shape:
        raise Refused(f"shape {ours.shape} instead of {theirs.shape}")
    if theirs.dtype.kind in "biu":
        return float((ours != theirs).any())
    ours, theirs = ours.astype(float), theirs.astype(float)
    if (np.isnan(ours) != np.isnan(theirs)).any() or (np.isinf(ours) != np.isinf(theirs)).any():
        return float("inf")
    finite = np.isfinite(theirs)
    if (ours[~finite & ~np.isnan(theirs)] != theirs[~finite & ~np.isnan(theirs)]).any():
        return float("inf")
    span = max(np.abs(theirs[finite]).max(initial=0), 1e-2)
    return float(np.abs(ours[finite] - theirs[finite]).max(initial=0) / span)
