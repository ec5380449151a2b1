// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/softmax.hpp"

#include <cstdint>
#include <optional>

#include "lithe/ops/flatten.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/shape.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Softmax-13, LogSoftmax-13 and Hardmax-13 are lithe's. Before, they see a matrix: rows are the axes before
/// `axis` (default 1), columns the rest.
template <class Op>
void import_along_axis(NodeImport& node) {
  const graph::ValueId input = node.input(0);
  const std::int64_t axis = node.attribute_int("axis", node.opset() < 13 ? 1 : -1);
  ops::SoftmaxAttributes attributes;
  const std::optional<int> rank = node.rank(input);
  const bool last = axis == -1 || (rank && axis == *rank - 1);
  if (node.opset() >= 13 || last) {
    attributes.axis = narrow(node, axis, "axis");
    return node.emit_outputs<Op>(attributes, {input});
  }
  attributes.axis = -1;
  ops::Flatten::Attributes flatten;
  flatten.axis = narrow(node, axis, "axis");
  const DType dtype = node.dtype(input);
  const graph::ValueId matrix =
      node.emit<Op>(attributes, {node.emit<ops::Flatten>(flatten, {input}, dtype)}, dtype);
  const auto& dims = node.value(input).dims;
  const graph::ValueId shape =
      dims && graph::fixed(*dims) ? node.ints(*dims) : node.emit<ops::ShapeOf>({}, {input}, DType::s64);
  ops::Reshape::Attributes reshape;
  reshape.allow_zero = true;
  node.emit_outputs<ops::Reshape>(reshape, {matrix, shape});
}

}  // namespace

void register_softmax(ImporterTable& table) {
  table.add("Hardmax", import_along_axis<ops::Hardmax>);
  table.add("LogSoftmax", import_along_axis<ops::LogSoftmax>);
  table.add("Softmax", import_along_axis<ops::Softmax>);
}

}  // namespace lithe::import
