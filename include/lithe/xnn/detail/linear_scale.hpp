// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "lithe/xnn/detail/quantized.hpp"

namespace lithe::inline v0::xnn {

/// The scale and zero point of a QuantizeLinear or DequantizeLinear that XNNPACK can run: inputs 1 and 2 are
/// constants of one element, `stored` is s8 or u8, and `real` is f32, or f16 with s8.
inline std::optional<xnn_quantization_params> linear_scale(const NodeInfo& node, DType real, DType stored) {
  if (any_empty(node) || !quantized(stored) || !runs_natively(real, node)) return std::nullopt;
  if (real != DType::f32 && !(real == DType::f16 && stored == DType::s8)) return std::nullopt;
  for (int i = 1; i < 3; ++i)
    if (node.has(i) && (!node.input(i).constant() || node.input(i).shape.elements() != 1))
      return std::nullopt;
  Quantization q{.scale = node.input(1).data, .count = 1, .scale_dtype = node.input(1).dtype};
  if (node.has(2)) {
    q.zero_point = node.input(2).data;
    q.zero_point_dtype = node.input(2).dtype;
  }
  const xnn_quantization_params params{q.zero_point_at(0), q.scale_at(0)};
  if (!usable_scale(params.scale) || !std::isnormal(1 / params.scale)) return std::nullopt;
  return params;
}

}  // namespace lithe::inline v0::xnn
