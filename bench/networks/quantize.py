# SPDX-License-Identifier: Apache-2.0
"""int8 forms of the networks that make.py wrote, each by its engine's own quantizer on the same random pictures.

    pip install torch onnx onnxruntime          # LiteRT: also ai-edge-quantizer; ExecuTorch: also executorch
    python quantize.py DIR [NAME...]

For DIR/NAME.onnx it writes DIR/samples/picture.npy, on which lithe calibrates too, and
    NAME_int8.onnx      ONNX Runtime: QDQ, activations in u8 (its faster form), weights in s8 by channel
    NAME_int8.tflite    LiteRT, from NAME.tflite: activations and weights in s8
    NAME.pte, NAME_int8.pte    ExecuTorch with XNNPACK: f32, and activations and weights in s8
What an engine that is not installed would write is left out and named.
"""

import argparse
import importlib.util
import logging
import tempfile
from pathlib import Path

import make
import numpy as np
import torch

SAMPLES = 16


def for_onnxruntime(name, directory, pictures):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Pictures(CalibrationDataReader):
        def __init__(self):
            self.left = iter(pictures)

        def get_next(self):
            picture = next(self.left, None)
            return None if picture is None else {"picture": picture[None]}

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(directory / f"{name}.onnx"), str(prepared))
        quantize_static(
            str(prepared),
            str(directory / f"{name}_int8.onnx"),
            Pictures(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def for_litert(name, directory, pictures):
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    file = directory / f"{name}.tflite"
    (signature, ports), *_ = Interpreter(str(file)).get_signature_list().items()
    (argument,) = ports["inputs"]
    tool = quantizer.Quantizer(str(file), recipe.static_wi8_ai8())
    ranges = tool.calibrate({signature: [{argument: picture[None]} for picture in pictures]})
    tool.quantize(ranges).export_model(str(directory / f"{name}_int8.tflite"), overwrite=True)


def for_executorch(name, directory, pictures):
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from executorch.exir import to_edge_transform_and_lower
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    def write(program, file):
        edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        file.write_bytes(edge.to_executorch().buffer)

    torch.manual_seed(1)
    network = make.settle(make.NETWORKS[name]())
    example = (torch.from_numpy(pictures[:1]),)
    write(torch.export.export(network, example), directory / f"{name}.pte")
    config = get_symmetric_quantization_config(is_per_channel=True)
    prepared = prepare_pt2e(
        torch.export.export(network, example).module(), XNNPACKQuantizer().set_global(config)
    )
    for picture in pictures:
        prepared(torch.from_numpy(picture[None]))
    write(torch.export.export(convert_pt2e(prepared), example), directory / f"{name}_int8.pte")


ENGINES = {
    "ONNX Runtime": ("onnxruntime", for_onnxruntime),
    "LiteRT": ("ai_edge_quantizer", for_litert),
    "ExecuTorch": ("executorch", for_executorch),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(make.NETWORKS) + "; all by default")
    options = parser.parse_args()
    names = options.names or [n for n in make.NETWORKS if (options.directory / f"{n}.onnx").exists()]
    missing = [name for name in names if not (options.directory / f"{name}.onnx").exists()]
    if missing or not names:
        parser.error(f"{options.directory} does not hold the networks: run make.py {options.directory} --tflite")
    logging.disable(logging.WARNING)
    pictures = np.random.default_rng(2).standard_normal((SAMPLES, 3, make.SIZE, make.SIZE), dtype=np.float32)
    (options.directory / "samples").mkdir(exist_ok=True)
    np.save(options.directory / "samples" / "picture.npy", pictures)
    for engine, (module, quantize) in ENGINES.items():
        if not importlib.util.find_spec(module):
            print(f"{engine}: {module} is not installed")
            continue
        for name in names:
            quantize(name, options.directory, pictures)
            print(f"{engine}: {name}")


if __name__ == "__main__":
    main()
