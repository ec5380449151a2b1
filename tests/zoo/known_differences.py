# SPDX-License-Identifier: Apache-2.0
"""Differences of lithe from the witnesses of differential.py that are right, and what it refuses by name, with what decides it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from onnx import helper

REFERENCE_ALONE = r"^(?!.*\(ONNX Runtime).*\(reference\)$"  # ONNX Runtime has refused the model


@dataclass
class Known:
    """`decides`: the paragraph of ONNX's specification, or of lithe's own contract."""

    family: str  # a regular expression
    text: str  # one that is searched in what was found
    decides: str
    applies: Callable = lambda model: True


def attributes(model, op):
    """Of each node of an operator."""
    return [{a.name: helper.get_attribute_value(a) for a in n.attribute} for n in model.graph.node if n.op_type == op]


def strides_exceed_kernel(op):
    """Under SAME padding."""

    def applies(model):
        for a in attributes(model, op):
            kernel = a.get("kernel_shape")
            if not a.get("auto_pad", b"").startswith(b"SAME") or "strides" not in a:
                continue
            if kernel is None:  # the first two dimensions of a filter are channels
                dims = {t.name: t.dims for t in model.graph.initializer}
                kernel = next((dims[i][2:] for n in model.graph.node if n.op_type == op for i in n.input[1:2] if i in dims), None)
            if kernel is None or any(s > k for s, k in zip(a["strides"], kernel)):
                return True
        return False

    return applies


KNOWN = [
    Known("loop", r"shape \[0, .*\] instead of \[0\]",
          "Loop-25, scan_outputs: 'the concatenation of the values of the specified scan outputs' along a first axis; of no iterations it "
          "is [0, ...] with the body's other dimensions. ONNX Runtime gives rank 1 where the body does not declare them."),
    Known("tree_regressor", "differ, first",
          "TreeEnsembleRegressor-3, base_values: 'added to final prediction after applying aggregate_function'. ONNX Runtime leaves it out "
          "for targets that no leaf has voted for.",
          lambda model: any("base_values" in a for a in attributes(model, "TreeEnsembleRegressor"))),
    Known("constants_and_casts", r"instead of np.float32\(-?inf",
          "tools/README, the check: where the original overflows between two nodes and the exact result does not, the exact result is "
          "right. The specification asks for no overflow."),
    Known("softplus_extremes|unary_chain", r"(gelu|erf)\S*: .*np\.float64",
          "Erf-13: 'the error function of the given input'; Gelu-20 by it. lithe's is exact to f64 (it is C's erf); ONNX Runtime's and the "
          "reference's have about nine digits."),
    Known("lrn_and_lp", REFERENCE_ALONE,
          "LRN-13: the region is max(0, c - floor((size - 1) / 2)) <= i <= min(C - 1, c + ceil((size - 1) / 2)). The reference computes as "
          "many channels as there are batches; ONNX Runtime refuses an even size.",
          lambda model: any(a["size"] % 2 == 0 for a in attributes(model, "LRN"))),
    Known("hardmax", REFERENCE_ALONE,
          "Hardmax-1 and 11, before 13: 'the input is coerced into a 2D tensor' at the axis. The reference has the form of 13 alone, and "
          "ONNX Runtime no f64.",
          lambda model: model.opset_import[0].version < 13),
    Known("layer_normalization", r"inf\) instead of np.float32\(nan\)",
          "LayerNormalization-17, Mean: ReduceMean of the input, which of a finite number and an infinity is infinite."),
    Known(".*", r"^--kernels xnnpack .* instead of np.float\d+\(nan",
          "xnn/README: XNNPACK's own pools and square root lose NaN on x86; the default list has lithe's before them."),
    Known("matmul|gemm|einsum|conv", r"np.float16\(-?inf\) instead of np.float16\(nan\)",
          "xnn/README, what remains: on x86 with AVX512-FP16 XNNPACK's products in f16 lose NaN, as those for SSE do."),
    Known("conv_transpose", r"shape \[.*instead of|differ, first",
          "ConvTranspose-22, auto_pad: 'output_shape[i] = input_shape[i] * strides[i]', also where the strides exceed the kernel. ONNX "
          "Runtime gives less there.", strides_exceed_kernel("ConvTranspose")),
    Known("pools", REFERENCE_ALONE,
          "LpPool-22: the p norm of the window's elements. The reference multiplies a mean that leaves out what lies beyond the padding.",
          lambda model: any("ceil_mode" in a for a in attributes(model, "LpPool"))),
    Known("pools", REFERENCE_ALONE,
          "MaxPool-22, auto_pad: padding is added, and none is needed where the strides exceed the kernel. The reference adds -1, which "
          "moves the window.",
          lambda model: any(strides_exceed_kernel(op)(model) for op in ("MaxPool", "AveragePool", "LpPool"))),
    Known("global_pools", REFERENCE_ALONE,
          "GlobalMaxPool-22, output Y: 'N x C x 1 x 1 ...', its rank the input's. The reference repeats dimensions.",
          lambda model: len(attributes(model, "GlobalMaxPool")) > 0),
    Known("conv|conv_transpose", r"does not take \(f64",
          "scoreboard: convolutions are f32, f16, s8 and u8; f64 is refused by name, with a remedy. Conv-22 allows double."),
    Known("max_pool_indices", "Indices over 3 spatial axes",
          "lithe has Indices over 1 and 2 spatial axes, others are refused by name. MaxPool-22 allows more."),
    Known("pools", "auto_pad SAME with a stride needs spatial dimensions",
          "A mean that leaves padding out needs its sizes at conversion; it is refused by name, with a remedy. AveragePool-22 allows it."),
    Known("recurrent", r"lstm\S*: .*\(ONNX Runtime",
          "LSTM-22, clip: 'applied to the input of activations', and h is one: its input, the cell, is clipped too. ONNX Runtime leaves it.",
          lambda model: any("clip" in a for a in attributes(model, "LSTM"))),
    Known("recurrent", REFERENCE_ALONE,
          "LSTM-22, GRU-22, RNN-22: 'reverse' and clip. The reference knows neither, and ONNX Runtime no layout = 1.",
          lambda model: any(a.get("direction", b"") != b"forward" or "clip" in a
                            for op in ("LSTM", "GRU", "RNN") for a in attributes(model, op))),
    Known("recurrent", "attribute activations = |different activations for its two directions",
          "lithe has HardSigmoid, Relu, Sigmoid, Softsign and Tanh, the same in both directions; others are refused by name. LSTM-22 allows more."),
]


def known_difference(family, text, model):
    """The paragraph that decides for lithe, or nothing."""
    for known in KNOWN:
        if re.fullmatch(known.family, family) and re.search(known.text, text) and known.applies(model):
            return known.decides
    return ""
