// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/slice.hpp"

#include <vector>

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Slice-1 (starts, ends and axes are attributes), 10 to 13 (inputs, with steps).
void import_slice(NodeImport& node) {
  std::vector<graph::ValueId> inputs = all_inputs(node);
  if (node.opset() < 10) {
    inputs.push_back(node.ints(node.attribute_ints("starts")));
    inputs.push_back(node.ints(node.attribute_ints("ends")));
    if (node.has_attribute("axes")) inputs.push_back(node.ints(node.attribute_ints("axes")));
  }
  node.emit_outputs<ops::Slice>({}, inputs);
}

}  // namespace

void register_slice(ImporterTable& table) { table.add("Slice", import_slice); }

}  // namespace lithe::import
