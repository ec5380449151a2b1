#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forests of 100 trees row by row, in lithe and in ONNX Runtime, one thread each, in short runs that alternate.

    pip install numpy onnxruntime scikit-learn skl2onnx lightgbm onnxmltools
    python forests.py --lithe BUILD/lithe --rounds-program BUILD/bench/bench_rounds

Each run gets another row: on one that repeats, a processor knows every branch. ONNX Runtime's time includes Python's call of
about 4 us, which the last line measures on a model of one Neg; "without the call" has it taken off.
"""

import warnings

import lightgbm
import numpy as np
import onnx
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from side_by_side import measure, negation, parser
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
    yield "Neg", negation([1, FEATURES])


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=500, help="rows of each engine in a round")
    options = arguments.parse_args()
    warnings.simplefilter("ignore")
    rows = np.random.default_rng(1).standard_normal((ROWS, 1, FEATURES), dtype=np.float32)
    figures = {name: measure(model, rows, options, TOLERANCE, options.runs) for name, model in models()}
    call = figures["Neg"][1]
    print("| model | lithe, us | ONNX Runtime, us | ratio | without the call |\n|---|--:|--:|--:|--:|")
    for name, (own, peer) in figures.items():
        without = "" if name == "Neg" else f"{(peer - call) / own:.1f}"
        print(f"| {name} | {own:.2f} | {peer:.2f} | {peer / own:.1f} | {without} |")


if __name__ == "__main__":
    main()
