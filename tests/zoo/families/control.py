# SPDX-License-Identifier: Apache-2.0
"""If, Loop and Scan, recurrent layers, and attention."""

import numpy as np
from onnx import helper

from variant import BOOL, F16, F32, F64, S32, S64, Graph, Tolerance, family


def info(name, type=F32, shape=None):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(type)), shape)


def subgraph(inner, name, inputs, outputs):
    return helper.make_graph(inner.nodes, name, inputs, outputs, inner.initializers)


def inside(v, build):
    """A graph whose nodes `build` adds; none of its values becomes an output of the whole."""
    graph = Graph()
    kept = list(v.inner)
    result = build(graph)
    v.inner = kept
    return graph, result


@family
def branches(v):
    v.since(11, 13, 16, 19, 21)
    shape = v.shape(1, 3)
    x = v.input(shape)
    same = v.input(shape)
    count = v.choose(1, 1, 2)

    def branch(graph):
        ys = []
        for _ in range(count):
            kind = v.integer(0, 3)
            if kind == 0:
                y = v.node("Relu", [x], graph=graph)
            elif kind == 1:
                y = v.node("Add", [x, same], graph=graph)
            elif kind == 2:
                y = v.node("Mul", [x, v.constant(np.array(v.real(-2, 2), F32), graph)], graph=graph)
            else:
                y = v.node("Sub", [v.node("Neg", [x], graph=graph), same], graph=graph)
            ys.append(y)
        return ys

    graphs = []
    for name in ("then", "else"):
        graph, ys = inside(v, branch)
        graphs.append(subgraph(graph, name, [], [info(y.name) for y in ys]))
    kind = v.integer(0, 2)
    if kind == 0:
        condition = v.input(np.array(v.chance(0.5)))
    elif kind == 1:
        condition = v.constant(np.array(v.chance(0.5)))
    else:
        condition = v.node("Greater", [v.node("ReduceMax", [v.node("Neg", [same])], keepdims=0), v.number(0.5)], type=BOOL)
        if 0 in shape or v.special:
            condition = v.input(np.array(True))
    y = v.node("If", [condition], count, type=[F32] * count, then_branch=graphs[0], else_branch=graphs[1])
    y = y[0] if isinstance(y, list) else y
    v.output(v.node("Abs", [y]) if v.chance(0.3) else y)


@family
def loop(v):
    v.since(11, 13, 16, 19, 21)
    shape = v.shape(0, 2, 1, 4, 0)
    x, outer = v.input(shape, special=False), v.input(shape, special=False)
    condition_stops = v.chance(0.3)
    scans = v.integer(0, 2)
    i, c, state = (v.name(n) for n in ("i", "c", "s"))
    inner, results = Graph(), []
    kept = list(v.inner)

    class Named:
        def __init__(self, name, type):
            self.name, self.type = name, type

    iteration, condition, carried = Named(i, S64), Named(c, BOOL), Named(state, F32)
    step = v.node("Mul", [outer, v.constant(np.array(0.5, F32), inner)], graph=inner)
    if v.chance(0.5):
        step = v.node("Mul", [step, v.node("Cast", [iteration], graph=inner, type=F32, to=1)], graph=inner)
    following = v.node(v.choose("Add", "Sub"), [carried, step], graph=inner)
    if condition_stops:
        keep = v.node("Less", [iteration, v.constant(np.array(v.integer(0, 3), S64), inner)], graph=inner, type=BOOL)
    else:
        keep = v.node("Identity", [condition], graph=inner)
    for _ in range(scans):
        results.append(v.node(v.choose("Neg", "Relu", "Abs"), [following], graph=inner))
    v.inner = kept
    body = subgraph(inner, "body", [info(i, S64, []), info(c, BOOL, []), info(state)],
                    [info(keep.name, BOOL)] + [info(r.name) for r in [following] + results])
    trip = v.given(np.array(v.integer(0, 5), S64), 0.5) if not condition_stops or v.chance(0.7) else None
    start = v.given(np.array(v.chance(0.9)), 0.8) if condition_stops or v.chance(0.4) else None
    y = v.node("Loop", [trip, start, x], 1 + scans, type=[F32] * (1 + scans), body=body)
    v.output(*(y if isinstance(y, list) else [y]))


@family
def scan(v):
    v.since(9, 11, 16, 19, 21)
    t, shape = v.open_dim(1, 5), v.shape(0, 2, 1, 3, 0)
    x = v.input([t] + shape, special=False)
    initial = v.tensor(shape, special=False)
    state, element = v.name("s"), v.name("e")
    inner = Graph()
    kept = list(v.inner)

    class Named:
        def __init__(self, name):
            self.name, self.type = name, F32

    y = v.node(v.choose("Add", "Mul", "Sub"), [Named(state), Named(element)], graph=inner)
    z = v.node(v.choose("Neg", "Relu"), [y], graph=inner)
    v.inner = kept
    body = subgraph(inner, "body", [info(state), info(element)], [info(y.name), info(z.name)])
    directions = {"scan_input_directions": [1]} if v.chance(0.3) else {}
    directions |= {"scan_output_directions": [1]} if v.chance(0.3) else {}
    v.output(*v.node("Scan", [initial, x], 2, type=[F32, F32], body=body, num_scan_inputs=1, **directions))


@family
def recurrent(v):
    v.since(7, 14, 22)
    name, gates = v.choose(("LSTM", 4), ("GRU", 3), ("RNN", 1))
    direction = v.choose("forward", "forward", "reverse", "bidirectional")
    d = 2 if direction == "bidirectional" else 1
    t, b, i, h = v.axis_dim(1, 5, 0), v.axis_dim(1, 3, 0), v.integer(1, 5), v.integer(1, 5)
    layout = v.opset >= 14 and v.chance(0.2)
    x = v.input([b, t, i] if layout else [t, b, i], special=False)
    p = [v.weights([d, gates * h, n], constant=0.95) for n in (i, h)]
    bias = v.weights([d, 2 * gates * h], constant=0.95) if v.chance(0.7) else None
    lengths = None
    fixed = not v.is_open
    if fixed and v.chance(0.3) and not layout:
        lengths = v.input(np.array([v.integer(1, int(t)) for _ in range(int(b))], S32))
    state = [b, d, h] if layout else [d, b, h]
    first = v.input(state, special=False) if v.chance(0.4) else None
    inputs = [x] + p + [bias, lengths, first]
    if name == "LSTM":
        inputs.append(v.input(state, special=False) if v.chance(0.4) else None)
        inputs.append(v.weights([d, 3 * h]) if v.chance(0.3) else None)
    attributes = {"hidden_size": h, "direction": direction}
    if layout:
        attributes["layout"] = 1
    if v.chance(0.3):
        attributes["clip"] = v.real(0.3, 2)
    if name == "GRU":
        attributes["linear_before_reset"] = v.integer(0, 1)
    if v.chance(0.3):
        kinds = ("Relu", "Tanh", "Sigmoid", "HardSigmoid", "Softsign")
        count = {"LSTM": 3, "GRU": 2, "RNN": 1}[name] * d
        attributes["activations"] = [v.choose(*kinds) for _ in range(count)]
    outputs = 3 if name == "LSTM" else 2
    wanted = [F32 if v.chance(0.7) else None for _ in range(outputs)]
    if not any(wanted):
        wanted[0] = F32
    y = v.node(name, inputs, type=wanted, **attributes)
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(*(y if isinstance(y, list) else [y]))


@family
def rotary(v):
    v.since(23)
    b, heads, t, size = v.open_dim(1, 2), v.integer(1, 3), v.open_dim(1, 5), 2 * v.integer(1, 4)
    four = v.chance(0.5)
    x = v.input([b, heads, t, size] if four else [b, t, heads * size])
    part = v.choose(None, 2 * v.integer(1, size // 2))
    half = (part or size) // 2
    attributes = {"interleaved": v.choose(None, 0, 1), "rotary_embedding_dim": part, "num_heads": None if four else heads}
    if v.chance(0.5):
        caches = [v.weights([8, half], special=False) for _ in range(2)]
        positions = v.input([b, t], S64, low=0, high=7)
        v.node("RotaryEmbedding", [x] + caches + [positions], **attributes)
    else:
        v.node("RotaryEmbedding", [x] + [v.input([b, t, half], special=False) for _ in range(2)], **attributes)


@family
def attention(v):
    v.since(23)
    b, kv, size, vsize = v.axis_dim(1, 2, 0), v.integer(1, 2), v.integer(1, 4), v.integer(1, 4)
    heads = kv * v.choose(1, 1, 2)
    t, s = v.axis_dim(1, 4, 0), v.axis_dim(1, 5, 0)
    four = v.chance(0.6)
    shapes = [(heads, t, size), (kv, s, size), (kv, s, vsize)]
    q, k, w = (v.input([b, n, length, d] if four else [b, length, n * d], special=False) for n, length, d in shapes)
    attributes = {"is_causal": v.choose(None, 0, 1), "scale": v.choose(None, 0.5), "softcap": v.choose(None, None, 2.0),
                  "qk_matmul_output_mode": None}
    if not four:
        attributes |= {"q_num_heads": heads, "kv_num_heads": kv}
    past, total = [], s
    cached = v.chance(0.3)
    if cached:
        p = v.integer(1, 3)
        past = [v.input([b, kv, p, d], special=False) for d in (size, vsize)]
        total = int(s) + p
    mask = None
    if v.chance(0.5) and not (cached and v.is_open):
        type = v.choose(F32, BOOL)
        mask = v.input(v.choose([t, total], [b, 1, t, total], [1, heads, t, total]), type, special=False)
        if type == BOOL:
            mask.array[..., 0] = True
    y = v.node("Attention", [q, k, w, mask] + past, 3 if cached else 1, type=[F32] * (3 if cached else 1), **attributes)
    v.tolerance = Tolerance(1e-3, 1e-4)
    v.output(*(y if isinstance(y, list) else [y]))
