# SPDX-License-Identifier: Apache-2.0
"""Small networks whose layout, shapes and constants passes change."""

import numpy as np

from variant import BOOL, F32, S64, Tolerance, family


def weights(v, *shape, low=None, high=None):
    return v.constant(v.contents(shape, F32, low=low, high=high, stream=9, special=False))


def spatial_layer(v, y, c):
    """A convolution or pool over [N, C, H, W] that keeps H and W; its output and channels."""
    kind = v.integer(0, 4)
    n = v.integer(1, 6)
    if kind == 0:
        return v.node("Conv", [y, weights(v, n, c, 1, 1)] + ([weights(v, n)] if v.chance(0.5) else [])), n
    if kind == 1:
        return v.node("Conv", [y, weights(v, n, c, 3, 3)], pads=[1] * 4), n
    if kind == 2:
        return v.node("Conv", [y, weights(v, c, 1, 3, 3)], pads=[1] * 4, group=c), c
    if kind == 3:
        return v.node(v.choose("MaxPool", "AveragePool"), [y], kernel_shape=[3, 3], pads=[1] * 4), c
    return v.node("BatchNormalization", [y] + [weights(v, c, low=0.3, high=1.5) for _ in range(4)]), c


@family
def channels_last_graph(v):
    """As TensorFlow's exports have it: every layer between two Transposes, all else channels last."""
    v.since(13, 17)
    c = v.integer(1, 6)
    h, w = v.open_dim(3, 6), v.open_dim(3, 6)
    y = v.input([v.open_dim(1, 3), h, w, c], special=False)
    for _ in range(v.integer(1, 3)):
        z = v.node("Transpose", [y], perm=[0, 3, 1, 2])
        z, n = spatial_layer(v, z, c)
        if v.chance(0.4):
            z = v.node(v.choose("Relu", "Sigmoid"), [z])
        z = v.node("Transpose", [z], perm=[0, 2, 3, 1])
        kind = v.integer(0, 7)
        if kind == 0:
            z = v.node("Add", [z, weights(v, n)])
        elif kind == 1:
            z = v.node("Mul", [z, weights(v, *v.choose((1, 1, 1, n), (1,), (n,)))])
        elif kind == 2 and n == c:
            z = v.node(v.choose("Add", "Mul"), [z, y])
        elif kind == 3:
            z, n = v.node("Concat", [z, y], axis=v.choose(3, -1)), n + c
        elif kind == 4:
            z = v.node("Pad", [z, v.ints([0, 1, 1, 0, 0, 1, 1, 0])])
            z = v.node("Slice", [z, v.ints([1, 1]), v.ints([-1, -1]), v.ints([1, 2])])
        elif kind == 5:
            z = v.node("PRelu", [z, weights(v, *v.choose((1, 1, n), (n,), (1, 1, 1)))])
        elif kind == 6 and n > 1:
            first = v.integer(1, n - 1)
            a, b = v.node("Split", [z, v.ints([first, n - first])], 2, axis=3)
            z = v.node("Concat", [b, v.node("Neg", [a])], axis=3)
        y, c = z, n
    kind = v.integer(0, 4)
    if kind == 0:
        y = v.node("ReduceMean", [y, v.ints([1, 2])], keepdims=v.integer(0, 1)) if v.opset >= 18 else \
            v.node("ReduceMean", [y], axes=[1, 2], keepdims=v.integer(0, 1))
    elif kind == 1:
        y = v.node("Softmax", [y], axis=-1)
    elif kind == 2:
        y = v.node("Reshape", [y, v.ints([0, -1, c])])
    elif kind == 3:
        y = v.node("Flatten", [y])
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(y)


@family
def reshaped_channels(v):
    """Channel shuffles, pixel shuffles and heads that reshape what convolutions make."""
    v.since(13, 17)
    c = 2 * v.integer(1, 3)
    n, h, w = v.open_dim(1, 3), v.integer(2, 4) * 2, v.integer(2, 4) * 2
    x = v.input([n, c, h, w], special=False)
    y, k = spatial_layer(v, x, c)
    if k % 2:
        y, k = v.node("Conv", [y, weights(v, 4, k, 1, 1)]), 4
    kind = v.integer(0, 6)
    if kind == 0:
        y = v.node("Reshape", [y, v.ints([-1, 2, k // 2, h, w])])
        y = v.node("Transpose", [y], perm=[0, 2, 1, 3, 4])
        y = v.node("Reshape", [y, v.ints([-1, k, h, w])])
    elif kind == 1:
        y = v.node("SpaceToDepth", [y], blocksize=2)
        k *= 4
    elif kind == 2:
        y = v.node("Transpose", [v.node("Reshape", [y, v.ints([0, k, -1])])], perm=[0, 2, 1])
        v.output(v.node("Softmax", [y], axis=-1))
        return
    elif kind == 3:
        y = v.node("Transpose", [v.node("Reshape", [y, v.ints([0, 2, k // 2, -1])])], perm=[0, 3, 1, 2])
        v.output(v.node("Sigmoid", [y]))
        return
    elif kind == 4:
        a, b = v.node("Split", [y, v.ints([k // 2, k // 2])], 2, axis=1)
        y, k = v.node("Concat", [v.node("Mul", [a, v.node("Sigmoid", [b])]), b, a], axis=1), k // 2 * 3
    elif kind == 5:
        y = v.node("InstanceNormalization", [v.node("Reshape", [y, v.ints([0, 2, -1])]), weights(v, 2), weights(v, 2)])
        y = v.node("Reshape", [y, v.ints([-1, k, h, w])])
        y = v.node("Mul", [y, weights(v, k, 1, 1)])
    elif kind == 6:
        y = v.node("Unsqueeze", [v.node("ReduceMax", [y], axes=[1], keepdims=0), v.ints([1])]) if v.opset < 18 else \
            v.node("Unsqueeze", [v.node("ReduceMax", [y, v.ints([1])], keepdims=0), v.ints([1])])
        k = 1
    y, k = spatial_layer(v, y, k)
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(y)


@family
def one_dimensional(v):
    """Networks of 1-D convolutions for sound and sensors, with Squeeze and Unsqueeze about 2-D ones."""
    v.since(13, 17)
    c, t = v.integer(1, 5), v.open_dim(6, 12)
    x = v.input([v.open_dim(1, 3), c, t], special=False)
    y, k = x, c
    for _ in range(v.integer(1, 3)):
        n = v.integer(1, 5)
        kind = v.integer(0, 4)
        if kind == 0:
            y, k = v.node("Conv", [y, weights(v, n, k, 3)], pads=[2, 0], dilations=[1]), n
        elif kind == 1:
            y = v.node("Unsqueeze", [y, v.ints([2])])
            y = v.node("Conv", [y, weights(v, n, k, 1, 3), weights(v, n)], pads=[0, 1, 0, 1])
            y, k = v.node("Squeeze", [y, v.ints([2])]), n
        elif kind == 2:
            y = v.node("Transpose", [y], perm=[0, 2, 1])
            y = v.node("Add", [v.node("MatMul", [y, weights(v, k, n)]), weights(v, n)])
            y, k = v.node("Transpose", [y], perm=[0, 2, 1]), n
        elif kind == 3:
            y = v.node("BatchNormalization", [y] + [weights(v, k, low=0.3, high=1.5) for _ in range(4)])
        else:
            y = v.node(v.choose("AveragePool", "MaxPool"), [y], kernel_shape=[3], pads=[1, 1])
        if v.chance(0.4):
            y = v.node(v.choose("Relu", "LeakyRelu", "Tanh"), [y])
    kind = v.integer(0, 2)
    if kind == 0:
        y = v.node("Gemm", [v.node("Flatten", [v.node("GlobalAveragePool", [y])]), weights(v, 3, k)], transB=1)
    elif kind == 1:
        y = v.node("Squeeze", [v.node("GlobalMaxPool", [y]), v.ints([2])])
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(y if y is not x else v.node("Identity", [x]))


@family
def constants_and_casts(v):
    """Arithmetic on constants that folds, casts there and back, identities and dropout."""
    v.since(13, 17)
    shape = v.shape(1, 3)
    y = v.input(shape)
    for _ in range(v.integer(2, 5)):
        kind = v.integer(0, 8)
        if kind == 0:
            a, b = weights(v), weights(v, 1)
            y = v.node("Mul", [y, v.node(v.choose("Add", "Mul", "Max"), [a, b])])
        elif kind == 1:
            y = v.node("Identity", [y])
        elif kind == 2:
            y = v.node("Dropout", [y])
        elif kind == 3:
            y = v.cast(v.cast(y, np.dtype(np.float64)), F32)
        elif kind == 4:
            y = v.node(v.choose("Add", "Sub"), [y, v.number(0.0)])
        elif kind == 5:
            y = v.node(v.choose("Mul", "Div"), [y, v.number(1.0)])
        elif kind == 6:
            y = v.node("Where", [v.node("Greater", [y, v.number(0.2)], type=BOOL), y, v.node("Mul", [y, v.number(0.1)])], type=F32)
        elif kind == 7:
            y = v.node("Add", [v.node("Mul", [y, v.number(v.choose(2.0, 1e20))]), v.number(v.choose(1.0, 1e20))])
            y = v.node("Mul", [y, v.number(v.choose(0.5, 1e-20))])
        else:
            y = v.node("Neg", [v.node("Neg", [y])])
    v.output(y)


@family
def many_outputs(v):
    """One value read by several nodes and given out at several places."""
    v.since(13, 18)
    x = v.input([v.open_dim(1, 3), v.integer(1, 4), v.open_dim(3, 6), v.open_dim(3, 6)], special=False)
    c = x.shape[1]
    values = [x]
    for _ in range(v.integer(2, 5)):
        y = v.choose(*values)
        kind = v.integer(0, 5)
        if kind == 0:
            y = v.node("Conv", [y, weights(v, c, c, 3, 3), weights(v, c)], pads=[1] * 4)
        elif kind == 1:
            y = v.node("Relu", [y])
        elif kind == 2:
            y = v.node("BatchNormalization", [y] + [weights(v, c, low=0.3, high=1.5) for _ in range(4)])
        elif kind == 3:
            y = v.node("Add", [y, v.choose(*values)])
        elif kind == 4:
            y = v.node("Mul", [y, weights(v, *v.choose((c, 1, 1), (1,), (1, c, 1, 1)))])
        else:
            y = v.node("MaxPool", [y], kernel_shape=[3, 3], pads=[1] * 4)
        values.append(y)
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(*values[1:][-v.integer(1, len(values) - 1):])


@family
def same_tensor_twice(v):
    """Operators whose inputs are one value, and inputs that are outputs."""
    v.since(13, 18)
    n = v.integer(1, 4)
    x = v.input([v.open_dim(1, 3), n, n], special=False)
    name = v.choose("Add", "Sub", "Mul", "Div", "MatMul", "Concat", "Max", "Equal", "Where", "Pow")
    if name == "Concat":
        y = v.node(name, [x, x, x], axis=v.axis(3))
    elif name == "Equal":
        y = v.node(name, [x, x], type=BOOL)
    elif name == "Where":
        y = v.node(name, [v.node("Less", [x, v.number(0.3)], type=BOOL), x, x], type=F32)
    elif name == "Pow":
        y = v.node(name, [v.node("Abs", [x]), v.node("Clip", [x, v.number(-2.0), v.number(2.0)])])
    else:
        y = v.node(name, [x, x])
    v.output(y, x) if v.chance(0.4) else v.output(y)


@family
def masks_and_positions(v):
    """Causal masks, padding masks and position ids as transformers compute them."""
    v.since(14, 17)
    b, t = v.open_dim(1, 3), v.open_dim(1, 6)
    ids = v.input([b, t], S64, low=0, high=9)
    mask = v.input([b, t], S64, low=0, high=1)
    mask.array[:, 0] = 1
    kind = v.integer(0, 4)
    if kind == 0:
        m = v.node("Unsqueeze", [mask, v.ints([1, 2])])
        m = v.node("Sub", [v.number(1.0), v.cast(m, F32)])
        y = v.node("Mul", [m, v.number(-1e4)])
    elif kind == 1:
        positions = v.node("CumSum", [mask, v.number(1, S64)])
        positions = v.node("Mul", [positions, mask])
        y = v.node("Gather", [weights(v, 10, 3), positions], type=F32)
    elif kind == 2:
        shape = v.node("Shape", [ids], type=S64)
        n = v.node("Gather", [shape, v.number(1, S64)], axis=0)
        r = v.node("Range", [v.number(0, S64), n, v.number(1, S64)])
        causal = v.node("LessOrEqual", [v.node("Unsqueeze", [r, v.ints([0])]), v.node("Unsqueeze", [r, v.ints([1])])], type=BOOL)
        both = v.node("And", [causal, v.node("Unsqueeze", [v.cast(mask, BOOL), v.ints([1])])], type=BOOL)
        y = v.node("Where", [both, v.number(0.0), v.number(-np.inf)], type=F32)
    elif kind == 3:
        e = v.node("Gather", [weights(v, 10, 4), ids], type=F32)
        length = v.node("Slice", [v.node("Shape", [ids], type=S64), v.ints([1]), v.ints([2])])
        p = v.node("Slice", [weights(v, 1, 12, 4), v.ints([0]), length, v.ints([1])])
        y = v.node("LayerNormalization", [v.node("Add", [e, p]), weights(v, 4), weights(v, 4)], axis=-1)
        v.opset = max(v.opset, 17)
    else:
        e = v.node("Gather", [weights(v, 10, 4), ids], type=F32)
        m = v.cast(v.node("Unsqueeze", [mask, v.ints([-1])]), F32)
        s = v.node("ReduceSum", [v.node("Mul", [e, m]), v.ints([1])], keepdims=0)
        d = v.node("Clip", [v.node("ReduceSum", [m, v.ints([1])], keepdims=0), v.number(1e-9)])
        y = v.node("Div", [s, d])
    v.output(y)
