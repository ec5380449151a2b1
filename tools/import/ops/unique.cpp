// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/unique.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Unique-11.
void import_unique(NodeImport& node) {
  ops::Unique::Attributes attributes;
  if (node.has_attribute("axis")) attributes.axis.push_back(node.attribute_int("axis", 0));
  read_attribute(node, "sorted", attributes.sorted);
  node.emit_outputs<ops::Unique>(attributes, {node.input(0)});
}

}  // namespace

void register_unique(ImporterTable& table) { table.add("Unique", import_unique); }

}  // namespace lithe::import
