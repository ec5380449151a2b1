# SPDX-License-Identifier: Apache-2.0
"""Writes denoise.onnx: signal [1, 8] -> 2 * signal -> example::MedianFilter(width=3) -> + 1 -> denoised. Needs: pip install onnx"""

import onnx
from onnx import TensorProto, helper

tensor = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8])
scalar = lambda name, value: helper.make_tensor(name, TensorProto.FLOAT, [1], [value])
graph = helper.make_graph(
    [
        helper.make_node("Mul", ["signal", "two"], ["doubled"], name="double"),
        helper.make_node("MedianFilter", ["doubled"], ["smooth"], name="median", domain="example", width=3),
        helper.make_node("Add", ["smooth", "one"], ["denoised"], name="shift"),
    ],
    "denoise",
    [tensor("signal")],
    [tensor("denoised")],
    [scalar("two", 2.0), scalar("one", 1.0)],
    value_info=[tensor("smooth")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("example", 1)], ir_version=8, producer_name="make_model.py")
onnx.save(model, __file__.replace("make_model.py", "denoise.onnx"))
