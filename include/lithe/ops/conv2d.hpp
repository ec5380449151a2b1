// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/convolve.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// 2-D convolution, grouped; depthwise convolution is an operator of its own.
///   input [N, H, W, C]    filter [O, KH, KW, C / group]    bias [O] optional
///   output [N, OH, OW, O], OH = (H + top + bottom - (KH - 1) * dilation - 1) / stride + 1, and so OW
/// Units: strides and dilations are {height, width}, pads {top, left, bottom, right}; all count input
/// elements. clamp is in real units. s8 and u8: input and output are quantized per tensor, the filter per
/// tensor or along axis 0 (s8: zero point 0); bias is s32 in steps of input scale * filter scale.
/// Errors: Code::invalid_model for an attribute or a quantization out of range; Code::unsupported for a
/// quantization of another kind; Code::shape if ranks, C, O or group disagree, or OH or OW < 0.
/// Source: ONNX Conv-22.
struct Conv2D {
  using Attributes = detail::ConvAttributes<2>;
  static constexpr OpSpec spec = detail::linear_spec("Conv2D");
  static constexpr const auto& types = detail::linear_types;
  static constexpr Weights weights{};
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::filter_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    return detail::infer_convolution(a, context);
  }

  static RowSpan rows(const Attributes& a, const NodeInfo& node, int input, RowSpan output) {
    if (input != 0) return {};  // needed whole
    return detail::input_rows(a.window(node.input(1).shape).h, output);
  }
};
static_assert(Operator<Conv2D> && RowStreamable<Conv2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Conv2D> Op>
struct Kernel<Op> : ops::detail::LinearKernel<ops::detail::Convolution<2>> {};

}  // namespace lithe::inline v0::portable
