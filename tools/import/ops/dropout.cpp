// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>

#include "lithe/ops/constant_of_shape.hpp"
#include "lithe/ops/shape.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// Dropout-7 to 22 in inference: the input itself, and a mask of ones where it is asked for.
void import_dropout(NodeImport& node) {
  node.attribute_float("ratio", 0.5F);
  node.attribute_int("seed", 0);
  if (node.has(2)) {
    constexpr const char* eval = "export it in inference mode: call model.eval() first";
    const graph::Constant* training = node.constant(node.input(2));
    if (training == nullptr)
      node.refuse("Dropout whose training_mode is computed at run time is not supported", eval);
    if (training->bytes.empty() || training->bytes[0] != std::byte{0})
      node.refuse("Dropout was exported in training mode", eval);
  }
  if (node.wants(1)) {
    // ONNX infers the mask's type since 12; before 10 it is the data's, then bool.
    DType dtype = node.output_dtype(1);
    if (dtype == DType::none) dtype = node.opset() < 10 ? node.dtype(node.input(0)) : DType::boolean;
    graph::ValueId one;
    if (dtype == DType::boolean) {
      auto constant = std::make_shared<graph::Constant>();
      constant->dtype = DType::boolean;
      constant->bytes = {std::byte{1}};
      one = node.constant(constant, "mask");
    } else {
      one = node.scalar(1, dtype);
    }
    const graph::ValueId shape = node.emit<ops::ShapeOf>({}, {node.input(0)}, DType::s64);
    node.output(1, node.emit<ops::ConstantOfShape>({}, {shape, one}, dtype));
  }
  node.output(0, node.input(0));
}

}  // namespace

void register_dropout(ImporterTable& table) { table.add("Dropout", import_dropout, 7); }

}  // namespace lithe::import
