// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/xnn/detail/convolution.hpp"

namespace lithe::inline v0::xnn {

/// convolution2d_nhwc with one input channel for each group, f32, f16, qs8_qc8w and qu8, with constant filter
/// and bias. s8 is bit-exact with the portable kernel; u8 may be one step off on ARM.
class DepthwiseConv2D : public Convolution {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr const char* name = "xnn::depthwise_convolution2d_nhwc";
  static constexpr std::uint32_t packed_inputs = 0b110;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    return problem(a, node).supported(node);
  }
  Status create(const Op::Attributes& a, CreateContext& context) {
    return pack(problem(a, context.node), context, name);
  }
  Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    return Convolution::reshape(problem(a, context.node), context);
  }

 private:
  static ConvolutionProblem problem(const Op::Attributes& a, const NodeInfo& node) {
    const Shape& filter = node.input(1).shape;
    return {ops::detail::window(a, filter[0], filter[1]),      filter[2], 1, filter[3], a.clamp,
            convolution_flags | XNN_FLAG_DEPTHWISE_CONVOLUTION};
  }
};

}  // namespace lithe::inline v0::xnn
