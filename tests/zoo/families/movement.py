# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements."""

import numpy as np

from variant import ANY, BOOL, F32, F64, Open, S8, S32, S64, U8, family


def any_type(v):
    return v.choose(F32, F32, *ANY)


@family
def transpose(v):
    v.since(7, 13, 21)
    rank = v.integer(1, 6)
    x = v.input(v.shape(rank, rank), any_type(v))
    y = v.node("Transpose", [x], perm=v.sample(range(rank), rank) if v.chance(0.85) else None)
    if v.chance(0.4):
        v.node("Transpose", [y], perm=v.sample(range(rank), rank))


@family
def reshape(v):
    v.since(7, 13, 14, 21)
    type = any_type(v)
    rank = v.integer(1, 4)
    shape = [v.dim(1, 5, 0.03) for _ in range(rank)]
    if v.chance(0.4):
        shape[0] = v.open_dim(1, 5)
    x = v.input(shape, type)
    rest = shape[1:]
    form = v.integer(0, 4)
    total = int(np.prod(rest)) if rest else 1
    if form == 0:
        target = [0] + ([total] if v.chance(0.5) and 0 not in rest else [int(d) for d in rest])
    elif form == 1 and total:
        target = [-1] + [int(d) for d in rest]
    elif form == 2 and total:
        target = [-1, total, 1]
    elif form == 3 and all(shape) and not any(isinstance(d, Open) for d in shape):
        target = [int(d) for d in v.sample(shape, rank)]
    else:
        target = [0] * rank
    attributes = {}
    if v.opset >= 14 and 0 not in target and v.chance(0.3):
        attributes["allowzero"] = 1
    y = v.node("Reshape", [x, v.given(np.array(target, S64), 0.8)], **attributes)
    if type == F32 and v.chance(0.3):
        v.node("Relu", [y])


@family
def reshape_allowzero(v):
    v.since(14, 21)
    zeros = [0] + [v.dim(1, 4) for _ in range(v.integer(0, 2))]
    x = v.input([zeros[i] for i in v.rng.permutation(len(zeros))])
    v.node("Reshape", [x, v.ints(v.choose([3, 0], [0], [0, 7, 2], [2, 0, 1]))], allowzero=1)


@family
def squeeze_unsqueeze(v):
    v.since(11, 13, 21, 23)
    rank = v.integer(1, 4)
    shape = [1 if v.chance(0.4) else v.axis_dim(2, 5) for _ in range(rank)]
    x = v.input(shape, any_type(v))

    def axes_of(axes):
        return ([], {"axes": axes}) if v.opset < 13 else ([v.given(np.array(axes, S64), 0.85)], {})

    if v.chance(0.5):
        ones = [i for i, d in enumerate(shape) if d == 1 and not isinstance(d, Open)]
        if v.chance(0.25) or not ones:
            y = v.node("Squeeze", [x])
        else:
            chosen = [a - rank if v.chance(0.3) else a for a in v.sample(ones, v.integer(1, len(ones)))]
            more, attributes = axes_of(chosen)
            y = v.node("Squeeze", [x] + more, **attributes)
    else:
        count = v.integer(1, 2)
        chosen = [a - rank - count if v.chance(0.3) else a for a in v.sample(range(rank + count), count)]
        more, attributes = axes_of(chosen)
        y = v.node("Unsqueeze", [x] + more, **attributes)
    if v.chance(0.3) and x.type == F32:
        v.node("Abs", [y])


@family
def flatten(v):
    v.since(7, 11, 13, 21)
    rank = v.integer(1, 5)
    x = v.input(v.shape(rank, rank), any_type(v))
    a = v.integer(0 if v.opset < 11 else -rank, rank)
    v.node("Flatten", [x], axis=a if v.chance(0.8) else None)


@family
def concat(v):
    v.since(7, 11, 13)
    type = any_type(v)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank)
    axis = v.axis(rank, v.opset >= 11)
    operands = []
    for i in range(v.integer(1, 4)):
        s = list(shape)
        s[axis] = v.axis_dim(1, 4, 0.05)
        operands.append(v.input(s, type) if i == 0 else v.tensor(s, type))
    if v.chance(0.2):
        operands.append(operands[0])
    y = v.node("Concat", operands, axis=axis)
    if type == F32 and v.chance(0.3):
        v.node("Relu", [y])


@family
def split(v):
    v.since(7, 11, 13, 18)
    type = any_type(v)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank)
    axis = v.axis(rank, v.opset >= 11)
    parts = v.integer(1, 4)
    uneven = v.opset >= 18 and v.chance(0.3)
    if v.chance(0.5) and not uneven:
        sizes = [v.dim(1, 3, 0.08) for _ in range(parts)]
        shape[axis] = sum(sizes)
        x = v.input(shape, type)
        if v.opset < 13:
            results = v.node("Split", [x], parts, axis=axis, split=sizes)
        else:
            results = v.node("Split", [x, v.given(np.array(sizes, S64), 0.8)], parts, axis=axis)
    else:
        shape[axis] = parts * v.integer(1, 3) - (1 if uneven and parts > 1 else 0)
        if shape[axis] < parts:
            shape[axis] = parts
        x = v.input(shape, type)
        results = v.node("Split", [x], parts, axis=axis, num_outputs=parts if v.opset >= 18 else None)
    v.output(*(results if isinstance(results, list) else [results]))


@family
def tile(v):
    v.since(7, 13)
    rank = v.integer(1, 4)
    x = v.input(v.shape(rank, rank, 1, 4), any_type(v))
    v.node("Tile", [x, v.given(np.array([v.choose(1, 1, 2, 3, 0 if v.chance(0.1) else 2) for _ in range(rank)], S64))])


@family
def expand(v):
    v.since(8, 13)
    whole = v.shape(1, 4, 1, 4)
    x = v.input(v.broadcast_to(whole), any_type(v))
    target = [1 if v.chance(0.2) else int(d) for d in whole]
    is_fixed = not any(isinstance(d, Open) for d in whole)
    v.node("Expand", [x, v.given(np.array(target, S64), 0.7 if is_fixed else 0)])


@family
def slices(v):
    v.since(7, 10, 11, 13)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank, 1, 7)
    x = v.input(shape, any_type(v))
    axes = v.axes(rank, 1) if v.opset >= 10 else sorted(v.sample(range(rank), v.integer(1, rank)))
    huge = 2**31 - 1
    starts = [v.choose(0, 0, 1, -1, -3, 2, huge, -huge, v.integer(-8, 8)) for _ in axes]
    ends = [v.choose(huge, 2, 4, -1, 0, 2**63 - 1, -huge, v.integer(-8, 8)) for _ in axes]
    steps = [v.choose(1, 1, 2, -1, -2, 3, -huge, huge) for _ in axes]
    if v.opset < 10:
        v.node("Slice", [x], starts=starts, ends=ends, axes=axes if v.chance(0.8) or len(axes) < rank else None)
        return
    type = S64 if max(ends) > huge else v.choose(S64, S32)
    inputs = [v.given(np.array(n, type)) for n in (starts, ends)]
    with_axes = v.chance(0.8) or sorted(axes) != list(range(rank))
    if with_axes:
        inputs.append(v.given(np.array(axes, type), 0.85))
    if v.chance(0.6):
        inputs += ([] if with_axes else [None]) + [v.given(np.array(steps, type))]
    y = v.node("Slice", [x] + inputs)
    if x.type == F32 and v.chance(0.3):
        v.node("Neg", [y])


@family
def pad(v):
    v.since(7, 11, 13, 18, 19, 21)
    rank = v.integer(1, 4)
    mode = v.choose("constant", "constant", "reflect", "edge", "wrap" if v.opset >= 19 else "edge")
    type = F32 if v.opset < 11 or mode != "constant" else v.choose(F32, F32, F64, S32, S64, U8, S8, BOOL if v.opset >= 13 else F32)
    shape = v.shape(rank, rank, 3 if mode != "constant" else 1, 6, 0 if mode != "constant" else 0.03)
    x = v.input(shape, type)
    axes = v.axes(rank, 1) if v.opset >= 18 and v.chance(0.5) else list(range(rank))
    low = 0 if v.chance(0.7) else -1
    pads = [v.integer(low, 2) for _ in range(2 * len(axes))]
    if mode != "constant" and len(pads) > 1 and v.chance(0.8):  # what is left is at least what is repeated
        pads = [max(p, 0) for p in pads]
    attributes = {} if mode == "constant" and v.chance(0.5) else {"mode": mode}
    if v.opset < 11:
        v.node("Pad", [x], pads=pads, value=v.choose(None, 1.5), **attributes)
        return
    inputs = [v.given(np.array(pads, S64), 0.8)]
    number = v.given(np.array(v.integer(0, 1), type)) if mode == "constant" and v.chance(0.5) else None
    inputs.append(number)
    if len(axes) < rank or axes != list(range(rank)):
        inputs.append(v.given(np.array(axes, S64), 0.8))
    v.node("Pad", [x] + inputs, **attributes)


@family
def depth_and_space(v):
    v.since(11, 13)
    block = v.integer(1, 3)
    if v.chance(0.5):
        x = v.input([v.axis_dim(1, 3), block * block * v.integer(1, 3), v.axis_dim(), v.axis_dim()], v.choose(F32, F32, F64))
        v.node("DepthToSpace", [x], blocksize=block, mode=v.choose(None, "DCR", "CRD"))
    else:
        x = v.input([v.axis_dim(1, 3), v.integer(1, 3), block * v.integer(1, 3), block * v.integer(1, 3)], v.choose(F32, F32, F64))
        v.node("SpaceToDepth", [x], blocksize=block)


@family
def center_crop_pad(v):
    v.since(18)
    rank = v.integer(1, 4)
    x = v.input(v.shape(rank, rank), any_type(v))
    axes = v.axes(rank, 1)
    v.node("CenterCropPad", [x, v.given(np.array([v.integer(1, 7) for _ in axes], v.choose(S64, S32)))], axes=axes)


@family
def reverse_sequence(v):
    v.since(10)
    batch_axis = v.integer(0, 1)
    batch, time = v.dim(1, 4, 0), v.dim(1, 6, 0)
    shape = ([batch, time] if batch_axis == 0 else [time, batch]) + [v.axis_dim() for _ in range(v.integer(0, 2))]
    x = v.input(shape, any_type(v))
    lengths = v.given(np.array([v.integer(1, time) for _ in range(batch)], S64))
    v.node("ReverseSequence", [x, lengths], batch_axis=batch_axis, time_axis=1 - batch_axis)


@family
def movement_graph(v):
    """Transposes, reshapes, slices and element-wise nodes in a row; some inner values are outputs."""
    v.since(13, 18)
    shape = [v.integer(2, 4) for _ in range(v.integer(2, 4))]
    if v.chance(0.4):
        shape[0] = v.open_dim(2, 5)
    x = v.input(shape)
    shape = list(shape)
    free = [not isinstance(d, Open) for d in shape]  # axes whose size may be written into the model
    for _ in range(v.integer(2, 6)):
        rank = len(shape)
        kind = v.integer(0, 7)
        if kind == 0:
            order = v.sample(range(rank), rank)
            x = v.node("Transpose", [x], perm=order)
            shape, free = [shape[i] for i in order], [free[i] for i in order]
        elif kind == 1 and rank < 6:
            a = v.integer(0, rank)
            x = v.node("Unsqueeze", [x, v.ints([a])])
            shape, free = shape[:a] + [1] + shape[a:], free[:a] + [True] + free[a:]
        elif kind == 2 and 1 in shape:
            a = shape.index(1)
            if free[a]:
                x = v.node("Squeeze", [x, v.ints([a])])
                shape, free = shape[:a] + shape[a + 1:], free[:a] + free[a + 1:]
        elif kind == 3 and rank > 1:
            a = v.integer(0, rank - 2)
            if free[a] and free[a + 1]:
                target = [0] * a + [int(shape[a]) * int(shape[a + 1])] + [-1 if i == 0 else int(d) if free[a + 2 + i] else -1
                                                                           for i, d in enumerate(shape[a + 2:])]
                if target.count(-1) <= 1:
                    x = v.node("Reshape", [x, v.ints(target)])
                    shape, free = shape[:a] + [shape[a] * shape[a + 1]] + shape[a + 2:], free[:a] + [True] + free[a + 2:]
        elif kind == 4:
            a = v.integer(0, rank - 1)
            if free[a] and shape[a] > 2:
                step = v.choose(1, 2, -1)
                ends = [-(2**31)] if step < 0 else [2**31 - 1]
                start = [int(shape[a]) - 1] if step < 0 else [1]
                x = v.node("Slice", [x, v.ints(start), v.ints(ends), v.ints([a]), v.ints([step])])
                shape[a] = len(range(int(shape[a]))[slice(start[0], None, step)])
        elif kind == 5 and shape:
            s = [1 if not free[i] or v.chance(0.5) else d for i, d in enumerate(shape)]
            x = v.node(v.choose("Add", "Mul"), [x, v.weights(s, F32, constant=1.0)])
        elif kind == 6 and shape:
            a = v.axis(rank)
            name = v.choose("Softmax", "ReduceMean", "ReduceMax", "LogSoftmax")
            if name.startswith("Reduce"):
                x = v.node(name, [x, v.ints([a])], keepdims=1) if v.opset >= 18 else v.node(name, [x], axes=[a], keepdims=1)
                shape[a], free[a] = 1, True
            else:
                x = v.node(name, [x], axis=a)
        else:
            x = v.node(v.choose("Relu", "Tanh", "Neg"), [x])
    v.output(x if x not in v.inputs else v.node("Identity", [x]))
