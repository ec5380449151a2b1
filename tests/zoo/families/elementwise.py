# SPDX-License-Identifier: Apache-2.0
"""Element-wise operators, alone and in chains."""

import numpy as np

from variant import ANY, BF16, BOOL, F16, F32, F64, INTEGERS, Open, S8, S16, S32, S64, SIGNED, U8, U32, UNSIGNED, U64, family

# name: (oldest opset, low, high)
UNARY = {
    "Abs": (7, -5, 5), "Neg": (7, -5, 5), "Exp": (7, -10, 10), "Log": (7, 0.01, 50), "Sqrt": (7, 0, 50), "Sin": (7, -10, 10),
    "Cos": (7, -10, 10), "Tan": (7, -1.4, 1.4), "Asin": (7, -1.1, 1.1), "Acos": (7, -1.1, 1.1), "Atan": (7, -10, 10),
    "Sinh": (9, -6, 6), "Cosh": (9, -6, 6), "Tanh": (7, -6, 6), "Asinh": (9, -20, 20), "Acosh": (9, 1.05, 20),
    "Atanh": (9, -0.99, 0.99), "Sigmoid": (7, -10, 10), "Relu": (7, -5, 5), "Softplus": (7, -10, 10), "Softsign": (7, -10, 10),
    "HardSwish": (14, -5, 5), "Mish": (18, -8, 8), "Erf": (9, -4, 4), "Floor": (7, -5, 5), "Ceil": (7, -5, 5),
    "Round": (11, -5, 5), "Sign": (9, -2, 2), "Reciprocal": (7, 0.1, 5), "Identity": (7, -5, 5),
}


def with_attributes(v):
    """An activation that has attributes, its attributes, and its oldest opset."""
    name = v.choose("LeakyRelu", "Elu", "Selu", "Celu", "HardSigmoid", "Gelu", "ThresholdedRelu", "Shrink", "Swish")
    given = v.chance(0.7)
    attributes = {
        "LeakyRelu": {"alpha": v.real(-0.5, 1.5)}, "Elu": {"alpha": v.real(0.2, 2)}, "Celu": {"alpha": v.real(0.3, 2)},
        "Selu": {"alpha": v.real(0.5, 2), "gamma": v.real(0.5, 2)}, "HardSigmoid": {"alpha": v.real(0.1, 1), "beta": v.real(-1, 1)},
        "Gelu": {"approximate": v.choose("none", "tanh")}, "ThresholdedRelu": {"alpha": v.real(0, 2)},
        "Shrink": {"lambd": v.real(0, 1), "bias": v.real(-1, 1)}, "Swish": {"alpha": v.real(0.5, 2)},
    }[name]
    oldest = {"Celu": 12, "Gelu": 20, "ThresholdedRelu": 10, "Shrink": 9, "Swish": 24}.get(name, 7)
    return name, attributes if given else {}, oldest


@family
def unary_chain(v):
    """One to four of them."""
    type = v.use(v.choose(F32, F32, F32, F16, F64))
    steps = []
    oldest = 7
    for _ in range(v.choose(1, 1, 2, 4)):
        if v.chance(0.25):
            name, attributes, since = with_attributes(v)
            steps.append((name, attributes))
        else:
            name = v.choose(*UNARY)
            since, low, high = UNARY[name]
            if steps and name in ("Tan", "Exp", "Sinh", "Cosh", "Log", "Reciprocal", "Acosh", "Atanh", "Asin", "Acos"):
                name = "Tanh"
            steps.append((name, {}))
        oldest = max(oldest, since)
    v.since(oldest, 13)
    low, high = UNARY[steps[0][0]][1:] if steps[0][0] in UNARY else (-4, 4)
    x = v.input(v.shape(0, 5), type, low=low, high=high)
    for name, attributes in steps:
        x = v.node(name, [x], **attributes)


@family
def unary_predicates(v):
    v.since(10, 13, 20)
    x = v.input(v.shape(0, 4), v.choose(F32, F32, F64, F16))
    name = v.choose("IsNaN", "IsInf")
    attributes = {"detect_negative": v.integer(0, 1), "detect_positive": v.integer(0, 1)} if name == "IsInf" and v.chance(0.7) else {}
    y = v.node(name, [x], type=BOOL, **attributes)
    if v.chance(0.4):
        v.node("Not", [y])


@family
def unary_integer(v):
    name = v.choose("Abs", "Neg", "Sign", "BitwiseNot", "Relu")
    type = v.choose(*(SIGNED if name in ("Neg", "Relu") else INTEGERS))
    v.since({"Relu": 14, "BitwiseNot": 18}.get(name, 13))
    x = v.input(v.shape(0, 4), type)
    x.array.flat[:1] = np.iinfo(type).max
    v.node(name, [x])


@family
def softplus_extremes(v):
    """Activations far from zero."""
    v.since(22)
    name = v.choose("Softplus", "Sigmoid", "Tanh", "Mish", "Gelu", "Elu", "Erf", "Selu", "Celu", "HardSwish", "Softsign")
    x = v.input(v.shape(1, 3, 2, 9), v.use(v.choose(F32, F32, F16, F64)), low=-100, high=100)
    v.node(name, [x], approximate=v.choose("none", "tanh") if name == "Gelu" else None)


def pair(v, type, low=None, high=None, rank=4):
    """Two operands that broadcast with each other."""
    whole = v.shape(0, rank)
    a = v.input(v.broadcast_to(whole) if v.chance(0.4) else whole, type, low=low, high=high)
    b = v.tensor(v.broadcast_to(whole) if v.chance(0.5) else whole, type, low=low, high=high)
    return (a, b) if v.chance(0.7) else (b, a)


@family
def binary_float(v):
    v.since(7, 13, 14)
    type = v.use(v.choose(F32, F32, F32, F16, F64))
    name = v.choose("Add", "Sub", "Mul", "Div")
    a, b = pair(v, type, rank=5)
    y = v.node(name, [a, b])
    if v.chance(0.4):
        y = v.node(v.choose("Add", "Sub", "Mul"), v.choose([y, a], [b, y], [y, y]))
    if v.chance(0.3):
        v.node(v.choose("Relu", "Neg", "Sigmoid", "Abs"), [y])


@family
def binary_integer(v):
    """Sums and products of all integers wrap around."""
    v.since(14)
    type = v.choose(*INTEGERS)
    a, b = pair(v, type)
    y = v.node(v.choose("Add", "Sub", "Mul"), [a, b])
    if v.chance(0.3):
        v.node(v.choose("Add", "Mul", "Sub"), [y, a])


@family
def integer_division(v):
    """Truncates toward zero; no divisor is 0."""
    v.since(14)
    type = v.choose(*INTEGERS)
    whole = v.shape(0, 4)
    a = v.input(whole, type)
    array = v.contents(v.broadcast_to(whole), type)
    array[array == 0] = 3
    fixed = not any(isinstance(d, Open) for d in whole)
    v.node("Div", [a, v.given(array, 0.3 if fixed else 0)])


@family
def modulus(v):
    v.since(10, 13)
    type = v.choose(S8, S32, S64, U8, U32, S16, F32, F32, F64)
    if type.kind == "f":
        a, b = pair(v, v.use(type), 0.5, 8)
        a.array[...] = a.array * 4 - 13
        v.node("Mod", [a, b], fmod=1)
        return
    whole = v.shape(1, 3)
    a = v.input(whole, type)
    b = v.input(v.broadcast_to(whole), type)
    b.array[b.array == 0] = -3 if type.kind == "i" else 7
    v.node("Mod", [a, b], fmod=v.integer(0, 1))


@family
def power(v):
    v.since(12, 13, 15)
    base = v.choose(F32, F32, F64, S32, S64)
    exponent = v.choose(F32, F32, F64, S32, S64)
    v.use(base)
    whole = v.shape(0, 3)
    x = v.input(whole, base, low=1 if base.kind == "i" else 0.2, high=4)
    if v.chance(0.4):
        y = v.number(v.choose(0, 1, 2, 3) if exponent.kind == "i" or base.kind == "i" else v.choose(0, 0.5, -1, 2, 3, -0.5, 1), exponent)
    else:
        low, high = (0, 3) if exponent.kind == "i" or base.kind == "i" else (-2, 3)
        y = v.input(v.broadcast_to(whole), exponent, low=low, high=high)
        if exponent.kind == "f" and base.kind == "i":
            y.array[...] = np.round(y.array)
    v.node("Pow", [x, y])


@family
def power_of_negative(v):
    """Negative and zero bases with constant exponents."""
    v.since(12, 15)
    x = v.input(v.shape(1, 3), v.use(v.choose(F32, F64)))
    x.array.flat[:1] = v.choose(0.0, -0.0)
    v.node("Pow", [x, v.number(v.choose(2, 3, -1, -2, 0.5, 0, 1, 4), v.choose(F32, x.type))])


@family
def variadic(v):
    name = v.choose("Max", "Min", "Sum", "Mean")
    v.since(*((8, 12, 13) if name in ("Max", "Min") else (8, 13)))
    type = v.choose(F32, F32, F64, S32, S64, U32, U64, F16, S8, U8) if name in ("Max", "Min") and v.opset >= 12 else v.choose(F32, F32, F64)
    v.use(type)
    whole = v.shape(0, 4)
    operands = [v.input(whole, type)]
    for _ in range(v.integer(0, 3)):
        operands.append(v.tensor(v.broadcast_to(whole), type))
    v.node(name, [operands[i] for i in v.rng.permutation(len(operands))])


@family
def shifts_and_bits(v):
    name = v.choose("BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor")
    v.since(11 if name == "BitShift" else 18)
    type = v.choose(*(UNSIGNED if name == "BitShift" else INTEGERS))
    whole = v.shape(0, 3)
    a = v.input(whole, type, low=0, high=100)
    b = v.tensor(v.broadcast_to(whole), type, low=0, high=type.itemsize * 8 - 1 if name == "BitShift" else 100)
    v.node(name, [a, b], direction=v.choose("LEFT", "RIGHT") if name == "BitShift" else None)


@family
def comparisons(v):
    v.since(7, 9, 11, 12, 16, 19)
    name = v.choose("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual")
    v.opset = max(v.opset, 12 if name.endswith("OrEqual") else 11)
    types = (F32, F64, S32, S64) + ((BOOL,) if name == "Equal" else ()) + ((F16, S8, U8, U32) if v.opset >= 12 else ())
    type = v.choose(*types)
    whole = v.shape(0, 4)
    a = v.input(whole, type)
    b = v.tensor(v.broadcast_to(whole), type)
    if type.kind == "f" and a.array.size and b.array.size:
        a.array.flat[0] = b.array.flat[0]
    y = v.node(name, [a, b], type=BOOL)
    if v.chance(0.3):
        y = v.node("Not", [y])
    if v.chance(0.3):
        v.cast(y, v.choose(F32, S32, U8))


@family
def logic(v):
    v.since(7)
    whole = v.shape(0, 4)
    a = v.input(whole, BOOL)
    b = v.tensor(v.broadcast_to(whole), BOOL)
    y = v.node(v.choose("And", "Or", "Xor"), [a, b])
    for _ in range(v.integer(0, 2)):
        y = v.node("Not", [y]) if v.chance(0.5) else v.node(v.choose("And", "Or", "Xor"), [y, a])


@family
def where(v):
    v.since(9, 16)
    type = v.choose(*ANY)
    whole = v.shape(0, 4)
    condition = v.input(v.broadcast_to(whole), BOOL)
    a = v.tensor(v.broadcast_to(whole), type)
    b = v.tensor(whole, type)
    y = v.node("Where", [condition] + ([a, b] if v.chance(0.5) else [b, a]), type=type)
    if type == F32 and v.chance(0.3):
        v.node("Mul", [y, b])


@family
def clip(v):
    v.since(7, 11, 12, 13)
    if v.opset < 11:
        x = v.input(v.shape(0, 4), F32)
        v.node("Clip", [x], min=v.choose(None, v.real(-1, 0)), max=v.choose(None, v.real(0, 1)))
        return
    type = v.choose(F32, F32, F16, F64, S8, U8, S32, S64, U32, U64, S16) if v.opset >= 12 else F32
    v.use(type)
    x = v.input(v.shape(0, 4), type)
    low, high = (v.integer(0, 3), v.integer(2, 9)) if type.kind in "iu" else (v.real(-1, 0.5), v.real(-0.5, 1))
    bounds = [v.given(np.array(b, type)) if v.chance(0.8) else None for b in (low, high)]
    y = v.node("Clip", [x] + bounds)
    if type == F32 and v.chance(0.3):
        v.node("Relu", [y])


@family
def prelu(v):
    v.since(7, 9, 16)
    type = v.use(v.choose(F32, F32, F64))
    whole = v.shape(1, 4)
    x = v.input(whole, type)
    v.node("PRelu", [x, v.weights(v.broadcast_to(whole), type)])


CASTABLE = (F32, F16, F64, S8, S16, S32, S64, U8, U32, U64, BOOL)


@family
def cast_pairs(v):
    """Every pair, inside the target's range."""
    v.since(9, 13, 19)
    source = v.choose(*CASTABLE)
    target = v.choose(*CASTABLE, BF16)
    v.use(F16 if F16 in (source, target) else F32)
    if target == BF16:
        v.opset = max(v.opset, 13)
        v.tolerance.relative = 1e-2
    unsigned = source.kind in "ub" or (not isinstance(target, int) and target.kind == "u")
    x = v.input(v.shape(0, 3), source, low=None if source == BOOL else 0 if unsigned else -100, high=100, special=False)
    y = v.cast(x, target)
    if v.chance(0.4):
        v.cast(y, v.choose(F32, S32, source))


@family
def cast_rounding(v):
    """Numbers between those of the target: ties to even, and truncation to integers."""
    v.since(13, 19)
    source = v.choose(F32, F64)
    target = v.choose(F16, F32, BF16, S32, S64, S8)
    x = v.input(v.shape(1, 2, 2, 9), source, low=-120, high=120, special=False)
    x.array[...] = np.round(x.array * v.choose(2, 16, 4096)) / v.choose(2, 16, 4096)
    x.array[...] = np.clip(x.array, -125, 125)
    v.tolerance.relative = v.tolerance.scaled = 1e-7
    y = v.cast(x, target)
    if v.chance(0.5):
        v.cast(y, F32)


@family
def cast_float8(v):
    v.since(19, 23)
    target = int(v.choose(17, 18, 19, 20))
    x = v.input(v.shape(1, 3), v.choose(F32, F16), low=-500, high=500)
    v.tolerance.relative = v.tolerance.scaled = 1e-7
    y = v.node("Cast", [x], type=target, to=target, saturate=v.integer(0, 1))
    v.cast(y, v.choose(F32, F16))


@family
def elementwise_graph(v):
    """Random expressions over two inputs and constants; inner values are used twice, some are outputs."""
    v.since(13, 18)
    whole = v.shape(1, 4, zero=0)
    values = [v.input(whole), v.input(v.broadcast_to(whole)), v.weights(v.broadcast_to(whole), F32)]
    for _ in range(v.integer(2, 6)):
        if v.chance(0.45):
            values.append(v.node(v.choose("Relu", "Sigmoid", "Tanh", "Abs", "Neg", "Erf", "Softsign", "Sin"), [v.choose(*values)]))
        elif v.chance(0.2):
            values.append(v.node(v.choose("Mul", "Add", "Sub", "Max"), [v.choose(*values), v.number(v.choose(0.0, 1.0, 2.0, -1.0, 0.5))]))
        else:
            values.append(v.node(v.choose("Add", "Sub", "Mul", "Max", "Min"), v.sample(values, 2)))
    v.output(values[-1])
