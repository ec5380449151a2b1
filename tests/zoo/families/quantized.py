# SPDX-License-Identifier: Apache-2.0
"""Quantized operators and graphs. A step more or less is right where a number lies between two of them."""

import numpy as np

from variant import F32, Open, S8, S16, S32, U8, U16, Tolerance, family

from .layers import some, windows


def scale_of(v, low=0.01, high=0.2):
    return np.float32(v.rng.uniform(low, high))


def zero_of(v, type, symmetric=0.3):
    if type == S32 or v.chance(symmetric):
        return np.array(0, type)
    return np.array(v.integer(-20, 20) if type.kind == "i" else v.integer(100, 150), type)


def quantize(v, x, scale, zero):
    return v.node("QuantizeLinear", [x, v.constant(np.array(scale, F32)), v.constant(np.array(zero))], type=zero.dtype)


def dequantize(v, x, scale, zero, **attributes):
    zero = [v.constant(np.array(zero))] if zero is not None else []
    return v.node("DequantizeLinear", [x, v.constant(np.array(scale, F32))] + zero, type=F32, **attributes)


def through(v, x, type, low=0.01, high=0.1):
    """A value rounded to 8 bits; its scale."""
    scale, zero = scale_of(v, low, high), zero_of(v, type)
    return dequantize(v, quantize(v, x, scale, zero), scale, zero), float(scale)


@family
def quantize_linear(v):
    v.since(10, 13, 19, 21, 23)
    type = v.choose(U8, S8) if v.opset < 21 else v.choose(U8, S8, U16, S16)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank, 1, 5, 0.02)
    x = v.input(shape, F32, special=False, low=-4, high=4)
    axis = v.axis(rank)
    per_axis = v.opset >= 13 and v.chance(0.5) and not isinstance(shape[axis], Open)
    count = [int(shape[axis])] if per_axis else []
    scale = v.contents(count, F32, low=0.01, high=0.1, stream=9, special=False)
    zero = v.given(np.asarray(v.contents(count, type, stream=9))) if v.chance(0.8) or type != U8 else None
    v.tolerance.steps = 1
    y = v.node("QuantizeLinear", [x, v.given(np.asarray(scale)), zero], type=type if zero else U8, axis=axis if per_axis else None)
    if v.chance(0.3):
        v.cast(y, S32)


@family
def quantize_infinite(v):
    """Infinities and numbers out of range saturate."""
    v.since(13, 21)
    type = v.choose(U8, S8)
    x = v.input([v.integer(2, 9)], F32, low=-1e4, high=1e4, special=False)
    x.array[:2] = (np.inf, -np.inf)
    v.node("QuantizeLinear", [x, v.number(0.5), v.constant(zero_of(v, type))], type=type)


@family
def dequantize_linear(v):
    v.since(10, 13, 19, 21, 23)
    type = v.choose(U8, S8, S32) if v.opset < 21 else v.choose(U8, S8, S32, U16, S16)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank, 1, 5, 0.02)
    x = v.input(shape, type)
    axis = v.axis(rank)
    per_axis = v.opset >= 13 and v.chance(0.5) and not isinstance(shape[axis], Open)
    count = [int(shape[axis])] if per_axis else []
    scale = v.given(np.asarray(v.contents(count, F32, low=0.01, high=0.1, stream=9, special=False)))
    zero = v.given(np.asarray(v.contents(count, type, stream=9))) if v.chance(0.8) and type != S32 else None
    v.node("DequantizeLinear", [x, scale, zero], type=F32, axis=axis if per_axis else None)


@family
def blocked(v):
    v.since(21, 23)
    type = v.choose(U8, S8)
    block, blocks, rest = v.integer(2, 4), v.integer(1, 3), v.integer(1, 4)
    axis = v.integer(0, 1)
    shape = [rest, rest]
    shape[axis] = block * blocks
    counts = list(shape)
    counts[axis] = blocks
    scale = v.constant(v.contents(counts, F32, low=0.02, high=0.2, stream=9, special=False))
    zero = v.constant(v.contents(counts, type, stream=9)) if v.chance(0.7) else None
    if v.chance(0.5):
        v.node("DequantizeLinear", [v.input(shape, type), scale, zero], type=F32, axis=axis, block_size=block)
    else:
        v.tolerance.steps = 1
        v.node("QuantizeLinear", [v.input(shape, F32, special=False), scale, zero], type=type if zero else U8, axis=axis, block_size=block)


@family
def dynamic_quantize(v):
    v.since(11)
    x = v.input(v.shape(1, 3, 1, 6, 0), F32, special=False)
    if v.chance(0.3):
        x.array[...] = np.abs(x.array)
    v.tolerance.steps = 1
    y, scale, zero = v.node("DynamicQuantizeLinear", [x], 3, type=[U8, F32, U8])
    v.output(y, scale, zero)


@family
def dynamic_matmul(v):
    """What ONNX Runtime's dynamic quantization writes."""
    v.since(13)
    k, n = v.integer(1, 40), v.integer(1, 9)
    x = v.input(v.shape(1, 2, 1, 4, 0) + [k], F32, special=False)
    y, scale, zero = v.node("DynamicQuantizeLinear", [x], 3, type=[U8, F32, U8])
    type = v.choose(S8, U8)
    w = v.constant(v.contents([k, n], type, low=-9 if type == S8 else 119, high=9 if type == S8 else 137, stream=9))
    wz = v.constant(np.array(v.integer(-3, 3) + (0 if type == S8 else 128), type))
    z = v.node("MatMulInteger", [y, w, zero, wz], type=S32)
    s = v.node("Mul", [scale, v.constant(v.contents(v.choose([], [n]), F32, low=0.01, high=0.05, stream=9, special=False))])
    z = v.node("Mul", [v.cast(z, F32), s])
    if v.chance(0.5):
        z = v.node("Add", [z, v.constant(v.contents([n], F32, stream=9, special=False))])
    v.tolerance = Tolerance(1e-3, 2e-2)
    v.output(z)


@family
def matmul_integer(v):
    v.since(10)
    type, other = v.choose((U8, U8), (U8, S8), (S8, S8), (S8, U8))
    m, k, n = v.axis_dim(1, 6), v.dim(1, 20, 0), v.dim(1, 9, 0)
    batch = v.shape(0, 2, 1, 3, 0)
    a = v.input(batch + [m, k], type)
    b = v.weights([k, n], other)
    za = v.given(zero_of(v, type)) if v.chance(0.7) else None
    zb = None
    if v.chance(0.6):
        zb = v.given(zero_of(v, other)) if v.chance(0.6) else v.constant(np.asarray(v.contents([n], other, stream=9)))
    v.node("MatMulInteger", [a, b, za, zb], type=S32)


@family
def conv_integer(v):
    v.since(10)
    rank = v.choose(1, 2, 2)
    kernel, strides, dilations, pads, size = windows(v, rank)
    group = v.choose(1, 1, 2)
    each, filters = v.integer(1, 3), group * v.integer(1, 3)
    type = v.choose(U8, U8, S8)
    x = v.input([v.axis_dim(1, 2, 0), group * each] + size, type)
    w = v.weights([filters, each] + kernel, v.choose(U8, S8) if type == U8 else S8)
    zx = v.given(zero_of(v, type)) if v.chance(0.8) else None
    zw = v.given(zero_of(v, w.type)) if v.chance(0.5) else None
    v.node("ConvInteger", [x, w, zx, zw], type=S32, group=group, strides=strides, pads=pads, **some(v, dilations=dilations))


@family
def qlinear_conv(v):
    v.since(10)
    rank = v.choose(1, 2, 2, 2)
    kernel, strides, dilations, pads, size = windows(v, rank)
    group = v.choose(1, 1, 2)
    each, filters = v.integer(1, 4), group * v.integer(1, 4)
    if v.chance(0.3):
        group, each = v.integer(1, 6), 1
        filters = group
    type = v.choose(U8, S8)
    x = v.input([v.axis_dim(1, 2, 0), group * each] + size, type)
    weights = v.choose(S8, type)
    w = v.constant(v.contents([filters, each] + kernel, weights, stream=9))
    per_channel = v.chance(0.5)
    ws = v.contents([filters] if per_channel else [], F32, low=0.01, high=0.1, stream=9, special=False)
    wz = np.zeros(ws.shape, weights) if v.chance(0.7) or per_channel else zero_of(v, weights)
    bias = v.constant(v.contents([filters], S32, low=-300, high=300, stream=9)) if v.chance(0.6) else None
    v.tolerance.steps = 1
    inputs = [x, v.number(scale_of(v)), v.constant(zero_of(v, type)), w, v.constant(np.asarray(ws)), v.constant(np.asarray(wz)),
              v.number(scale_of(v, 0.05, 0.3)), v.constant(zero_of(v, type)), bias]
    y = v.node("QLinearConv", inputs, group=group, strides=strides, pads=pads, **some(v, dilations=dilations, kernel_shape=kernel))
    v.output(y)


@family
def qlinear_matmul(v):
    v.since(10, 21)
    type, other = v.choose((U8, U8), (U8, S8), (S8, S8))
    m, k, n = v.axis_dim(1, 6), v.dim(1, 20, 0), v.dim(1, 9, 0)
    a = v.input(v.shape(0, 1, 1, 3, 0) + [m, k], type)
    b = v.weights([k, n], other, constant=0.8)
    per_column = v.chance(0.3)
    bs = v.contents([n] if per_column else [], F32, low=0.01, high=0.1, stream=9, special=False)
    bz = np.asarray(v.contents([n], other, stream=9)) if per_column else zero_of(v, other)
    v.tolerance.steps = 1
    v.node("QLinearMatMul", [a, v.number(scale_of(v)), v.constant(zero_of(v, type)), b, v.constant(np.asarray(bs)), v.constant(bz),
                             v.number(scale_of(v, 0.05, 0.3)), v.constant(zero_of(v, type))], type=type)


def layer(v, x, type, kind, c):
    """A layer between DequantizeLinear nodes, of an input [N, c, H, H]; its output and number of channels."""
    n = v.integer(1, 6)
    low, high = 0.005, 0.05

    def weights(shape, axis, count):
        scale = v.contents([count] if v.chance(0.6) else [], F32, low=low, high=high, stream=9, special=False)
        array = v.contents(shape, S8, stream=9)
        zero = np.zeros(scale.shape, S8) if v.chance(0.8) else None
        return dequantize(v, v.constant(array), scale, zero, axis=axis if scale.ndim else None)

    bias = lambda count: [v.constant(v.contents([count], F32, stream=9, special=False))] if v.chance(0.6) else []
    if kind == "conv":
        k = v.choose(1, 3)
        return v.node("Conv", [x, weights([n, c, k, k], 0, n)] + bias(n), pads=[k // 2] * 4, strides=v.choose(None, [2, 2])), n
    if kind == "depthwise":
        return v.node("Conv", [x, weights([c, 1, 3, 3], 0, c)] + bias(c), pads=[1] * 4, group=c), c
    if kind == "transposed":
        return v.node("ConvTranspose", [x, weights([c, n, 2, 2], 1, n)] + bias(n), strides=[2, 2]), n
    if kind == "average":
        return v.node("AveragePool", [x], kernel_shape=[2, 2], strides=v.choose(None, [2, 2])), c
    if kind == "max":
        return v.node("MaxPool", [x], kernel_shape=[2, 2], strides=v.choose(None, [2, 2]), pads=v.choose(None, [1, 1, 0, 0])), c
    if kind == "global":
        return v.node("GlobalAveragePool", [x]), c
    if kind == "add":
        other, _ = through(v, x, type)
        return v.node(v.choose("Add", "Mul", "Sub"), [x, other]), c
    if kind == "concat":
        other, _ = through(v, v.node("Relu", [x]), type)
        return v.node("Concat", [x, other], axis=1), 2 * c
    if kind == "resize":
        return v.node("Resize", [x, None, v.constant(np.array([1, 1, 2, 2], F32))], mode=v.choose("nearest", "linear"),
                      coordinate_transformation_mode="half_pixel"), c
    return v.node(kind, [x]), c


@family
def qdq_graph(v):
    """One to three layers between QuantizeLinear and DequantizeLinear."""
    v.since(13, 17)
    type = v.choose(S8, U8)
    c = v.integer(1, 6)
    h = v.open_dim(4, 7)
    x = v.input([v.open_dim(1, 3), c, h, h], F32, special=False)
    y, scale = through(v, x, type, 0.02, 0.03)
    total = 0
    for _ in range(v.integer(1, 3)):
        kind = v.choose("conv", "conv", "depthwise", "transposed", "average", "max", "global", "add", "concat", "resize", "Sigmoid", "Tanh",
                        "Relu", "LeakyRelu", "HardSigmoid", "Neg", "Elu")
        y, c = layer(v, y, type, kind, c)
        if v.chance(0.3) and kind in ("conv", "depthwise", "add"):
            y = v.node(v.choose("Relu", "Clip"), [y] if v.chance(0.5) or v.opset < 11 else [y])
        y, scale = through(v, y, type, 0.03, 0.05)
        total += scale
    v.tolerance = Tolerance(1e-3, 1e-4, 1.01 * total + (0.3 if v.count > 60 else 0.1))
    v.output(y)


@family
def qdq_single(v):
    """One layer: at most one step of difference."""
    v.since(13, 17, 21)
    type = v.choose(S8, U8)
    c = v.integer(1, 6)
    h = v.open_dim(4, 7)
    y, _ = through(v, v.input([v.open_dim(1, 3), c, h, h], F32, special=False), type, 0.02, 0.03)
    kind = v.choose("conv", "depthwise", "transposed", "average", "max", "global", "Sigmoid", "Tanh", "Relu", "LeakyRelu", "add", "Exp",
                    "Softplus", "Erf", "Abs", "Sqrt", "HardSwish", "resize")
    if kind == "HardSwish":
        v.opset = max(v.opset, 14)
    y, c = layer(v, y, type, kind, c)
    if v.chance(0.3):
        y = v.node("Relu", [y])
    scale, zero = scale_of(v, 0.03, 0.1), zero_of(v, type)
    y = quantize(v, y, scale, zero)
    v.tolerance = Tolerance(1e-3, 1e-4, 1.01 * float(scale), steps=1)
    v.output(y if v.chance(0.5) else dequantize(v, y, scale, zero))


@family
def qdq_dense(v):
    """Gemm, MatMul and Softmax between QuantizeLinear and DequantizeLinear."""
    v.since(13, 17)
    type = v.choose(S8, U8)
    k, n = v.integer(1, 20), v.integer(1, 9)
    y, _ = through(v, v.input([v.open_dim(1, 4), k], F32, special=False), type, 0.02, 0.03)
    kind = v.choose("Gemm", "MatMul", "Softmax", "both", "ReduceMean")
    if kind == "Softmax":
        y = v.node("Softmax", [y], axis=-1)
        scale, zero = np.float32(1 / 256), np.array(0 if type == U8 else -128, type)
    elif kind == "ReduceMean":
        v.opset = 13
        y = v.node("ReduceMean", [y], axes=[1], keepdims=v.integer(0, 1))
        scale, zero = np.float32(0.02), zero_of(v, type)
    else:
        scale, zero = scale_of(v, 0.05, 0.1), zero_of(v, type)
        ws = v.contents(v.choose([], [n]), F32, low=0.01, high=0.03, stream=9, special=False)
        transposed = v.integer(0, 1) if kind == "Gemm" else 0
        if kind == "both":
            w, _ = through(v, v.input([k, n], F32, special=False), type, 0.02, 0.03)
        else:
            w = dequantize(v, v.constant(v.contents([n, k] if transposed else [k, n], S8, stream=9)), ws, np.zeros(ws.shape, S8),
                           axis=(0 if transposed else 1) if ws.ndim else None)
        bias = [v.constant(v.contents([n], F32, stream=9, special=False))] if kind == "Gemm" and v.chance(0.7) else []
        y = v.node("Gemm", [y, w] + bias, transB=transposed) if kind == "Gemm" else v.node("MatMul", [y, w])
        if v.chance(0.3):
            y = v.node("Relu", [y])
    v.tolerance = Tolerance(1e-3, 1e-4, 1.01 * float(scale), steps=1)
    y = quantize(v, y, scale, zero)
    v.output(y if v.chance(0.5) else dequantize(v, y, scale, zero))


@family
def qdq_movement(v):
    """Reshapes, transposes and slices of quantized values stay exact."""
    v.since(13, 17)
    type = v.choose(S8, U8)
    shape = v.shape(2, 4, 1, 5, 0)
    rank = len(shape)
    scale, zero = scale_of(v), zero_of(v, type)
    y = dequantize(v, v.input(shape, type), scale, zero)
    kind = v.choose("Transpose", "Slice", "Flatten", "Concat", "Relu", "Pad", "Tile", "Gather", "ReduceMax", "Split")
    if kind == "Transpose":
        y = v.node(kind, [y], perm=v.sample(range(rank), rank))
    elif kind == "Slice":
        y = v.node(kind, [y, v.ints([0]), v.ints([-1]), v.ints([0]), v.ints([1])])
    elif kind == "Concat":
        y = v.node(kind, [y, y], axis=v.axis(rank))
    elif kind == "Pad":
        y = v.node(kind, [y, v.ints([1] * 2 * rank)])
    elif kind == "Tile":
        y = v.node(kind, [y, v.ints([2] * rank)])
    elif kind == "Gather":
        y = v.node(kind, [y, v.ints([0, -1])], axis=v.axis(rank))
    elif kind == "ReduceMax":
        v.opset = 17
        y = v.node(kind, [y], axes=[v.axis(rank)])
    elif kind == "Split":
        y = v.node(kind, [y], 1, axis=0) if v.opset < 18 else y
    else:
        y = v.node(kind, [y])
    same = v.chance(0.6)
    v.tolerance.steps = 0 if same else 1
    v.output(quantize(v, y, scale if same else scale_of(v), zero if same else zero_of(v, type)))


@family
def weights_only(v):
    """A float layer with quantized weights."""
    v.since(13, 21)
    k, n = v.integer(1, 20), v.integer(1, 9)
    type = v.choose(S8, U8)
    scale = v.contents(v.choose([], [n]), F32, low=0.01, high=0.1, stream=9, special=False)
    zero = np.asarray(v.contents(scale.shape, type, low=0, high=9, stream=9)) if v.chance(0.6) else None
    w = dequantize(v, v.constant(v.contents([k, n], type, stream=9)), scale, zero, axis=1 if scale.ndim else None)
    v.node("MatMul", [v.input([v.open_dim(1, 4), k]), w])
