// SPDX-License-Identifier: Apache-2.0

#include "lithe/ops/gather.hpp"
#include "lithe/ops/non_zero.hpp"
#include "lithe/ops/reshape.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// Compress-9 and 11: gathers the places where the condition holds; without an axis, of the flat input.
void import_compress(NodeImport& node) {
  graph::ValueId input = node.input(0);
  ops::Gather::Attributes gather;
  if (node.has_attribute("axis"))
    gather.axis = node.attribute_int("axis", 0);
  else
    input = node.emit<ops::Reshape>({}, {input, node.ints({-1})}, node.dtype(input));
  const graph::ValueId places = node.emit<ops::NonZero>({}, {node.input(1)}, DType::s64);
  const graph::ValueId flat = node.emit<ops::Reshape>({}, {places, node.ints({-1})}, DType::s64);
  node.emit_outputs<ops::Gather>(gather, {input, flat});
}

}  // namespace

void register_compress(ImporterTable& table) { table.add("Compress", import_compress, 9); }

}  // namespace lithe::import
