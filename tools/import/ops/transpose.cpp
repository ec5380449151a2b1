// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/transpose.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Transpose-1 to 25: `perm`, by default all axes reversed.
void import_transpose(NodeImport& node) {
  ops::Transpose::Attributes attributes;
  attributes.permutation = int_list(node, node.attribute_ints("perm"), "perm");
  node.emit_outputs<ops::Transpose>(attributes, {node.input(0)});
}

}  // namespace

void register_transpose(ImporterTable& table) { table.add("Transpose", import_transpose); }

}  // namespace lithe::import
