// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/cast.hpp"

#include "lithe/ops/bit_cast.hpp"
#include "lithe/ops/narrow.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

void check_dtypes(NodeImport& node, DType to) {
  if (node.dtype(node.input(0)) == DType::none || to == DType::none)
    node.refuse(node.op_type() + " from or to this element type (such as strings) is not supported");
}

/// Whether every number of `from` is one of `to`, which is f16 or bf16.
bool holds(DType to, DType from) {
  if (from == to || bits(from) < 8 || from == DType::boolean) return true;
  return bits(from) == 8 && (from != DType::f8e8m0 || to == DType::bf16);
}

/// `value` rounded to f16 or bf16 in a type that every processor computes in; itself where nothing is lost.
graph::ValueId rounded(NodeImport& node, graph::ValueId value, DType to) {
  const DType from = node.dtype(value);
  if ((to != DType::f16 && to != DType::bf16) || holds(to, from)) return value;
  if (from == DType::f16 || from == DType::bf16)
    value = node.emit<ops::Cast>({}, {value}, DType::f32);
  else if (from != DType::f32 && from != DType::f64)
    value = node.emit<ops::Cast>({}, {value}, DType::f64);
  return node.emit<ops::Narrow>({to == DType::f16 ? ops::NarrowType::f16 : ops::NarrowType::bf16}, {value});
}

/// Cast-6 to 25 and CastLike-15 to 25. saturate since 19, round_mode since 24. What becomes f16 or bf16 is rounded by a node
/// of its own, since the processor may compute in f32 instead.
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
  node.emit_outputs<ops::Cast>(attributes, {rounded(node, node.input(0), to)}, to);
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
