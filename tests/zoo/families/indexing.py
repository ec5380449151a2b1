# SPDX-License-Identifier: Apache-2.0
"""Operators that read and write by index, that make indices, and that ask for shapes."""

import numpy as np

from variant import BOOL, F16, F32, F64, S32, S64, U8, family

from .movement import any_type


@family
def gather(v):
    v.since(7, 11, 13)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank, 1, 5, 0)
    axis = v.axis(rank, v.opset >= 11)
    n = v.dim(1, 6, 0)
    shape[axis] = n
    x = v.tensor(shape, any_type(v)) if v.chance(0.5) else v.input(shape, any_type(v))
    count = v.integer(0, 2)
    indices = v.shape(count, count, 1, 4)
    low = -n if v.opset >= 11 else 0
    i = v.input(indices, v.choose(S32, S64), low=low, high=n - 1) if x not in v.inputs else \
        v.weights(indices, v.choose(S32, S64), constant=0.5, low=low, high=n - 1)
    v.node("Gather", [x, i], axis=axis if v.chance(0.8) or axis % rank else None)


@family
def gather_elements(v):
    v.since(11, 13)
    rank = v.integer(1, 4)
    shape = [v.dim(1, 5, 0) for _ in range(rank)]
    axis = v.axis(rank)
    x = v.input(shape, any_type(v))
    indices = [v.integer(1, d) for d in shape]
    indices[axis] = v.dim(1, 5)
    i = v.tensor(indices, v.choose(S32, S64), low=-shape[axis], high=shape[axis] - 1)
    v.node("GatherElements", [x, i], axis=axis)


@family
def gather_nd(v):
    v.since(11, 12, 13)
    batch = v.integer(0, 2) if v.opset >= 12 else 0
    rank = batch + v.integer(1, 3)
    shape = [v.dim(1, 4, 0) for _ in range(rank)]
    last = v.integer(1, rank - batch)
    x = v.input(shape, any_type(v))
    outer = shape[:batch] + [v.dim(1, 4, 0) for _ in range(v.integer(0 if batch else 1, 2))]
    array = v.contents(outer + [last], S64)
    for k in range(last):
        array[..., k] %= shape[batch + k]
        if v.chance(0.3):
            array[..., k] -= shape[batch + k]
    v.node("GatherND", [x, v.given(array, 0.4)], batch_dims=batch if batch else None)


@family
def scatter_elements(v):
    v.since(11, 13, 16, 18)
    rank = v.integer(1, 3)
    shape = [v.dim(1, 5, 0) for _ in range(rank)]
    axis = v.axis(rank)
    type = v.choose(F32, F32, F64, S32, S64)
    x = v.input(shape, type, special=False)
    reduction = v.choose(None, "add", "mul", "max", "min") if v.opset >= 18 else v.choose(None, "add", "mul") if v.opset >= 16 else None
    indices = [v.integer(1, d) for d in shape]
    if reduction:
        array = v.contents(indices, S64, low=-shape[axis], high=shape[axis] - 1)
    else:  # no place is written twice
        array = np.argsort(v.contents(shape, F64, special=False), axis=axis).astype(S64)[tuple(slice(0, n) for n in indices)]
        if v.chance(0.4):
            array = array - shape[axis]
    updates = v.tensor(indices, type, special=False)
    v.node("ScatterElements", [x, v.given(array, 0.4), updates], axis=axis, reduction=reduction)


@family
def scatter_nd(v):
    v.since(11, 13, 16, 18)
    rank = v.integer(1, 3)
    shape = [v.dim(1, 4, 0) for _ in range(rank)]
    last = v.integer(1, rank)
    type = v.choose(F32, F32, F64, S32, S64)
    x = v.input(shape, type, special=False)
    reduction = v.choose(None, "add", "mul", "max", "min") if v.opset >= 18 else v.choose(None, "add", "mul") if v.opset >= 16 else None
    places = int(np.prod(shape[:last]))
    count = v.integer(1, 4) if reduction else v.integer(1, places)
    flat = v.contents([count], S64, low=0, high=places - 1) if reduction else np.array(v.sample(range(places), count), S64)
    array = np.stack(np.unravel_index(flat, shape[:last]), axis=-1).astype(S64)
    if v.chance(0.3):
        array = array - np.array(shape[:last], S64)
    updates = v.tensor([count] + shape[last:], type, special=False)
    v.node("ScatterND", [x, v.given(array, 0.4), updates], reduction=reduction)


@family
def non_zero(v):
    v.since(9, 13)
    type = v.choose(F32, S32, S64, BOOL, BOOL, U8)
    x = v.input(v.shape(0 if v.opset >= 13 else 1, 3), type, low=0 if type == U8 else -1, high=1, special=False)
    if x.type == F32:
        x.array[...] = np.round(x.array)
    y = v.node("NonZero", [x], type=S64)
    if v.chance(0.3):
        v.node("Transpose", [y], perm=[1, 0])


@family
def compress(v):
    v.since(9, 11)
    rank = v.integer(1, 3)
    shape = [v.dim(1, 5, 0) for _ in range(rank)]
    axis = v.choose(None, v.axis(rank, v.opset >= 11))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    x = v.input(shape, any_type(v))
    v.node("Compress", [x, v.given(v.contents([v.integer(1, length)], BOOL), 0.4)], axis=axis)


@family
def one_hot(v):
    v.since(9, 11)
    rank = v.integer(0, 3)
    depth = v.integer(1, 5)
    low = -depth - 1 if v.opset >= 11 else -1
    i = v.input(v.shape(rank, rank), v.choose(S64, S32, F32), low=low, high=depth + 1, special=False)
    if i.type == F32:
        i.array[...] = np.round(i.array)
    type = v.choose(F32, S32, S64)
    depths = v.given(np.array([depth] if v.chance(0.5) else depth, v.choose(S64, S32, F32)), 0.8)
    v.node("OneHot", [i, depths, v.constant(np.array([0, 1] if v.chance(0.5) else [-1, 5], type))], type=type,
           axis=v.choose(None, v.integer(-rank - 1, rank)))


@family
def eye_like(v):
    v.since(9, 22)
    x = v.input([v.axis_dim(1, 5, 0), v.axis_dim(1, 5, 0)], v.choose(F32, S32, S64))
    to = v.choose(None, F32, S32, S64, F64)
    v.node("EyeLike", [x], type=to or x.type, k=v.choose(None, v.integer(-3, 3)),
           dtype={None: None, F32: 1, S32: 6, S64: 7, F64: 11}[to])


@family
def trilu(v):
    v.since(14)
    x = v.input(v.shape(0, 2) + [v.axis_dim(1, 6), v.axis_dim(1, 6)], v.choose(F32, F32, F64, S32, S64, BOOL))
    k = v.given(np.array(v.integer(-4, 4), S64), 0.8) if v.chance(0.7) else None
    v.node("Trilu", [x, k], upper=v.choose(None, 0, 1))


@family
def ranges(v):
    v.since(11)
    type = v.choose(F32, S32, S64, F64)
    start, delta = v.integer(-4, 4), v.choose(1, 2, -1, 3, -2)
    limit = start + delta * v.integer(0, 5) + v.choose(0, 0, 1)
    a = [v.input(np.array(start, type))] + [v.given(np.array(n, type), 0.6) for n in (limit, delta)]
    v.node("Range", a)


@family
def constant_of_shape(v):
    from onnx import numpy_helper

    v.since(9, 20)
    rank = v.integer(0, 3)
    type = v.choose(None, F32, S64, S32, BOOL, F64, F16)
    value = numpy_helper.from_array(np.array([v.integer(0, 3)], type)) if type else None
    x = v.input(np.array([v.dim(1, 4, 0.1) for _ in range(rank)], S64))
    v.node("ConstantOfShape", [x], type=type or F32, value=value)


@family
def shape_and_size(v):
    v.since(13, 15, 19)
    rank = v.integer(0, 5)
    x = v.input(v.shape(rank, rank), any_type(v))
    if v.chance(0.3):
        y = v.node("Size", [x], type=S64)
    else:
        given = v.opset >= 15 and v.chance(0.7)
        y = v.node("Shape", [x], type=S64, start=v.integer(-rank - 1, rank + 1) if given else None,
                   end=v.choose(None, v.integer(-rank - 1, rank + 1)) if given else None)
    if v.chance(0.3):
        v.cast(y, F32)


@family
def shape_arithmetic(v):
    """Reshapes, slices and expansions by computed shapes, as exporters write them."""
    v.since(13, 17)
    b, t, c = v.open_dim(1, 4), v.open_dim(1, 6), 2 * v.integer(1, 3)
    x = v.input([b, t, c])
    shape = v.node("Shape", [x], type=S64)

    def dim(i):
        if v.chance(0.5):
            return v.node("Gather", [shape, v.ints([i])], axis=0)
        return v.node("Unsqueeze", [v.node("Gather", [shape, v.number(i, S64)], axis=0), v.ints([0])])

    kind = v.integer(0, 5)
    if kind == 0:
        target = v.node("Concat", [dim(0), dim(1), v.ints([2]), v.ints([c // 2])], axis=0)
        y = v.node("Transpose", [v.node("Reshape", [x, target])], perm=[0, 2, 1, 3])
    elif kind == 1:
        product = v.node("Mul", [dim(0), dim(1)])
        y = v.node("Reshape", [x, v.node("Concat", [product, v.choose(v.ints([-1]), v.ints([c]))], axis=0)])
    elif kind == 2:
        half = v.node("Div", [dim(2), v.ints([2])])
        first = v.node("Slice", [x, v.ints([0]), half, v.ints([2])])
        second = v.node("Slice", [x, half, v.ints([2**63 - 1]), v.ints([2])])
        y = v.node("Concat", [v.node("Neg", [second]), first], axis=-1)
    elif kind == 3:
        positions = v.node("Range", [v.number(0, S64), v.node("Squeeze", [dim(1)]), v.number(1, S64)])
        target = v.node("Concat", [dim(0), dim(1)], axis=0)
        positions = v.node("Expand", [v.node("Unsqueeze", [positions, v.ints([0])]), target])
        y = v.node("Gather", [v.constant(v.contents([6, 3], F32, stream=9, special=False)), positions], type=F32)
    elif kind == 4:
        filled = v.node("ConstantOfShape", [v.node("Concat", [dim(1), dim(1)], axis=0)], type=F32)
        y = v.node("Trilu", [v.node("Add", [filled, v.number(1.0)])], upper=v.integer(0, 1)) if v.opset >= 14 else filled
    else:
        y = v.node("MatMul", [x, v.node("Transpose", [x], perm=[0, 2, 1])])
        y = v.node("Div", [y, v.node("Sqrt", [v.cast(dim(2), F32)])])
    if v.chance(0.5) and y.type == F32:
        y = v.node("Relu", [y])
    v.output(y)


@family
def non_max_suppression(v):
    v.since(10, 11)
    batch, classes, boxes = v.dim(1, 2, 0), v.integer(1, 3), v.integer(1, 8)
    corners = v.contents([batch, boxes, 2], F32, low=0, high=5, special=False)
    sizes = v.contents([batch, boxes, 2], F32, low=0.5, high=3, special=False)
    center = v.integer(0, 1)
    array = np.concatenate([corners, sizes if center else corners + sizes], -1)
    if not center and v.chance(0.3):
        array = array[..., [2, 3, 0, 1]]
    v.special = False
    scores = v.input([batch, classes, boxes], low=0, high=1)
    rest = [v.given(np.array([v.integer(0, 4)], S64)), v.given(np.array([v.real(0, 0.8)], F32)), v.given(np.array([v.real(0, 0.6)], F32))]
    v.node("NonMaxSuppression", [v.input(array), scores] + rest[:v.integer(1, 3)], type=S64, center_point_box=center)


@family
def tensor_scatter(v):
    v.since(24)
    v.opset = 24
    b, n, t, d = v.integer(1, 3), v.integer(3, 6), v.integer(1, 3), v.integer(1, 3)
    mode = v.choose(None, "linear", "circular")
    high = n - 1 if mode == "circular" else n - t
    v.node("TensorScatter", [v.input([b, n, d]), v.tensor([b, t, d]), v.input(v.contents([b], S64, low=0, high=high))], mode=mode, axis=1)
