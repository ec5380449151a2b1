// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/top_k.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// TopK-1 (k is an attribute), 10 (an input), 11 and 24 (largest, sorted: lithe always sorts).
void import_top_k(NodeImport& node) {
  ops::TopK::Attributes attributes;
  read_attribute(node, "axis", attributes.axis);
  const graph::ValueId k = node.opset() < 10 ? node.ints({node.attribute_int("k", -1)}) : node.input(1);
  if (node.opset() >= 11) {
    read_attribute(node, "largest", attributes.largest);
    node.attribute_int("sorted", 1);
  }
  node.emit_outputs<ops::TopK>(attributes, {node.input(0), k});
}

}  // namespace

void register_top_k(ImporterTable& table) { table.add("TopK", import_top_k); }

}  // namespace lithe::import
