// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/clip.hpp"
#include "lithe/xnn/unary.hpp"

namespace lithe::inline v0::xnn {

/// unary_elementwise_nc (clamp), f32 and f16; s8 and u8 where input and output have the same quantization.
class Clip : public Elementwise {
 public:
  using Op = ops::Clip;
  static constexpr const char* name = "xnn::clamp_nc";

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo &input = node.input(0), &output = node.output();
    if (any_empty(node) || !runs_natively(input.dtype, node) || !usable_clamp(a.clamp, input.dtype))
      return false;
    if (quantized(input.dtype))
      return usable_activation(input) && usable_activation(output) && same_quantization(input, output);
    return input.dtype == DType::f32 || input.dtype == DType::f16;
  }
  Status create(const Op::Attributes& a, CreateContext& context) {
    return make(xnn_unary_clamp, context.node, {.clamp = {a.clamp.min, a.clamp.max}});
  }
};

}  // namespace lithe::inline v0::xnn
