// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/pad.hpp"

#include <vector>

#include "lithe/ops/reshape.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Pad-2 (pads and value are attributes), 11 to 25 (inputs; axes since 18, wrap since 19).
void import_pad(NodeImport& node) {
  using Mode = decltype(ops::Pad::Attributes::mode);
  ops::Pad::Attributes attributes;
  attributes.mode = named<Mode>(node, node.attribute_string("mode", "constant"), "mode");
  std::vector<graph::ValueId> inputs = all_inputs(node);
  if (node.opset() < 11) {
    inputs.push_back(node.ints(node.attribute_ints("pads")));
    const float value = node.attribute_float("value", 0);
    if (value != 0) inputs.push_back(node.scalar(value, node.dtype(node.input(0))));
  } else if (node.has(2) && node.rank(node.input(2)).value_or(0) != 0) {
    inputs[2] = node.emit<ops::Reshape>({}, {node.input(2), node.ints({})},
                                        node.dtype(node.input(2)));  // [1], as some exporters write it
  }
  node.emit_outputs<ops::Pad>(attributes, inputs);
}

}  // namespace

void register_pad(ImporterTable& table) { table.add("Pad", import_pad, 2); }

}  // namespace lithe::import
