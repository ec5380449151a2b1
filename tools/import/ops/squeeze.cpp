// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/squeeze.hpp"

#include <vector>

#include "lithe/ops/unsqueeze.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Squeeze and Unsqueeze, 1 and 11 (axes an attribute), 13 to 25 (axes an input). Squeeze without axes drops
/// every 1.
template <class Op>
void import_axes(NodeImport& node) {
  std::vector<graph::ValueId> inputs = all_inputs(node);
  if (node.opset() < 13 && node.has_attribute("axes"))
    inputs.push_back(node.ints(node.attribute_ints("axes")));
  node.emit_outputs<Op>({}, inputs);
}

}  // namespace

void register_squeeze(ImporterTable& table) {
  table.add("Squeeze", import_axes<ops::Squeeze>);
  table.add("Unsqueeze", import_axes<ops::Unsqueeze>);
}

}  // namespace lithe::import
