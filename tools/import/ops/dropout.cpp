// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <memory>

#include "lithe/ops/constant_of_shape.hpp"
#include "lithe/ops/shape.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// Whether input 1, the ratio, is known to be 0: then nothing is ever dropped.
bool drops_nothing(const NodeImport& node) {
  const graph::ConstantPtr ratio = node.known(node.input(1));
  return ratio != nullptr && !ratio->bytes.empty() &&
         std::all_of(ratio->bytes.begin(), ratio->bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

/// Since 12 an input says whether it is training; only where nothing is dropped that makes no difference.
void check_training_mode(NodeImport& node) {
  constexpr const char* eval = "export it in inference mode: call model.eval() first";
  const graph::ConstantPtr training = node.known(node.input(2));
  if (training != nullptr && !training->bytes.empty() && training->bytes[0] == std::byte{0}) return;
  if (drops_nothing(node)) return node.note("it is in training mode, but drops nothing: its ratio is 0");
  if (training == nullptr)
    node.refuse("Dropout whose training_mode is computed at run time is not supported",
                "make training_mode a constant, false");
  node.refuse("Dropout was exported in training mode", eval);
}

/// Dropout-1 to 22 in inference: the input itself, and a mask of ones where it is asked for. Before 7 an attribute
/// says that it is inference.
void import_dropout(NodeImport& node) {
  constexpr int first_without_is_test = 7;
  node.attribute_float("ratio", 0.5F);
  node.attribute_int("seed", 0);
  if (node.opset() < first_without_is_test && node.attribute_int("is_test", 0) == 0)
    node.note("its is_test does not say that it is inference; as in inference, it drops nothing here");
  if (node.has(2)) check_training_mode(node);
  if (node.wants(1)) {
    constexpr int first_with_bool_mask = 10;
    const DType dtype = node.opset() < first_with_bool_mask ? node.dtype(node.input(0)) : DType::boolean;
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

void register_dropout(ImporterTable& table) { table.add("Dropout", import_dropout); }

}  // namespace lithe::import
