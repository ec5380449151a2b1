// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reshape.hpp"

#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// Reshape-5 to 25: allowzero since 14.
void import_reshape(NodeImport& node) {
  ops::Reshape::Attributes attributes;
  attributes.allow_zero = node.attribute_int("allowzero", 0) != 0;
  node.emit_outputs<ops::Reshape>(attributes, {node.input(0), node.input(1)});
}

}  // namespace

void register_reshape(ImporterTable& table) { table.add("Reshape", import_reshape, 5); }

}  // namespace lithe::import
