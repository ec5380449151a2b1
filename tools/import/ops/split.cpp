// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/split.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Split-1 to 11 (sizes an attribute, in 1 an input too), 13 (an input), 18 (num_outputs): without sizes, equal parts, the last
/// one smaller.
void import_split(NodeImport& node) {
  ops::Split::Attributes attributes;
  read_attribute(node, "axis", attributes.axis);
  std::vector<graph::ValueId> inputs = all_inputs(node);
  if (node.opset() < 13) {
    const std::vector<std::int64_t> sizes = node.attribute_ints("split");
    if (!sizes.empty() && !node.has(1)) inputs.push_back(node.ints(sizes));
  }
  if (node.opset() >= 18) {
    const std::int64_t parts = node.attribute_int("num_outputs", node.outputs());
    if (parts != node.outputs())
      node.refuse("Split has num_outputs = " + std::to_string(parts) + " but " +
                  std::to_string(node.outputs()) + " outputs");
  }
  node.emit_outputs<ops::Split>(attributes, inputs);
}

}  // namespace

void register_split(ImporterTable& table) { table.add("Split", import_split); }

}  // namespace lithe::import
