// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/dequantize_linear.hpp"
#include "lithe/xnn/detail/linear_scale.hpp"
#include "lithe/xnn/unary.hpp"

namespace lithe::inline v0::xnn {

/// unary_elementwise_nc (convert) from s8 and u8 to f32, and from s8 to f16, with one constant scale.
class DequantizeLinear : public Elementwise {
 public:
  using Op = ops::DequantizeLinear;
  static constexpr const char* name = "xnn::dequantize_nc";
  static constexpr std::uint32_t packed_inputs = 0b110;

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return linear_scale(node, node.output().dtype, node.input(0).dtype).has_value();
  }
  [[gnu::cold]] Status create(const Op::Attributes&, CreateContext& context) {
    const DType real = context.node.output().dtype, stored = context.node.input(0).dtype;
    const auto scale = linear_scale(context.node, real, stored);
    if (!scale)
      return {Code::unsupported, "the scale or zero point of a quantization is out of XNNPACK's range"};
    return make(xnn_unary_convert, datatype(stored), datatype(real), *scale, {0, 1.0f}, {});
  }
};

}  // namespace lithe::inline v0::xnn
