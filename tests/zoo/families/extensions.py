# SPDX-License-Identifier: Apache-2.0
"""Operators of com.microsoft and ai.onnx.ml."""

import numpy as np

from variant import BOOL, F32, F64, S32, S64, Tolerance, family

MICROSOFT = "com.microsoft"
MACHINE_LEARNING = "ai.onnx.ml"


@family
def microsoft_activations(v):
    v.opset = 17
    name = v.choose("Gelu", "FastGelu", "BiasGelu", "QuickGelu")
    c = v.integer(1, 6)
    x = v.input(v.shape(1, 2) + [c])
    bias = [v.weights([c])] if name == "BiasGelu" or (name == "FastGelu" and v.chance(0.5)) else []
    v.node(name, [x] + bias, domain=MICROSOFT, alpha=v.choose(None, 1.7, 1.0) if name == "QuickGelu" else None)
    v.tolerance = Tolerance(1e-3, 1e-4)


@family
def microsoft_normalization(v):
    v.opset = 17
    b, t, c = v.open_dim(1, 3), v.open_dim(1, 5), v.integer(2, 7)
    x, skip = v.input([b, t, c]), v.input([b, t, c])
    gamma, beta = v.weights([c]), v.weights([c])
    kind = v.integer(0, 2)
    if kind == 0:
        y = v.node("SkipLayerNormalization", [x, skip, gamma] + ([beta, v.weights([c])] if v.chance(0.5) else [beta]), domain=MICROSOFT,
                   type=[F32, None, None, F32] if v.chance(0.5) else [F32], epsilon=1e-5)
    elif kind == 1:
        y = v.node("SkipSimplifiedLayerNormalization", [x, skip, gamma], domain=MICROSOFT,
                   type=[F32, None, None, F32] if v.chance(0.5) else [F32], epsilon=1e-6)
    else:
        y = v.node("FusedMatMul", [x, skip], domain=MICROSOFT, transB=1, alpha=v.choose(1.0, 0.5))
    v.output(*(y if isinstance(y, list) else [y]))


@family
def microsoft_matmul_bits(v):
    v.opset = 17
    n, block = v.integer(1, 9), v.choose(16, 32)
    k = block * v.integer(1, 3)
    blocks = k // block
    x = v.input([v.open_dim(1, 4), k], special=False)
    w = v.constant(v.contents([n, blocks, block // 2], np.dtype(np.uint8), low=0, high=255, stream=9))
    scales = v.constant(v.contents([n * blocks], F32, low=0.01, high=0.1, stream=9, special=False))
    zero = [v.constant(v.contents([n * ((blocks + 1) // 2)], np.dtype(np.uint8), low=0, high=255, stream=9))] if v.chance(0.4) else []
    v.tolerance = Tolerance(1e-3, 2e-2)
    v.node("MatMulNBits", [x, w, scales] + zero, domain=MICROSOFT, K=k, N=n, bits=4, block_size=block)


@family
def tabular_features(v):
    v.opset = 17
    n, c = v.open_dim(1, 5), v.integer(1, 6)
    x = v.input([n, c])
    name = v.choose("Scaler", "Normalizer", "Binarizer", "Imputer", "ArrayFeatureExtractor", "LinearRegressor", "FeatureVectorizer")
    reals = lambda count: [v.real(-2, 2) for _ in range(count)]
    attributes = {
        "Scaler": {"offset": reals(v.choose(1, c)), "scale": reals(v.choose(1, c))},
        "Normalizer": {"norm": v.choose("L1", "L2", "MAX")}, "Binarizer": {"threshold": v.real(-1, 1)},
        "Imputer": {"imputed_value_floats": reals(v.choose(1, c)), "replaced_value_float": v.choose(float("nan"), 0.0)},
        "LinearRegressor": {"coefficients": reals(2 * c), "intercepts": reals(2), "targets": 2},
    }.get(name, {})
    if name == "Scaler":
        attributes["scale"] = (attributes["scale"] * c)[:len(attributes["offset"])]
    inputs = [x]
    if name == "ArrayFeatureExtractor":
        inputs.append(v.ints([[v.integer(0, c - 1) for _ in range(v.integer(1, 3))]]))
    if name == "FeatureVectorizer":
        inputs.append(v.input([n, 2]))
        attributes["inputdimensions"] = [c, 2]
    v.node(name, inputs, domain=MACHINE_LEARNING, **attributes)


def forest(v, features, targets, modes):
    """Attributes of complete random trees."""
    trees, depth = v.integer(1, 4), v.integer(1, 3)
    keys = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")
    nodes = {k: [] for k in keys}
    leaves = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(trees):
        inner = 2**depth - 1
        for i in range(2 * inner + 1):
            leaf = i >= inner
            row = (tree, i, 0 if leaf else v.integer(0, features - 1), 0.0 if leaf else v.real(-1.5, 1.5), "LEAF" if leaf else modes,
                   0 if leaf else 2 * i + 1, 0 if leaf else 2 * i + 2, 0 if leaf else v.integer(0, 1))
            for key, value in zip(nodes, row):
                nodes[key].append(value)
            if leaf:
                for target in v.sample(range(targets), v.integer(1, targets)):
                    for key, value in zip(leaves, (tree, i, target, v.real(-1, 1))):
                        leaves[key].append(value)
    return nodes, leaves


@family
def tree_regressor(v):
    v.opset = 17
    features, targets = v.integer(1, 5), v.integer(1, 3)
    nodes, leaves = forest(v, features, targets, v.choose("BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE", "BRANCH_EQ"))
    attributes = {f"nodes_{k}": a for k, a in nodes.items()} | {f"target_{k}": a for k, a in leaves.items()}
    v.node("TreeEnsembleRegressor", [v.input([v.open_dim(1, 5), features], v.choose(F32, F32, F64))], type=F32, domain=MACHINE_LEARNING,
           n_targets=targets, aggregate_function=v.choose("SUM", "SUM", "AVERAGE", "MIN", "MAX"),
           post_transform=v.choose("NONE", "NONE", "LOGISTIC", "SOFTMAX"),
           base_values=v.choose(None, [v.real(-1, 1) for _ in range(targets)]), **attributes)


@family
def tree_classifier(v):
    v.opset = 17
    features, classes = v.integer(1, 5), v.integer(2, 3)
    nodes, leaves = forest(v, features, classes, v.choose("BRANCH_LEQ", "BRANCH_LT"))
    attributes = {f"nodes_{k}": a for k, a in nodes.items()} | {f"class_{k}": a for k, a in leaves.items()}
    v.output(*v.node("TreeEnsembleClassifier", [v.input([v.open_dim(1, 5), features])], type=[S64, F32], domain=MACHINE_LEARNING,
                     classlabels_int64s=list(range(classes)), post_transform=v.choose("NONE", "NONE", "LOGISTIC", "SOFTMAX"), **attributes))
