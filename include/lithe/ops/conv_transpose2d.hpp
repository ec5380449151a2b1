// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/transposed.hpp"

namespace lithe::inline v0::ops {

/// 2-D transposed convolution (deconvolution), grouped: input element (h, w) times tap (kh, kw) is added to
/// output element (h * stride + kh * dilation - top, w * stride + kw * dilation - left).
///   input [N, H, W, C]    filter [O, KH, KW, C / group]    bias [O] optional
///   output [N, OH, OW, O], OH = (H - 1) * stride + (KH - 1) * dilation + 1 + output_padding - top - bottom,
///   and so OW
/// Units: strides, dilations and output_padding are {height, width}, pads {top, left, bottom, right}; all
/// count output elements. clamp is in real units. s8 and u8: input and output are quantized per tensor, the
/// filter per tensor or along axis 0 (s8: zero point 0); bias is s32 in steps of input scale * filter scale.
/// Errors: Code::invalid_model for an attribute or a quantization out of range; Code::unsupported for a
/// quantization of another kind; Code::shape if ranks, C, O or group disagree, H or W is 0, or OH or OW < 0.
/// Source: ONNX ConvTranspose-22; the filter has XNNPACK's layout.
struct ConvTranspose2D {
  using Attributes = detail::TransposedAttributes<2>;
  static constexpr OpSpec spec = detail::linear_spec("ConvTranspose2D");
  static constexpr const auto& types = detail::linear_types;
  static constexpr Weights weights{.transposed = true};
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::transposed_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    return detail::infer_transposed(a, context);
  }
};
static_assert(Operator<ConvTranspose2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ConvTranspose2D> Op>
struct Kernel<Op> : ops::detail::LinearKernel<ops::detail::TransposedConvolution<2>> {};

}  // namespace lithe::inline v0::portable
