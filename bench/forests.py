#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forests of 100 trees row by row, in lithe and in ONNX Runtime, one thread each, in short runs that alternate.

    pip install numpy onnxruntime scikit-learn skl2onnx lightgbm onnxmltools
    python forests.py --lithe BUILD/lithe --rounds-program BUILD/bench/bench_rounds

Each run gets another row: on one that repeats, a processor knows every branch. ONNX Runtime's time includes Python's call of
about 4 us, which the last line measures on a model of one Neg; "without the call" has it taken off.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import onnxruntime
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from peers import Worker
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn import datasets, ensemble

FEATURES = 30
ROWS = 997  # of different contents
TOLERANCE = 1e-5


def of_scikit_learn(model, x, y):
    model.fit(x, y)
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    kind = [("x", FloatTensorType([1, FEATURES]))]
    exported = to_onnx(model, initial_types=kind, options=options, target_opset={"": 18, "ai.onnx.ml": 3})
    scores = [o for o in exported.graph.output if o.type.tensor_type.elem_type == onnx.TensorProto.FLOAT]
    del exported.graph.output[:]
    exported.graph.output.extend(scores)  # without labels
    return exported


def of_lightgbm(model, x, y):
    return convert_lightgbm(model.fit(x, y), initial_types=[("x", ToolsFloat([1, FEATURES]))])


def negation():
    """The smallest model: what a call costs."""
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, FEATURES]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "g", ends[:1], ends[1:])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)


def models():
    def classes(count):
        x, y = datasets.make_classification(4000, FEATURES, n_informative=15, n_classes=count, random_state=0)
        return x.astype(np.float32), y

    x, y = datasets.make_regression(4000, FEATURES, n_informative=20, noise=10, random_state=0)
    numbers = x.astype(np.float32), y
    yield "RandomForestRegressor", of_scikit_learn(ensemble.RandomForestRegressor(100, random_state=0), *numbers)
    yield "RandomForestClassifier, 2 classes", of_scikit_learn(ensemble.RandomForestClassifier(100, random_state=0), *classes(2))
    yield "RandomForestClassifier, 5 classes", of_scikit_learn(ensemble.RandomForestClassifier(100, random_state=0), *classes(5))
    yield "GradientBoostingRegressor", of_scikit_learn(ensemble.GradientBoostingRegressor(n_estimators=100), *numbers)
    yield "LGBMRegressor", of_lightgbm(lightgbm.LGBMRegressor(n_estimators=100, verbose=-1, n_jobs=1), *numbers)
    yield "Neg", negation()


class Peer:
    """ONNX Runtime, with what Worker has of lithe."""

    def __init__(self, model, rows):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.feeds = [{"x": rows[i : i + 1]} for i in range(len(rows))]
        self.outputs = self.session.run(None, self.feeds[0])[0].ravel()
        self.next = 0
        self.times = []

    def run(self, runs):
        for _ in range(runs):
            feed = self.feeds[self.next % len(self.feeds)]
            self.next += 1
            begin = time.perf_counter()
            self.session.run(None, feed)
            self.times.append((time.perf_counter() - begin) * 1e3)


def measure(model, options, folder):
    """Median microseconds of a row, in lithe and in ONNX Runtime."""
    rows = np.random.default_rng(1).standard_normal((ROWS, FEATURES), dtype=np.float32)
    rows.tofile(folder / "rows")
    onnx.save(model, folder / "m.onnx")
    subprocess.run([options.lithe, "convert", folder / "m.onnx", "-o", folder / "m.lithe"], check=True, capture_output=True)
    own, peer = Worker([options.rounds_program, folder / "m.lithe", "--input", folder / "rows"]), Peer(model, rows)
    error = np.abs(own.outputs - peer.outputs).max() / np.abs(peer.outputs).max()
    if not error < TOLERANCE:
        raise SystemExit(f"lithe and ONNX Runtime differ by {error:.2g} of the largest output")
    for _ in range(options.rounds):
        own.run(options.runs)
        peer.run(options.runs)
    own.close()
    return statistics.median(own.times) * 1e3, statistics.median(peer.times) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lithe", type=Path, required=True, help="the command")
    parser.add_argument("--rounds-program", type=Path, required=True, help="bench_rounds of lithe's build")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--runs", type=int, default=500, help="rows of each engine in a round")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    figures = {}
    for name, model in models():
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = measure(model, options, Path(folder))
    call = figures["Neg"][1]
    print("| model | lithe, us | ONNX Runtime, us | ratio | without the call |\n|---|--:|--:|--:|--:|")
    for name, (own, peer) in figures.items():
        without = "" if name == "Neg" else f"{(peer - call) / own:.1f}"
        print(f"| {name} | {own:.2f} | {peer:.2f} | {peer / own:.1f} | {without} |")


if __name__ == "__main__":
    main()
