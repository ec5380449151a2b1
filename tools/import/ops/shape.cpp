// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/shape.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Shape-1 to 25: start and end since 15, which lithe clips to the rank as ONNX does.
void import_shape(NodeImport& node) {
  ops::ShapeOf::Attributes attributes;
  read_attribute(node, "start", attributes.start);
  read_attribute(node, "end", attributes.end);
  node.emit_outputs<ops::ShapeOf>(attributes, {node.input(0)});
}

}  // namespace

void register_shape(ImporterTable& table) { table.add("Shape", import_shape); }

}  // namespace lithe::import
