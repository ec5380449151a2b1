#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recurrent networks with random weights, in lithe and in ONNX Runtime, in short runs that alternate.

    pip install numpy onnx onnxruntime
    python recurrent.py --lithe BUILD/lithe --rounds-program BUILD/bench/bench_rounds

Each run gets another input. ONNX Runtime's time includes Python's call of about 4 us, which the line of one Neg measures.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from side_by_side import measure, negation, parser

INPUTS = 7  # of different contents
TOLERANCE = 1e-4
GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}


class Network:
    """A graph from its input x, of [steps, 1, inputs], to the last value that was added."""

    def __init__(self, steps, inputs):
        self.random = np.random.default_rng(0)
        self.shape = [steps, 1, inputs]
        self.nodes, self.constants, self.value, self.width = [], [], "x", inputs

    def constant(self, array):
        self.constants.append(numpy_helper.from_array(array, f"c{len(self.constants)}"))
        return self.constants[-1].name

    def weights(self, *shape):
        return self.constant((self.random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32))

    def add(self, kind, inputs, outputs=("",), **attributes):
        names = [f"v{len(self.nodes)}_{i}" if o is not None else "" for i, o in enumerate(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        self.value = next(name for name in names if name)
        return self

    def recurrent(self, kind, hidden, last=False, directions=1, **attributes):
        """All steps' states, joined over directions; last: the final ones alone."""
        rows, steps = GATES[kind] * hidden, self.shape[0]
        inputs = [
            self.value,
            self.weights(directions, rows, self.width),
            self.weights(directions, rows, hidden),
            self.weights(directions, 2 * rows),
        ]
        if directions == 2:
            attributes["direction"] = "bidirectional"
        self.add(kind, inputs, [None, ""] if last else [""], hidden_size=hidden, **attributes)
        self.width = directions * hidden
        if not last:
            self.add("Transpose", [self.value], perm=[0, 2, 1, 3])
        shape = [1, self.width] if last else [steps, 1, self.width]
        return self.add("Reshape", [self.value, self.constant(np.array(shape, np.int64))])

    def linear(self, outputs):
        self.add("MatMul", [self.value, self.weights(self.width, outputs)])
        return self.add("Add", [self.value, self.weights(outputs)])

    def model(self):
        ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape), helper.make_empty_tensor_value_info(self.value)]
        ends[1].type.tensor_type.elem_type = TensorProto.FLOAT
        graph = helper.make_graph(self.nodes, "g", ends[:1], ends[1:], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def networks():
    yield "keywords: GRU 154 over 49 steps of 10", Network(49, 10).recurrent("GRU", 154, True, linear_before_reset=1).linear(12)
    yield "the same, reset before the product", Network(49, 10).recurrent("GRU", 154, True).linear(12)
    yield "keywords: 2 LSTM 128 over 98 steps of 40", Network(98, 40).recurrent("LSTM", 128).recurrent("LSTM", 128, True).linear(12)
    yield "tagger: LSTM 2 x 256 over 50 steps of 256", Network(50, 256).recurrent("LSTM", 256, directions=2).linear(20)
    yield "one step: 2 LSTM 128 of 257", Network(1, 257).recurrent("LSTM", 128).recurrent("LSTM", 128).linear(257)
    yield "one step: LSTM 512 of 512", Network(1, 512).recurrent("LSTM", 512)
    yield "one step: GRU 64 of 64", Network(1, 64).recurrent("GRU", 64, linear_before_reset=1)
    yield "bands: GRU 2 x 8 over 33 steps of 16", Network(33, 16).recurrent("GRU", 8, directions=2, linear_before_reset=1)
    yield "RNN 64 over 28 steps of 28", Network(28, 28).recurrent("RNN", 64, True).linear(10)


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    arguments.add_argument("--only", default="", help="the networks whose name has this in it")
    options = arguments.parse_args()
    print("| network | threads | lithe, us | ONNX Runtime, us | lithe / ONNX Runtime |\n|---|--:|--:|--:|--:|")
    models = [(name, network.model(), network.shape) for name, network in networks()]
    for name, model, shape in [*models, ("Neg", negation([1, 1]), [1, 1])]:
        if options.only not in name:
            continue
        inputs = np.random.default_rng(1).standard_normal((INPUTS, *shape), dtype=np.float32)
        for threads in options.threads:
            own, peer = measure(model, inputs, options, TOLERANCE, threads=threads)
            print(f"| {name} | {threads} | {own:.3g} | {peer:.3g} | {own / peer:.3f} |", flush=True)


if __name__ == "__main__":
    main()
