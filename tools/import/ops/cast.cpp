// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/cast.hpp"

#include "lithe/ops/bit_cast.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

void check_dtypes(NodeImport& node, DType to) {
  if (node.dtype(node.input(0)) == DType::none || to == DType::none)
    node.refuse(node.op_type() + " from or to this element type (such as strings) is not supported");
}

/// Cast-6 to 25 and CastLike-15 to 25. saturate since 19, round_mode since 24.
void import_cast(NodeImport& node) {
  const DType to = node.op_type() == "Cast" ? node.attribute_dtype("to") : node.dtype(node.input(1));
  if (node.has_texts(node.input(0)) && to == DType::none) {  // texts to texts
    node.output(0, node.input(0));
    return;
  }
  check_dtypes(node, to);
  if (node.attribute_string("round_mode", "up") != "up" && to == DType::f8e8m0)
    node.refuse(node.op_type() + " to f8e8m0 with a round_mode other than \"up\" is not supported");
  ops::Cast::Attributes attributes;
  read_attribute(node, "saturate", attributes.saturate);
  node.emit_outputs<ops::Cast>(attributes, {node.input(0)}, to);
}

/// BitCast-26.
void import_bit_cast(NodeImport& node) {
  const DType to = node.attribute_dtype("to");
  check_dtypes(node, to);
  node.emit_outputs<ops::BitCast>({}, {node.input(0)}, to);
}

}  // namespace

void register_cast(ImporterTable& table) {
  table.add("BitCast", import_bit_cast, 26);
  table.add("Cast", import_cast, 6);
  table.add("CastLike", import_cast, 15);
}

}  // namespace lithe::import
