// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/quantize_linear.hpp"

#include <cstdint>

#include "lithe/ops/dequantize_linear.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

template <class Attributes>
void read_blocks(NodeImport& node, Attributes& attributes) {
  read_attribute(node, "axis", attributes.axis);
  read_attribute(node, "block_size", attributes.block_size);
  node.attribute_int("output_dtype", 0);  // the declared output's dtype says it
}

/// QuantizeLinear-10 to 25: axis since 13, saturate since 19, block_size and output_dtype since 21, precision
/// since 23.
void import_quantize_linear(NodeImport& node) {
  ops::QuantizeLinear::Attributes attributes;
  read_blocks(node, attributes);
  read_attribute(node, "saturate", attributes.saturate);
  constexpr std::int64_t unset = 0, onnx_float = 1;
  const std::int64_t precision = node.attribute_int("precision", unset);
  if (precision != unset && !(precision == onnx_float && node.dtype(node.input(1)) == DType::f32))
    node.refuse("QuantizeLinear whose precision is not the scale's element type is not supported");
  node.emit_outputs<ops::QuantizeLinear>(attributes, all_inputs(node));
}

/// DequantizeLinear-10 to 25: axis since 13, block_size since 21, output_dtype since 23.
void import_dequantize_linear(NodeImport& node) {
  ops::DequantizeLinear::Attributes attributes;
  read_blocks(node, attributes);
  node.emit_outputs<ops::DequantizeLinear>(attributes, all_inputs(node));
}

}  // namespace

void register_quantize_linear(ImporterTable& table) {
  table.add("QuantizeLinear", import_quantize_linear, 10);
  table.add("DequantizeLinear", import_dequantize_linear, 10);
}

}  // namespace lithe::import
