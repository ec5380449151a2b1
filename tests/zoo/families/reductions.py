# SPDX-License-Identifier: Apache-2.0
"""Reductions, softmax, normalization, scans, and selection of the largest."""

import numpy as np

from variant import BOOL, F16, F32, F64, S8, S32, S64, U8, Open, Tolerance, family

REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
              "ReduceLogSum", "ReduceLogSumExp")


def reduce_with(v, name, x, rank):
    """A reduction over some axes, in the form of the opset."""
    axes = v.axes(rank, 1) if rank else []
    keep = v.choose(None, 0, 1)
    as_input = v.opset >= (13 if name == "ReduceSum" else 18)
    if not as_input:
        return v.node(name, [x], axes=axes if axes and v.chance(0.8) else None, keepdims=keep)
    noop = v.choose(None, 0, 1)
    if axes and v.chance(0.75):
        return v.node(name, [x, v.given(np.array(axes, S64), 0.8)], keepdims=keep, noop_with_empty_axes=noop)
    empty = v.choose(None, v.given(np.array([], S64), 1.0))
    return v.node(name, [x, empty], keepdims=keep, noop_with_empty_axes=noop)


@family
def reduce_float(v):
    v.since(11, 13, 18)
    name = v.choose(*REDUCTIONS)
    type = v.use(v.choose(F32, F32, F64, F16))
    rank = v.integer(0, 5)
    low, high = {"ReduceLogSum": (0.1, 3), "ReduceProd": (0.5, 1.5)}.get(name, (None, None))
    x = v.input(v.shape(rank, rank), type, low=low, high=high)
    y = reduce_with(v, name, x, rank)
    if v.chance(0.3):
        v.node("Abs", [y])


@family
def reduce_integer(v):
    v.since(11, 13, 18, 20)
    name = v.choose("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceSumSquare")
    types = (S32, S64) + ((S8, U8) if name in ("ReduceMax", "ReduceMin") and v.opset >= 13 else ())
    if name in ("ReduceMax", "ReduceMin") and v.opset >= 20 and v.chance(0.3):
        types = (BOOL,)
    type = v.choose(*types)
    rank = v.integer(0, 4)
    x = v.input(v.shape(rank, rank, 1, 5, 0 if name in ("ReduceMax", "ReduceMin", "ReduceMean") else 0.03), type)
    reduce_with(v, name, x, rank)


@family
def reduce_empty(v):
    """An axis of size 0."""
    v.since(18, 20)
    rank = v.integer(1, 3)
    shape = [v.dim(1, 4, 0) for _ in range(rank)]
    zero = v.integer(0, rank - 1)
    shape[zero] = 0
    name = v.choose("ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceMax", "ReduceMin", "ReduceMean",
                    "ReduceLogSum", "ReduceLogSumExp")
    axes = sorted(set(v.axes(rank, 0)) | {zero})
    axes = sorted({a % rank for a in axes})
    v.node(name, [v.input(shape), v.ints(axes)], keepdims=v.integer(0, 1))


@family
def softmax(v):
    v.since(7, 11, 13)
    type = v.use(v.choose(F32, F32, F64, F16))
    rank = v.integer(1, 5)
    x = v.input(v.shape(rank, rank), type)
    axis = v.axis(rank, v.opset >= 11)
    y = v.node(v.choose("Softmax", "LogSoftmax", "Softmax"), [x], axis=axis if v.chance(0.8) or rank < 2 else None)
    if v.chance(0.3):
        v.node("Transpose", [y])


@family
def hardmax(v):
    v.since(7, 11, 13)
    rank = v.integer(2, 4)
    v.node("Hardmax", [v.input(v.shape(rank, rank), v.choose(F32, F64), special=False)], axis=v.axis(rank, v.opset >= 11))


@family
def masked_softmax(v):
    """As attention has it: scores and a mask of large negative numbers or infinities."""
    v.since(13, 17)
    b, h, t = v.open_dim(1, 3), v.integer(1, 3), v.open_dim(1, 6)
    x = v.input([b, h, t, t], special=False)
    mask = v.input([b, 1, t, t], BOOL)
    mask.array[..., 0] = True
    low = v.choose(-1e4, -3.4028234663852886e38, -np.inf, -1e9)
    if v.chance(0.5):
        scores = v.node("Where", [mask, x, v.number(low)], type=F32)
    else:
        inverse = v.node("Sub", [v.number(1.0), v.cast(mask, F32)])
        scores = v.node("Add", [x, v.node("Mul", [inverse, v.number(max(low, -1e30))])])
    v.node("Softmax", [scores], axis=v.choose(-1, 3))


@family
def batch_normalization(v):
    v.since(7, 9, 14, 15)
    type = v.use(v.choose(F32, F32, F64))
    c = v.dim(1, 6, 0)
    spatial = [v.axis_dim(1, 5) for _ in range(v.integer(0, 3))]
    x = v.input([v.axis_dim(1, 3), c] + spatial, type)
    p = [v.weights([c], type, low=0.2, high=2, constant=0.9) for _ in range(4)]
    y = v.node("BatchNormalization", [x] + p, epsilon=v.choose(None, 1e-3, 0.1))
    if v.chance(0.3):
        v.node("Relu", [y])


@family
def layer_normalization(v):
    v.since(17)
    type = v.use(v.choose(F32, F32, F64, F16))
    rank = v.integer(1, 4)
    axis = v.axis(rank)
    shape = v.shape(rank, rank, 2, 7, 0)
    tail = [d for d in shape[axis % rank:]]
    x = v.input(shape, type)
    whole = tail if not v.chance(0.2) else v.broadcast_to(tail) or tail
    scale = v.weights(whole, type)
    bias = v.weights(tail, type) if v.chance(0.7) else None
    outputs = v.choose(1, 1, 1, 2, 3)
    stash = F32
    y = v.node("LayerNormalization", [x, scale, bias], outputs, axis=axis if v.chance(0.8) or axis % rank != rank - 1 else None,
               epsilon=v.choose(None, 1e-3, 0.1), stash_type=None, type=[type] + [stash] * (outputs - 1))
    if type == F64:
        v.tolerance = Tolerance()
    v.output(*(y if isinstance(y, list) else [y]))


@family
def rms_normalization(v):
    v.since(23)
    rank = v.integer(1, 4)
    axis = v.axis(rank)
    shape = v.shape(rank, rank, 2, 7, 0)
    x = v.input(shape, v.use(v.choose(F32, F32, F16)))
    v.node("RMSNormalization", [x, v.weights(shape[axis % rank:], x.type)], axis=axis, epsilon=v.choose(None, 1e-3))


@family
def instance_and_group_normalization(v):
    group = v.chance(0.5)
    v.since(*((21, 22) if group else (7, 22)))  # GroupNormalization-18 is deprecated
    groups, each = v.integer(1, 3), v.integer(1, 3)
    c = groups * each
    rank = v.integer(1, 3)
    x = v.input([v.axis_dim(1, 3, 0), c] + [v.axis_dim(1, 5, 0) for _ in range(rank)], v.use(v.choose(F32, F32, F64)))
    if group:
        v.tolerance = Tolerance() if x.type == F64 else v.tolerance  # stash_type says that the statistics are f32
        p = [v.weights([c], x.type) for _ in range(2)]
        y = v.node("GroupNormalization", [x] + p, num_groups=groups, epsilon=v.choose(None, 1e-3))
    else:
        y = v.node("InstanceNormalization", [x] + [v.weights([c], x.type) for _ in range(2)], epsilon=v.choose(None, 1e-2))
    if v.chance(0.3):
        v.node("Relu", [y])


@family
def lrn_and_lp(v):
    v.since(7, 13, 22)
    name = v.choose("LRN", "LpNormalization", "MeanVarianceNormalization")
    v.opset = max(v.opset, 9)
    rank = 4 if name != "LpNormalization" else v.integer(1, 4)
    x = v.input(v.shape(rank, rank, 1, 6, 0), v.use(v.choose(F32, F32, F64) if name == "LpNormalization" else F32))
    if name == "LRN":
        v.node("LRN", [x], size=v.choose(1, 3, 5, 2), alpha=v.real(0.0001, 0.5), beta=v.real(0.3, 1), bias=v.real(0.8, 2))
    elif name == "LpNormalization":
        v.node(name, [x], axis=v.axis(rank), p=v.choose(1, 2))
    else:
        v.node(name, [x], axes=v.choose(None, [0, 2, 3], [1], [2, 3], [0, 1, 2, 3]))


def distinct(v, shape, type):
    """Contents without ties."""
    array = np.arange(int(np.prod([int(d) for d in shape])))
    np.random.default_rng([*v.seed, 77]).shuffle(array)
    return (array.reshape([int(d) for d in shape]) - 3).astype(type)


@family
def arg_max(v):
    v.since(11, 12, 13)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank, 1, 5, 0)
    type = v.choose(F32, F32, F64, S32, S8, U8)
    v.special = False
    x = v.input(distinct(v, shape, type) if v.chance(0.5) else v.contents(shape, type))
    attributes = {"axis": v.axis(rank), "keepdims": v.choose(None, 0, 1)}
    if v.opset >= 12:
        attributes["select_last_index"] = v.choose(None, 0, 1)
    v.node(v.choose("ArgMax", "ArgMin"), [x], type=S64, **attributes)


@family
def top_k(v):
    v.since(10, 11, 24)
    rank = v.integer(1, 4)
    shape = v.shape(rank, rank, 1, 6, 0)
    axis = v.axis(rank)
    fixed = not isinstance(shape[axis], Open)
    k = v.integer(0 if v.chance(0.1) else 1, int(shape[axis]) if fixed else 1)
    type = v.choose(F32, F32, F64, S32, S64, U8) if v.opset >= 11 else F32
    v.special = v.special and v.chance(0.3)
    x = v.input(distinct(v, shape, type) if v.chance(0.5) else v.contents(shape, type, special=False))
    attributes = {"axis": axis}
    if v.opset >= 11:
        attributes |= {"largest": v.choose(None, 0, 1), "sorted": v.choose(None, 1)}
    v.output(*v.node("TopK", [x, v.given(np.array([k], S64), 0.8)], 2, type=[type, S64], **attributes))


@family
def cumulative(v):
    product = v.chance(0.15)
    v.since(26 if product else 11, 14)
    v.opset = 26 if product else v.opset
    type = v.choose(F32, F32, F64, S32, S64)
    v.use(type)
    rank = v.integer(1, 4)
    x = v.input(v.shape(rank, rank), type, low=None if not product else 0 if type.kind == "i" else 0.5, high=2)
    axis = v.given(np.array(v.axis(rank), v.choose(S32, S64)), 0.85)
    v.node("CumProd" if product else "CumSum", [x, axis], exclusive=v.choose(None, 0, 1), reverse=v.choose(None, 0, 1))


@family
def unique(v):
    v.since(11)
    rank = v.integer(1, 3)
    x = v.input(v.contents([v.dim(1, 5, 0) for _ in range(rank)], v.choose(F32, S32, S64, S8, F64), low=0, high=3, special=False))
    if x.type.kind == "f":
        x.array[...] = np.round(x.array)
    outputs = v.choose(1, 2, 3, 4)
    y = v.node("Unique", [x], type=[x.type, S64, S64, S64][:outputs], axis=v.choose(None, v.axis(rank)), sorted=v.choose(None, 0, 1))
    v.output(*(y if isinstance(y, list) else [y]))


@family
def losses(v):
    v.since(12, 13)
    c = v.integer(2, 5)
    n = v.axis_dim(1, 4, 0)
    extra = [v.axis_dim(1, 4, 0) for _ in range(v.integer(0, 2))]
    x = v.input([n, c] + extra, F32, special=False)
    ignore = v.choose(None, 0, -100, 1)
    target = v.input([n] + extra, v.choose(S64, S32), low=0, high=c - 1)
    if target.array.size:
        target.array.flat[0] = 0 if ignore != 0 else 1  # a mean over nothing is 0 / 0
    weight = v.weights([c], F32, low=0.2, high=2) if v.chance(0.5) else None
    kind = v.choose("none", "sum", "mean")
    if v.chance(0.5):
        x = v.node("LogSoftmax", [x], axis=1)
        v.node("NegativeLogLikelihoodLoss", [x, target, weight], reduction=kind, ignore_index=ignore)
    else:
        v.node("SoftmaxCrossEntropyLoss", [x, target, weight], reduction=kind, ignore_index=ignore)
