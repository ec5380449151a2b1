# SPDX-License-Identifier: Apache-2.0
"""Convolutions, pools, products, resizing, and small networks of them."""

import numpy as np

from variant import F16, F32, F64, Open, S32, S64, U32, Tolerance, family

from .reductions import distinct


def windows(v, rank, largest=3):
    """Kernel shape, strides, dilations and pads of a convolution or pool, with an input large enough."""
    kernel = [v.integer(1, largest) for _ in range(rank)]
    strides = [v.choose(1, 1, 2, 3) for _ in range(rank)]
    dilations = [v.choose(1, 1, 1, 2) for _ in range(rank)]
    pads = [v.integer(0, k - 1) if v.chance(0.6) else 0 for k in kernel * 2]
    if v.chance(0.4):
        pads = pads[:rank] * 2
    size = [v.axis_dim((k - 1) * d + 1, (k - 1) * d + 6, 0) for k, d in zip(kernel, dilations)]
    return kernel, strides, dilations, pads, size


def some(v, **attributes):
    """Each of the attributes with probability 0.75, else its default."""
    return {k: a for k, a in attributes.items() if v.chance(0.75)}


@family
def conv(v):
    v.since(7, 11, 22)
    rank = v.choose(1, 2, 2, 2, 3)
    kernel, strides, dilations, pads, size = windows(v, rank)
    group = v.choose(1, 1, 2, 3)
    each, filters = v.integer(1, 4), group * v.integer(1, 4)
    if v.chance(0.25):  # depthwise
        group, each = v.integer(1, 9), 1
        filters = group * v.choose(1, 1, 2)
    type = v.use(v.choose(F32, F32, F32, F32, F16, F64))
    x = v.input([v.axis_dim(1, 2, 0.01), group * each] + size, type)
    w = v.weights([filters, each] + kernel, type, constant=0.85, special=False)  # whether infinity meets padding is open
    b = v.weights([filters], type, constant=0.9) if v.chance(0.6) else None
    attributes = {"group": group} if group > 1 else {}
    attributes |= some(v, strides=strides, dilations=dilations, kernel_shape=kernel)
    padding = v.choose("pads", "pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", None)
    if padding in ("SAME_UPPER", "SAME_LOWER"):
        attributes.pop("dilations", None)
    if padding == "pads":
        attributes["pads"] = pads
    elif padding:
        attributes["auto_pad"] = padding
    y = v.node("Conv", [x, w, b], **attributes)
    if type == F32 and v.chance(0.3):
        v.node(v.choose("Relu", "Sigmoid", "HardSwish") if v.opset >= 14 else "Relu", [y])


@family
def conv_transpose(v):
    v.since(7, 11, 22)
    rank = v.choose(1, 2, 2, 2, 3)
    kernel, strides, dilations, pads, size = windows(v, rank)
    group = v.choose(1, 1, 2, 3)
    each, filters = v.integer(1, 3), v.integer(1, 3)
    type = v.use(v.choose(F32, F32, F32, F64))
    x = v.input([v.axis_dim(1, 2, 0), group * each] + size, type)
    w = v.weights([group * each, filters] + kernel, type, constant=0.85, special=False)
    b = v.weights([group * filters], type, constant=0.9) if v.chance(0.5) else None
    attributes = {"group": group, "strides": strides} | some(v, dilations=dilations, kernel_shape=kernel)
    form = v.integer(0, 4)
    dilations = attributes.get("dilations", [1] * rank)
    open_size = any(isinstance(d, Open) for d in size)
    if form == 0:
        attributes["pads"] = pads
    elif form == 1:
        attributes |= {"pads": pads, "output_padding": [v.integer(0, max(s, d) - 1) for s, d in zip(strides, dilations)]}
    elif form == 2 and not open_size:
        natural = [s * (n - 1) + (k - 1) * d + 1 for s, n, k, d in zip(strides, size, kernel, dilations)]
        attributes["output_shape"] = [max(1, n - v.integer(0, 2)) for n in natural]
        attributes |= {"auto_pad": v.choose("SAME_UPPER", "SAME_LOWER", "NOTSET")} if v.chance(0.5) else {}
    elif form == 3:
        attributes["auto_pad"] = v.choose("SAME_UPPER", "SAME_LOWER", "VALID")
    y = v.node("ConvTranspose", [x, w, b], **attributes)
    if v.chance(0.2):
        v.node("Relu", [y])


@family
def pools(v):
    name = v.choose("MaxPool", "AveragePool", "LpPool")
    v.since(*{"MaxPool": (8, 10, 11, 12, 22), "AveragePool": (7, 10, 11, 19, 22), "LpPool": (11, 18, 22)}[name])
    rank = v.choose(1, 2, 2, 3)
    kernel, strides, dilations, pads, size = windows(v, rank)
    attributes = {"kernel_shape": kernel} | some(v, strides=strides)
    padding = v.choose("pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", None)
    if padding == "pads":
        attributes["pads"] = pads
    elif padding:
        attributes["auto_pad"] = padding
    dilated = v.opset >= {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[name] and padding in ("pads", None)
    if dilated:
        attributes |= some(v, dilations=dilations)
    if v.opset >= (18 if name == "LpPool" else 10) and v.chance(0.4) and padding in ("pads", None):
        attributes["ceil_mode"] = 1
    type = v.use(v.choose(F32, F32, F32, F64))
    x = v.input([v.axis_dim(1, 2, 0.01), v.dim(1, 9, 0.01)] + size, type)
    if name == "AveragePool" and v.chance(0.5):
        attributes["count_include_pad"] = v.integer(0, 1)
    if name == "LpPool":
        attributes |= some(v, p=v.choose(1, 2, 3))
    v.node(name, [x], **attributes)


@family
def max_pool_indices(v):
    """With indices, and MaxUnpool of them."""
    v.since(8, 11, 12)
    rank = v.choose(1, 2, 3)
    kernel, strides, dilations, pads, size = windows(v, rank)
    shape = [v.dim(1, 2, 0), v.integer(1, 3)] + [int(d) for d in size]
    x = v.input(distinct(v, shape, F32))
    if v.chance(0.4) and all(p == 0 for p in pads):
        strides = kernel
        x.array = distinct(v, shape[:2] + [n // k * k for n, k in zip(shape[2:], kernel)], F32)
        y, i = v.node("MaxPool", [x], 2, type=[F32, S64], kernel_shape=kernel, strides=strides)
        v.opset = max(v.opset, 9)
        v.output(v.node("MaxUnpool", [y, i], kernel_shape=kernel, strides=strides))
        return
    order = v.choose(None, 0, 1)
    v.output(*v.node("MaxPool", [x], 2, type=[F32, S64], kernel_shape=kernel, strides=strides, pads=pads, storage_order=order))


@family
def global_pools(v):
    v.since(7, 22)
    name = v.choose("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
    rank = v.integer(1, 3)
    x = v.input([v.axis_dim(1, 3), v.dim(1, 9, 0)] + [v.axis_dim(1, 6, 0) for _ in range(rank)], v.use(v.choose(F32, F32, F64)))
    y = v.node(name, [x], p=v.choose(None, 1, 3) if name == "GlobalLpPool" else None)
    if v.chance(0.3):
        v.node("Flatten", [y])


@family
def gemm(v):
    v.since(7, 9, 11, 13)
    type = v.use(v.choose(F32, F32, F32, F64) if v.opset < 9 or v.chance(0.8) else v.choose(S32, S64, U32))
    m, k, n = v.axis_dim(1, 9), v.dim(1, 9), v.dim(1, 17)
    ta, tb = v.integer(0, 1), v.integer(0, 1)
    a = v.input([k, m] if ta else [m, k], type)
    b = v.weights([n, k] if tb else [k, n], type)
    c = None
    if v.opset < 11 or v.chance(0.7):
        c = v.weights(v.choose([n], [1, n], [m, n], [m, 1], [1], []), type)
    attributes = some(v, transA=ta, transB=tb)
    if "transA" not in attributes and ta:
        attributes["transA"] = 1
    if "transB" not in attributes and tb:
        attributes["transB"] = 1
    if v.chance(0.4):
        attributes |= {"alpha": v.choose(0.5, 2.0, -1.0, 1.5), "beta": v.choose(0.5, 2.0, 0.0, -1.0)} if type.kind == "f" else \
            {"alpha": 2.0, "beta": 3.0}
    y = v.node("Gemm", [a, b, c], **attributes)
    if type == F32 and v.chance(0.3):
        v.node(v.choose("Relu", "Tanh"), [y])


@family
def matmul(v):
    v.since(7, 9, 13)
    type = v.use(v.choose(F32, F32, F32, F16, F64) if v.opset < 9 or v.chance(0.85) else v.choose(S32, S64, U32))
    m, k, n = v.axis_dim(1, 8), v.axis_dim(1, 9), v.dim(1, 9)
    form = v.integer(0, 5)
    batch = v.shape(0, 3, 1, 3)
    if form == 0:
        shapes = v.choose(([k], [k, n]), ([m, k], [k]), ([k], [k]), (batch + [m, k], [k]), ([k], batch + [k, n]))
    elif form <= 2:
        shapes = (batch + [m, k], [k, n])
    else:
        shapes = (v.broadcast_to(batch) + [m, k], batch + [k, n]) if v.chance(0.5) else (batch + [m, k], v.broadcast_to(batch) + [k, n])
    a = v.input(shapes[0], type)
    b = v.weights(shapes[1], type, constant=0.5)
    y = v.node("MatMul", [a, b])
    if type == F32 and v.chance(0.3):
        y = v.node("Add", [y, v.weights([n] if shapes[1][-1:] == [n] and len(shapes[1]) > 1 else [1], F32)])
        if v.chance(0.5):
            v.node("Relu", [y])


EINSUMS = ("ij,jk->ik", "ij,jk", "bij,bjk->bik", "bhid,bhjd->bhij", "ij->ji", "ii->i", "ii->", "i,i->", "i,j->ij", "ij->", "ij->j",
           "bij,jk->bik", "...ij,...jk->...ik", "b...d,b...d->b...", "ijk,ikl,l->ij", "bhij,bhjd->bihd", "ij,ij->ij", "abc->cab",
           "ij,kj->ik", "iij->ij", "bij,bij->b", "...->...", "a,b,c->abc", "ba,ca,da->bcd", "bqhd,bkhd->bhqk", "ij,j->i")


@family
def einsum(v):
    v.since(12)
    equation = v.choose(*EINSUMS)
    type = v.use(v.choose(F32, F32, F64))
    sizes = {}
    ellipsis = [v.axis_dim(1, 3, 0) for _ in range(v.integer(0, 2))]
    operands = []
    for i, term in enumerate(equation.split("->")[0].split(",")):
        shape = []
        for part in term.replace("...", ".").strip():
            shape += ellipsis if part == "." else [sizes.setdefault(part, v.axis_dim(1, 4, 0))]
        operands.append(v.input(shape, type) if i == 0 else v.weights(shape, type, constant=0.4))
    v.node("Einsum", operands, equation=equation if v.chance(0.7) else equation.replace(",", " , ").replace("->", " -> "))


@family
def resize(v):
    v.since(10, 11, 13, 18, 19)
    rank = v.choose(3, 4, 4, 4, 5)
    channels_last = v.chance(0.15)
    mode = v.choose("nearest", "linear", "cubic") if v.opset >= 11 and rank == 4 else v.choose("nearest", "linear")
    shape = [v.dim(1, 2, 0), v.dim(1, 5, 0)] + [v.axis_dim(1, 7, 0) for _ in range(rank - 2)]
    if mode == "cubic":
        shape[2:] = [v.integer(3, 7) for _ in range(rank - 2)]
    spatial = list(range(2, rank))
    if channels_last and mode != "cubic":
        shape[1], shape[-1] = shape[-1], shape[1]
        spatial = list(range(1, rank - 1))
    type = v.use(v.choose(F32, F32, F32, F64)) if v.opset >= 11 else F32
    x = v.input(shape, type, special=False)
    v.tolerance = Tolerance()  # scales and coordinates are f32
    fixed = not any(isinstance(shape[a], Open) for a in spatial)
    factors = [v.choose(2.0, 0.5, 1.0, 1.5, 3.0, 0.6, 2.5) if fixed else v.choose(2.0, 3.0, 1.0) for _ in spatial]
    if v.opset < 11:
        scales = [1.0] * rank
        for a, f in zip(spatial, factors):
            scales[a] = max(f, 1.0) if fixed else f
        v.node("Resize", [x, v.given(np.array(scales, F32), 0.9)], mode=mode)
        return
    attributes = {"mode": mode}
    coordinates = v.choose("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", None,
                           "half_pixel_symmetric" if v.opset >= 19 else "half_pixel")
    attributes["coordinate_transformation_mode"] = coordinates
    if mode == "nearest":
        attributes["nearest_mode"] = v.choose("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", None)
    if mode == "cubic":
        attributes["cubic_coeff_a"] = v.choose(None, -0.5, -0.75)
        attributes["exclude_outside"] = v.choose(None, 0, 1)
    with_axes = v.opset >= 18 and v.chance(0.4)
    if v.opset >= 18 and mode != "nearest" and v.chance(0.3):
        attributes["antialias"] = 1
    by_size = v.chance(0.4) and fixed
    if by_size and with_axes and v.chance(0.3):
        attributes["keep_aspect_ratio_policy"] = v.choose("stretch", "not_larger", "not_smaller")
    chosen = spatial if with_axes else range(rank)
    if with_axes:
        attributes["axes"] = spatial
    scales = dict(zip(spatial, factors))
    if by_size:
        sizes = [max(1, int(shape[a] * scales.get(a, 1.0))) for a in chosen]
        inputs = [x, None, None, v.given(np.array(sizes, S64), 0.8)]
    else:
        inputs = [x, None, v.given(np.array([scales.get(a, 1.0) for a in chosen], F32), 0.8)]
        if v.opset < 13:
            inputs[1] = v.constant(np.array([], F32))
    if by_size and v.opset < 13:
        inputs[1], inputs[2] = v.constant(np.array([], F32)), v.constant(np.array([], F32))
    v.node("Resize", inputs, **attributes)


@family
def resize_with_roi(v):
    """tf_crop_and_resize."""
    v.since(11, 13, 18)
    h, w = v.integer(2, 6), v.integer(2, 6)
    x = v.input([1, v.integer(1, 3), h, w], special=False)
    roi = [0, 0, v.real(0, 0.4), v.real(0, 0.4), 1, 1, v.real(0.5, 1.2), v.real(0.5, 1.2)]
    sizes = np.array([1, x.shape[1], v.integer(1, 6), v.integer(1, 6)], S64)
    v.node("Resize", [x, v.given(np.array(roi, F32)), v.constant(np.array([], F32)), v.given(sizes)],
           mode=v.choose("linear", "nearest"), coordinate_transformation_mode="tf_crop_and_resize",
           extrapolation_value=v.choose(None, 5.0))


@family
def upsample(v):
    v.since(7)
    v.opset = v.choose(7, 8, 9)
    x = v.input([v.axis_dim(1, 2, 0), v.integer(1, 4), v.axis_dim(1, 5, 0), v.axis_dim(1, 5, 0)], special=False)
    scales = [1.0, 1.0, float(v.integer(1, 3)), float(v.integer(1, 3))]
    mode = v.choose("nearest", "linear")
    if v.opset < 9:
        v.node("Upsample", [x], scales=scales, mode=mode)
    else:
        v.node("Upsample", [x, v.given(np.array(scales, F32), 0.9)], mode=mode)


@family
def convolution_block(v):
    """Convolutions, normalization, activations, residuals and pools, as mobile networks have them."""
    v.since(13, 17)
    c = v.integer(1, 8)
    n, h = v.open_dim(1, 3), v.open_dim(5, 9)
    x = v.input([n, c, h, h], special=False)

    def weights(*shape, low=None, high=None):
        return v.constant(v.contents(shape, F32, low=low, high=high, stream=9, special=False))

    def conv_of(y, inputs, outputs, group=1, kernel=3, stride=1):
        bias = [weights(outputs)] if v.chance(0.5) else []
        y = v.node("Conv", [y, weights(outputs, inputs // group, kernel, kernel)] + bias, pads=[kernel // 2] * 4, group=group,
                   strides=[stride, stride])
        if v.chance(0.6):
            p = [weights(outputs, low=0.3, high=1.5) for _ in range(4)]
            y = v.node("BatchNormalization", [y] + p)
        kind = v.integer(0, 6)
        if kind == 0:
            return v.node("Relu", [y])
        if kind == 1:
            return v.node("Clip", [y, v.number(0.0), v.number(6.0)])
        if kind == 2:
            return v.node("Mul", [y, v.node("Sigmoid", [y])])
        if kind == 3:
            return v.node("Mul", [y, v.node("Div", [v.node("Clip", [v.node("Add", [y, v.number(3.0)]), v.number(0.0), v.number(6.0)]),
                                                    v.number(6.0)])])
        if kind == 4:
            return v.node("PRelu", [y, weights(outputs, 1, 1)])
        if kind == 5:
            return v.node("Add", [v.node("Mul", [y, weights(1, outputs, 1, 1)]), weights(outputs, 1, 1)])
        return y

    hidden = v.integer(1, 8)
    y = conv_of(x, c, hidden, kernel=v.choose(1, 3))
    y = conv_of(y, hidden, hidden, group=v.choose(1, hidden))
    if v.chance(0.4):  # squeeze and excitation
        s = v.node("GlobalAveragePool", [y]) if v.chance(0.5) or v.opset >= 18 else v.node("ReduceMean", [y], axes=[2, 3])
        s = v.node("Sigmoid", [v.node("Conv", [s, weights(hidden, hidden, 1, 1)])])
        y = v.node("Mul", [y, s])
    y = conv_of(y, hidden, c, kernel=1)
    if v.chance(0.6):
        y = v.node("Add", [x, y] if v.chance(0.5) else [y, x])
    if v.chance(0.3):
        y = v.node("Concat", [y, x], axis=1)
    kind = v.integer(0, 3)
    if kind == 0:
        y = v.node("MaxPool", [y], kernel_shape=[2, 2], strides=[2, 2])
    elif kind == 1:
        y = v.node("Flatten", [v.node("GlobalAveragePool", [y])])
    elif kind == 2:
        y = v.node("Resize", [y, None, v.constant(np.array([1, 1, 2, 2], F32))], mode=v.choose("nearest", "linear"),
                   coordinate_transformation_mode=v.choose("asymmetric", "half_pixel", "align_corners"))
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(y)


@family
def pad_before_layer(v):
    """A Pad, then a convolution or pool that may take it in."""
    v.since(13)
    h = v.open_dim(4, 7)
    c = v.integer(1, 4)
    x = v.input([1, c, h, h], special=False)
    pads = [0, 0, v.integer(0, 2), v.integer(0, 2), 0, 0, v.integer(0, 2), v.integer(0, 2)]
    kind = v.integer(0, 2)
    fills = (0.0, 1.0, -1.0) if kind != 1 else (0.0, 1.0, -np.inf, -3.4028234663852886e38)
    number = v.choose(None, v.number(v.choose(*fills)))
    y = v.node("Pad", [x, v.ints(pads), number], mode=v.choose("constant", "constant", "constant", "reflect", "edge"))
    if kind == 0:
        w = v.constant(v.contents([v.integer(1, 4), c, 3, 3], F32, stream=9, special=False))
        v.node("Conv", [y, w], pads=v.choose(None, [1, 1, 1, 1]))
    else:
        v.node("MaxPool" if kind == 1 else "AveragePool", [y], kernel_shape=[3, 3], strides=v.choose(None, [2, 2]),
               pads=v.choose(None, [1, 1, 1, 1]), count_include_pad=v.choose(None, 0, 1) if kind == 2 else None)


@family
def dense_block(v):
    """Products with scales, shifts, transposes and normalization about them, as transformers have them."""
    v.since(17, 18)
    b, t, c = v.open_dim(1, 3), v.open_dim(1, 5), 4 * v.integer(1, 2)
    x = v.input([b, t, c], special=False)
    y = x

    def weights(*shape):
        return v.constant(v.contents(shape, F32, stream=9, special=False))

    def mean(z):
        return v.node("ReduceMean", [z, v.ints([-1])], keepdims=1) if v.opset >= 18 else v.node("ReduceMean", [z], axes=[-1], keepdims=1)

    for _ in range(v.integer(1, 3)):
        kind = v.integer(0, 6)
        if kind == 0:  # layer normalization
            d = v.node("Sub", [y, mean(y)])
            s = v.node("Pow", [d, v.number(2.0)]) if v.chance(0.5) else v.node("Mul", [d, d])
            n = v.node("Div", [d, v.node("Sqrt", [v.node("Add", [mean(s), v.number(1e-5)])])])
            y = v.node("Add", [v.node("Mul", [n, weights(c)]), weights(c)])
        elif kind == 1:  # GELU
            e = v.node("Erf", [v.node("Div", [y, v.number(1.4142135)])])
            y = v.node("Mul", [v.node("Mul", [y, v.node("Add", [e, v.number(1.0)])]), v.number(0.5)])
        elif kind == 2:
            y = v.node("Add", [v.node("MatMul", [y, weights(c, c)]), weights(c)])
        elif kind == 3:
            w = v.node("Transpose", [weights(c, c)], perm=[1, 0])
            y = v.node("MatMul", [v.node("Mul", [y, v.choose(v.number(0.5), weights(c))]), w])
        elif kind == 4:  # heads
            shape = v.ints([0, 0, 2, c // 2])
            q, k, w = (v.node("Transpose", [v.node("Reshape", [v.node("MatMul", [y, weights(c, c)]), shape])], perm=[0, 2, 1, 3])
                       for _ in range(3))
            s = v.node("MatMul", [q, v.node("Transpose", [k], perm=[0, 1, 3, 2])])
            a = v.node("Softmax", [v.node("Mul", [s, v.number(0.7)])], axis=-1)
            z = v.node("Transpose", [v.node("MatMul", [a, w])], perm=[0, 2, 1, 3])
            y = v.node("Reshape", [z, v.ints([0, 0, c])])
        elif kind == 5:  # RMS normalization
            s = v.node("Add", [mean(v.node("Mul", [y, y])), v.number(1e-6)])
            y = v.node("Mul", [weights(c), v.node("Mul", [y, v.node("Reciprocal", [v.node("Sqrt", [s])])])])
        else:
            y = v.node("Add", [y, x])
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(y if y is not x else v.node("Identity", [x]))


@family
def scale_into_weights(v):
    """Multiplications and additions by channel before and after layers, which passes fold into weights."""
    v.since(13)
    k, n = v.integer(1, 6), v.integer(1, 6)
    m = v.open_dim(1, 4)
    conv_first = v.chance(0.5)
    special = v.choose(1.0, 1.0, 1.0, 0.0, 1e30, np.inf, 1e-30, 1e5)

    def factor(*shape):
        array = v.contents(shape, F32, stream=9, special=False)
        if array.size:
            array.flat[0] *= special if v.chance(0.5) else 1
        return v.constant(array)

    def step(y, *shape):
        name = v.choose("Mul", "Add", "Sub", "Div")
        c = factor(*v.choose(shape, (1,) * len(shape), ()))
        return v.node(name, [c, y] if v.chance(0.3) and name != "Div" else [y, c])

    if conv_first:
        x = v.input([m, k, 4, 4], special=False)
        y = step(x, k, 1, 1) if v.chance(0.5) else x
        y = v.node("Conv", [y, v.constant(v.contents([n, k, 3, 3], F32, stream=9, special=False))], pads=v.choose(None, [1, 1, 1, 1]))
        for _ in range(v.integer(1, 2)):
            y = step(y, n, 1, 1)
    else:
        x = v.input([m, k], special=False)
        y = step(x, k) if v.chance(0.5) else x
        y = v.node(v.choose("Gemm", "MatMul"), [y, v.constant(v.contents([k, n], F32, stream=9, special=False))])
        for _ in range(v.integer(1, 2)):
            y = step(y, n)
    if v.chance(0.4):
        y = v.node(v.choose("Relu", "Clip"), [y])
    v.output(y)
