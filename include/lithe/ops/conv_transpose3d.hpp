// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/transposed.hpp"

namespace lithe::inline v0::ops {

/// 3-D transposed convolution, grouped.
///   input [N, D, H, W, C]    filter [O, KD, KH, KW, C / group]    bias [O] optional
///   output [N, OD, OH, OW, O], OD = (D - 1) * stride + (KD - 1) * dilation + 1 + output_padding - front -
///   back, and so OH and OW
/// Units: strides, dilations and output_padding are {depth, height, width}, pads {front, top, left, back,
/// bottom, right}; all count output elements. Quantization and errors as in ConvTranspose2D.
/// Source: ONNX ConvTranspose-22.
struct ConvTranspose3D {
  using Attributes = detail::TransposedAttributes<3>;
  static constexpr OpSpec spec = detail::linear_spec("ConvTranspose3D");
  static constexpr const auto& types = detail::linear_types;
  static constexpr Weights weights{.transposed = true};
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::transposed_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    return detail::infer_transposed(a, context);
  }
};
static_assert(Operator<ConvTranspose3D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ConvTranspose3D> Op>
struct Kernel<Op> : ops::detail::LinearKernel<ops::detail::TransposedConvolution<3>> {};

}  // namespace lithe::inline v0::portable
