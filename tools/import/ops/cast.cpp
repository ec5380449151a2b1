// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/cast.hpp"

#include "lithe/ops/bit_cast.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Cast-6 to 25 and CastLike-15 to 25: the dtype is the declared output's. saturate since 19, round_mode
/// since 24.
void import_cast(NodeImport& node) {
  if (node.op_type() == "Cast") node.attribute_int("to", 0);
  if (node.has_texts(node.input(0)) && node.output_dtype() == DType::none) {  // texts to texts
    node.output(0, node.input(0));
    return;
  }
  if (node.dtype(node.input(0)) == DType::none || node.output_dtype() == DType::none)
    node.refuse(node.op_type() + " from or to this element type (such as strings) is not supported");
  if (node.attribute_string("round_mode", "up") != "up" && node.output_dtype() == DType::f8e8m0)
    node.refuse(node.op_type() + " to f8e8m0 with a round_mode other than \"up\" is not supported");
  ops::Cast::Attributes attributes;
  read_attribute(node, "saturate", attributes.saturate);
  node.emit_outputs<ops::Cast>(attributes, {node.input(0)});
}

/// BitCast-26: the dtype is the declared output's.
void import_bit_cast(NodeImport& node) {
  node.attribute_int("to", 0);
  if (node.dtype(node.input(0)) == DType::none || node.output_dtype() == DType::none)
    node.refuse("BitCast from or to this element type is not supported");
  node.emit_outputs<ops::BitCast>({}, {node.input(0)});
}

}  // namespace

void register_cast(ImporterTable& table) {
  table.add("BitCast", import_bit_cast, 26);
  table.add("Cast", import_cast, 6);
  table.add("CastLike", import_cast, 15);
}

}  // namespace lithe::import
