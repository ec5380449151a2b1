// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/quantize_linear.hpp"

#include <cstdint>

#include "lithe/ops/dequantize_linear.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// Reads what both operators have, and returns the dtype that the attribute gives, or else `otherwise`.
template <class Attributes>
DType read_blocks(NodeImport& node, Attributes& attributes, DType otherwise) {
  read_attribute(node, "axis", attributes.axis);
  read_attribute(node, "block_size", attributes.block_size);
  return node.attribute_dtype("output_dtype", otherwise);
}

/// QuantizeLinear-10 to 25: axis since 13, saturate since 19, block_size and output_dtype since 21, precision
/// since 23.
void import_quantize_linear(NodeImport& node) {
  ops::QuantizeLinear::Attributes attributes;
  const DType dtype = read_blocks(node, attributes, node.has(2) ? node.dtype(node.input(2)) : DType::u8);
  read_attribute(node, "saturate", attributes.saturate);
  constexpr std::int64_t unset = 0, onnx_float = 1;
  const std::int64_t precision = node.attribute_int("precision", unset);
  if (precision != unset && !(precision == onnx_float && node.dtype(node.input(1)) == DType::f32))
    node.refuse("QuantizeLinear whose precision is not the scale's element type is not supported");
  node.emit_outputs<ops::QuantizeLinear>(attributes, all_inputs(node), dtype);
}

/// DequantizeLinear-10 to 25: axis since 13, block_size since 21, output_dtype since 23.
void import_dequantize_linear(NodeImport& node) {
  ops::DequantizeLinear::Attributes attributes;
  const DType dtype = read_blocks(node, attributes, node.dtype(node.input(1)));
  node.emit_outputs<ops::DequantizeLinear>(attributes, all_inputs(node), dtype);
}

}  // namespace

void register_quantize_linear(ImporterTable& table) {
  table.add("QuantizeLinear", import_quantize_linear, 10);
  table.add("DequantizeLinear", import_dequantize_linear, 10);
}

}  // namespace lithe::import
