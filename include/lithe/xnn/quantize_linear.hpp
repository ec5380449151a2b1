// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/quantize_linear.hpp"
#include "lithe/xnn/detail/linear_scale.hpp"
#include "lithe/xnn/unary.hpp"

namespace lithe::inline v0::xnn {

/// unary_elementwise_nc (convert) from f32 to s8 and u8, and from f16 to s8, with one constant scale. It
/// multiplies by the reciprocal, so that a number half-way between two integers may go to the other one; NaN
/// gives the highest integer.
class QuantizeLinear : public Elementwise {
 public:
  using Op = ops::QuantizeLinear;
  static constexpr const char* name = "xnn::quantize_nc";
  static constexpr std::uint32_t packed_inputs = 0b110;

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return linear_scale(node, node.input(0).dtype, node.output().dtype).has_value();
  }
  [[gnu::cold]] Status create(const Op::Attributes&, CreateContext& context) {
    const DType real = context.node.input(0).dtype, stored = context.node.output().dtype;
    const auto scale = linear_scale(context.node, real, stored);
    if (!scale)
      return {Code::unsupported, "the scale or zero point of a quantization is out of XNNPACK's range"};
    return make(xnn_unary_convert, datatype(real), datatype(stored), {0, 1.0f}, *scale, {});
  }
};

}  // namespace lithe::inline v0::xnn
