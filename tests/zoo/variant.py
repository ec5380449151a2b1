# SPDX-License-Identifier: Apache-2.0
"""Random ONNX models: what a family of variants (families/) says of a model, and the model that comes of it.

A family is a function that builds a graph on a `Variant` with its random numbers. It runs twice with the same seed: dimensions
drawn by `open_dim` differ between the two runs, and where nothing else of the model does, the variant has open axes and is run at
both shapes. Everything else a family draws must not depend on such a dimension.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import families as family_modules

LATEST = 27
F16, F32, F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
S8, S16, S32, S64 = (np.dtype(t) for t in (np.int8, np.int16, np.int32, np.int64))
U8, U16, U32, U64 = (np.dtype(t) for t in (np.uint8, np.uint16, np.uint32, np.uint64))
BOOL = np.dtype(np.bool_)
FLOATS, SIGNED, UNSIGNED = (F32, F16, F64), (S8, S16, S32, S64), (U8, U16, U32, U64)
INTEGERS = SIGNED + UNSIGNED
NUMBERS = FLOATS + INTEGERS
ANY = NUMBERS + (BOOL,)
BF16 = TensorProto.BFLOAT16
# ONNX Runtime and the specification's reference take models of these versions together; newer operators ask for more.
USUAL_OPSETS = (11, 13, 15, 17, 18, 19, 20, 21, 22, 23)

FAMILIES = {}


def family(function):
    """Registers a family under the function's name."""
    FAMILIES[function.__name__] = function
    return function


def load_families():
    """Imports every module of families/, which register themselves."""
    for module in pkgutil.iter_modules(family_modules.__path__):
        importlib.import_module(f"families.{module.name}")
    return FAMILIES


class Open(int):
    """A dimension that may differ between the two shapes of a variant."""


@dataclass(eq=False)
class Value:
    name: str
    type: object  # a NumPy dtype, or a number of TensorProto where NumPy has none
    array: np.ndarray = None  # contents, where it is an input or constant

    @property
    def shape(self):
        return self.array.shape

    @property
    def onnx_type(self):
        return self.type if isinstance(self.type, int) else helper.np_dtype_to_tensor_dtype(self.type)


@dataclass
class Tolerance:
    """|ours - theirs| <= relative * |theirs| + scaled * largest |theirs| + absolute, and `steps` of an integer."""

    relative: float = 1e-4
    scaled: float = 2e-5
    absolute: float = 1e-6
    steps: int = 0


TOLERANCES = {F16: Tolerance(4e-3, 2e-3, 1e-6), F64: Tolerance(1e-9, 1e-11, 1e-12)}


@dataclass
class Graph:
    nodes: list = field(default_factory=list)
    initializers: list = field(default_factory=list)


class Variant:
    def __init__(self, seed, phase=0):
        self.rng = np.random.default_rng(seed)
        self.seed = seed  # several numbers
        self.phase = phase
        self.opset = LATEST
        self.is_open = self.chance(0.75)
        self.special = self.chance(0.15)
        self.tolerance = Tolerance()
        self.inputs = []
        self.outputs = []
        self.inner = []
        self.graph = Graph()
        self.imports = {}
        self.count = 0

    # draws

    def chance(self, p):
        return self.rng.random() < p

    def integer(self, low, high):
        """A number of low..high, both included."""
        return int(self.rng.integers(low, high + 1))

    def choose(self, *options):
        return options[self.rng.integers(len(options))]

    def sample(self, options, count):
        """`count` different ones, in random order."""
        order = self.rng.permutation(len(options))[:count]
        return [options[i] for i in order]

    def real(self, low, high):
        """A float that decimals can write."""
        return round(float(self.rng.uniform(low, high)), 3)

    def since(self, *opsets):
        """Sets the opset to one from opsets[0] on; the further ones, where the operator changed, are taken more often."""
        usual = [o for o in USUAL_OPSETS if o >= opsets[0]]
        self.opset = self.choose(*(list(opsets) + usual))
        return self.opset

    def dim(self, low=1, high=6, zero=0.02):
        """A dimension; of size 1 more often than chance has it, rarely of size 0."""
        size = self.integer(low, high)
        draw = self.rng.random()
        if low <= 1 and draw < 0.12:
            return 1
        return 0 if draw > 1 - zero else size

    def open_dim(self, low=1, high=6):
        first = self.integer(low, high)
        second = self.integer(low, high)
        return Open((first, second)[self.phase]) if self.is_open else first

    def axis_dim(self, low=1, high=6, zero=0.02):
        """Open or not."""
        return self.open_dim(low, high) if self.chance(0.6) else self.dim(low, high, zero)

    def shape(self, low_rank=1, high_rank=4, low=1, high=6, zero=0.02):
        return [self.axis_dim(low, high, zero) for _ in range(self.integer(low_rank, high_rank))]

    def broadcast_to(self, shape):
        """A shape that broadcasts with this one to it."""
        start = self.integer(0, len(shape)) if self.chance(0.4) else 0
        return [1 if self.chance(0.2) else d for d in shape[start:]]

    def axis(self, rank, negative=True):
        a = self.integer(0, rank - 1)
        return a - rank if negative and self.chance(0.4) else a

    def axes(self, rank, low=0):
        """Some axes, partly counted from the end."""
        return [a - rank if self.chance(0.3) else a for a in self.sample(range(rank), self.integer(low, rank))]

    # contents

    def contents(self, shape, type=F32, low=None, high=None, special=True, stream=None):
        """Random contents: uniform in low..high, else normal; integers small, extremes now and then."""
        self.count += 1
        rng = np.random.default_rng([*self.seed, self.count, stream if stream is not None else self.phase])
        shape = tuple(int(d) for d in shape)
        if type == BOOL:
            return np.asarray(rng.random(shape) < 0.5)
        if type.kind in "iu":
            if low is None:
                low, high = (0, 20) if type.kind == "u" else (-10, 10)
            return np.asarray(rng.integers(low, high, shape, dtype=type, endpoint=True))
        if low is None:
            array = np.asarray(rng.normal(size=shape) * rng.choice([0.5, 1.0, 3.0]))
        else:
            array = np.asarray(rng.uniform(low, high, shape))
        array = array.astype(type)
        if self.special and special and array.size:
            # Not both at once: denormal numbers may count as 0, and infinity times 0 is NaN.
            for value in (np.nan, np.inf, -np.inf, 0.0, -0.0) if self.seed[0] % 4 else (1e-40, -1e-40, 0.0, -0.0):
                if rng.random() < 0.5:
                    array.flat[rng.integers(array.size)] = value
        return array

    # the graph

    def use(self, type):
        """Sets the tolerance to that of a type; returns the type."""
        self.tolerance = TOLERANCES.get(type, self.tolerance)
        return type

    def name(self, base):
        self.count += 1
        return f"{base}_{self.count}"

    def input(self, shape_or_array, type=F32, **contents):
        """An input of the graph."""
        array = shape_or_array if isinstance(shape_or_array, np.ndarray) else self.contents(shape_or_array, type, **contents)
        value = Value(self.name("x"), array.dtype, array)
        self.inputs.append(value)
        return value

    def constant(self, array, graph=None):
        """An initializer, or a Constant node."""
        value = Value(self.name("c"), array.dtype, array)
        tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), value.name)
        graph = graph or self.graph
        if self.chance(0.2):
            graph.nodes.append(helper.make_node("Constant", [], [value.name], value=tensor))
        else:
            graph.initializers.append(tensor)
        return value

    def ints(self, values, type=S64):
        return self.constant(np.array(values, type))

    def number(self, value, type=F32):
        return self.constant(np.array(value, type))

    def weights(self, shape, type=F32, constant=0.8, **contents):
        """A constant, or an input now and then."""
        chosen = self.chance(constant)
        if chosen and not any(isinstance(d, Open) for d in shape):
            return self.constant(self.contents(shape, type, stream=9, **({"special": False} | contents)))
        return self.input(shape, type, **contents)

    def tensor(self, shape, type=F32, **contents):
        """An input, or a constant now and then."""
        return self.weights(shape, type, constant=0.25, **contents)

    def given(self, array, constant=0.7):
        """These contents, as a constant or as an input."""
        return self.constant(array) if self.chance(constant) else self.input(array)

    def node(self, op, inputs, outputs=1, type=None, domain="", graph=None, **attributes):
        """A node; its outputs are of the type of its first input unless told (one type, or a list)."""
        attributes = {k: v for k, v in attributes.items() if v is not None}
        first = next((i for i in inputs if i is not None), None)
        types = type if isinstance(type, (list, tuple)) else [type if type is not None else first.type] * outputs
        values = [Value(self.name(op.lower()), t) if t is not None else None for t in types]
        names = ["" if i is None else i.name for i in inputs]
        while names and names[-1] == "":
            names.pop()
        if domain:
            self.imports[domain] = {"ai.onnx.ml": 3}.get(domain, 1)
        (graph or self.graph).nodes.append(
            helper.make_node(op, names, ["" if v is None else v.name for v in values], domain=domain, **attributes))
        self.inner += [v for v in values if v is not None]
        return values[0] if len(values) == 1 else values

    def cast(self, value, type):
        to = type if isinstance(type, int) else helper.np_dtype_to_tensor_dtype(type)
        return self.node("Cast", [value], type=type, to=int(to))

    def output(self, *values):
        self.outputs += [v for v in values if v is not None]

    def finish(self):
        """The model; inner values are outputs too now and then."""
        if not self.outputs:
            self.outputs = [self.inner[-1]]
        if self.chance(0.15):
            free = [v for v in self.inner if v not in self.outputs]
            self.outputs += self.sample(free, min(len(free), 2))
        outputs = []
        for value in self.outputs:
            if isinstance(value.type, int):  # no files hold it: bfloat16, float8
                value = self.cast(value, F32)
            outputs.append(value)
        self.outputs = list({v.name: v for v in outputs}.values())

    def model(self, shapes):
        """`shapes`: dims of each input, texts for open ones."""
        graph = helper.make_graph(
            self.graph.nodes, "variant",
            [helper.make_tensor_value_info(v.name, v.onnx_type, s) for v, s in zip(self.inputs, shapes)],
            [helper.make_tensor_value_info(v.name, v.onnx_type, None) for v in self.outputs], self.graph.initializers)
        imports = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, v) for d, v in self.imports.items()]
        version = max(8, helper.find_min_ir_version_for(imports, ignore_unknown=True))
        return helper.make_model(graph, opset_imports=imports, ir_version=version, producer_name="differential")


@dataclass
class Built:
    model: onnx.ModelProto
    feeds: list  # inputs by name, one dict for each shape
    tolerance: Tolerance
    is_open: bool

    @property
    def operators(self):
        return sorted({n.op_type for n in self.model.graph.node})


def build(name, seed):
    """The variant `seed` of a family."""
    variants = []
    for phase in (0, 1):
        variant = Variant([seed, *name.encode()], phase)
        FAMILIES[name](variant)
        variant.finish()
        variants.append(variant)
        if not variant.is_open:
            break
    first, second = variants[0], variants[-1]
    feeds = [{v.name: v.array for v in variant.inputs} for variant in variants]
    fixed = [list(v.shape) for v in first.inputs]
    model = first.model(fixed)
    alike = len(first.inputs) == len(second.inputs) and all(
        a.name == b.name and a.array.ndim == b.array.ndim and a.type == b.type for a, b in zip(first.inputs, second.inputs))
    if second is not first and alike and second.model(fixed) == model:
        pairs = {}
        shapes = [[a if a == b else pairs.setdefault((a, b), f"d{len(pairs)}") for a, b in zip(one.shape, two.shape)]
                  for one, two in zip(first.inputs, second.inputs)]
        if pairs:
            return Built(first.model(shapes), feeds, first.tolerance, True)
    return Built(model, feeds[:1], first.tolerance, False)
