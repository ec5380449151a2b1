# SPDX-License-Identifier: Apache-2.0
"""Networks of PyTorch as data, and their export to ONNX by either exporter, with what ONNX Runtime makes of them."""

import inspect
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import onnxruntime
import torch


@dataclass
class Input:
    """What an input holds; a dimension that is a text is open, an expression of sizes: "N", "past + 1"."""

    kind: str
    dims: tuple
    limit: int = 0

    def make(self, sizes, generator):
        shape = [eval(d, {}, dict(sizes)) if isinstance(d, str) else d for d in self.dims]
        if self.kind == "ids":
            return torch.randint(0, self.limit, shape, generator=generator)
        if self.kind == "mask":
            mask = torch.ones(shape, dtype=torch.int64)
            mask[..., -1] = torch.arange(mask[..., -1].numel()).view(mask[..., -1].shape) % 2 if shape[-1] > 2 else 1
            return mask
        if self.kind == "positive":
            return torch.rand(shape, generator=generator) + 0.1
        return torch.randn(shape, generator=generator)


def real(*dims):
    return Input("real", dims)


def positive(*dims):
    return Input("positive", dims)


def ids(limit, *dims):
    """Integers below `limit`."""
    return Input("ids", dims, limit)


def mask(*dims):
    """Ones, but that every second row lacks its last place."""
    return Input("mask", dims)


@dataclass
class Network:
    """`make` gives the module. `sizes` are two sets of what the texts among the dims stand for."""

    make: Callable
    inputs: dict
    sizes: tuple = ({}, {})


def image(make, small=64, other=96, batch=(1, 2), width=None):
    """A network that takes pictures: open are the batch, height and width, or the batch alone where `other` is None."""
    if other is None:
        return Network(make, {"image": real("batch", 3, small, width or small)}, ({"batch": batch[0]}, {"batch": batch[1]}))
    sizes = ({"batch": batch[0], "height": small, "width": width or small}, {"batch": batch[1], "height": other, "width": small})
    return Network(make, {"image": real("batch", 3, "height", "width")}, sizes)


class Flat(torch.nn.Module):
    """A module whose inputs are positional and whose outputs are a tuple of tensors."""

    def __init__(self, module, names, keep=None, **always):
        super().__init__()
        self.module, self.names, self.keep, self.always = module, names, keep, always

    def forward(self, *inputs):
        output = self.module(**dict(zip(self.names, inputs)), **self.always)
        return tensors_of(output if self.keep is None else [output[k] for k in self.keep])


def tensors_of(output):
    """All tensors in dictionaries, lists and tuples."""
    if isinstance(output, torch.Tensor):
        return (output,)
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, (list, tuple)):
        return tuple(tensor for part in output for tensor in tensors_of(part))
    return ()


def shuffled(x):
    return x.flatten()[torch.randperm(x.numel())].view(x.shape)


def settle(module, inputs):
    """Random weights that make every layer matter: scales near 1, statistics of the layers' own values, biases that are not 0."""
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.dim() > 1 or not weight.is_floating_point() or weight.numel() < 2:
                continue
            if weight.abs().max() < 1e-2 and "bias" not in name:
                weight.uniform_(0.3, 1)
            else:
                weight.add_(0.1 * torch.randn_like(weight))
        norms = [m for m in module.modules() if getattr(m, "running_var", None) is not None]
        for norm in norms:
            norm.momentum, norm.training = None, True
        if norms:
            try:
                for _ in range(4):  # few places are left of a small picture in deep layers
                    module(*inputs)
                    inputs = tuple(shuffled(x) if x.is_floating_point() else x for x in inputs)
            except (RuntimeError, ValueError, IndexError) as reason:
                print("settle:", reason)
        for norm in norms:
            norm.running_var.clamp_(min=1e-2)
    return module.eval()


def open_axes(spec):
    return {axis: dim for axis, dim in enumerate(spec.dims) if isinstance(dim, str)}


def export_with_script(module, inputs, network, path, opset, is_open):
    torch.onnx.export(
        module,
        inputs,
        path,
        dynamo=False,
        opset_version=opset,
        input_names=list(network.inputs),
        dynamic_axes={name: open_axes(spec) for name, spec in network.inputs.items()} if is_open else None,
    )


def export_with_dynamo(module, inputs, network, path, opset, is_open):
    def shapes(named):
        def dim(text):
            return torch.export.Dim(text) if named and text.isidentifier() else torch.export.Dim.AUTO

        dims = tuple({a: dim(spec.dims[a]) for a in open_axes(spec)} for spec in network.inputs.values())
        parameters = inspect.signature(module.forward).parameters.values()
        return (dims,) if any(p.kind == p.VAR_POSITIONAL for p in parameters) else dims

    def attempt(named):
        torch.onnx.export(
            module,
            inputs,
            path,
            dynamo=True,
            opset_version=opset,
            input_names=list(network.inputs),
            verbose=False,
            external_data=False,
            dynamic_shapes=shapes(named) if is_open else None,
        )

    try:
        attempt(True)
    except Exception:  # the exporter raises whatever it meets
        if not is_open:
            raise
        attempt(False)


EXPORTERS = {"script": (export_with_script, (17, 18, 20)), "export": (export_with_dynamo, (18, 20, 23))}


def session(model, optimized=True):
    """ONNX Runtime's, of the model at a path. Errors: its own."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def export(name, network, exporter, place, folder):
    """Writes model.onnx, 0.npz, 1.npz and made.json to `folder`. `place` is the network's in its table; it decides opset and axes.

    Errors: whatever PyTorch or ONNX Runtime raise."""
    torch.manual_seed(zlib.crc32(name.encode()))
    torch.set_num_threads(1)
    write, opsets = EXPORTERS[exporter]
    is_open = (place + (exporter == "script")) % 2 == 0 and network.sizes[0] != network.sizes[1]
    opset = opsets[place // 2 % len(opsets)]
    generator = torch.Generator().manual_seed(1)
    feeds = [tuple(spec.make(sizes, generator) for spec in network.inputs.values()) for sizes in network.sizes]
    if not is_open and place % 4 < 2:
        feeds.reverse()
    module = settle(network.make().eval(), feeds[1 if is_open else 0])
    with torch.no_grad():
        write(module, feeds[1 if is_open else 0], network, str(folder / "model.onnx"), opset, is_open)
    if not is_open:
        feeds[1] = tuple(x.roll(1, -1) if x.dim() and x.dtype.is_floating_point else x.clone() for x in feeds[0])
    runtime = session(folder / "model.onnx")
    taken = [i.name for i in runtime.get_inputs()]
    outputs = [o.name for o in runtime.get_outputs()]
    cases, notes = 0, []
    for feed in feeds:
        given = {key: value.numpy() for key, value in zip(network.inputs, feed) if key in taken}
        try:
            answers = runtime.run(None, given)
        except Exception as reason:  # ONNX Runtime's own type; an axis that the exporter fixed although it was to be open
            if cases or not is_open:
                notes.append("fixed by the exporter")
                continue
            notes.append("fixed by the exporter: " + str(reason)[:100])
            continue
        np.savez(folder / f"{cases}.npz", **{f"in:{k}": v for k, v in given.items()}, **{f"out:{i}": v for i, v in enumerate(answers)})
        cases += 1
        if any(a.dtype.kind == "f" and a.size and not np.isfinite(a).any() for a in answers):
            notes.append("no finite output")
        elif all(a.size < 2 or a.min() == a.max() for a in answers if a.dtype.kind == "f"):
            notes.append("constant output")
    if not cases:
        raise RuntimeError("ONNX Runtime runs it at no shape: " + "; ".join(notes))
    made = {"opset": opset, "open": is_open, "outputs": outputs, "cases": cases, "notes": sorted(set(notes))}
    (folder / "made.json").write_text(json.dumps(made))
    return made
