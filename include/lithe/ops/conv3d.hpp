// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/convolve.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"

namespace lithe::inline v0::ops {

/// 3-D convolution, grouped.
///   input [N, D, H, W, C]    filter [O, KD, KH, KW, C / group]    bias [O] optional
///   output [N, OD, OH, OW, O], OD = (D + front + back - (KD - 1) * dilation - 1) / stride + 1, and so OH and
///   OW
/// Units: strides and dilations are {depth, height, width}, pads {front, top, left, back, bottom, right}; all
/// count input elements. Quantization and errors as in Conv2D.
/// Source: ONNX Conv-22.
struct Conv3D {
  using Attributes = detail::ConvAttributes<3>;
  static constexpr OpSpec spec = detail::linear_spec("Conv3D");
  static constexpr const auto& types = detail::linear_types;
  static constexpr Weights weights{};
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::filter_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    return detail::infer_convolution(a, context);
  }
};
static_assert(Operator<Conv3D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Conv3D> Op>
struct Kernel<Op> : ops::detail::LinearKernel<ops::detail::Convolution<3>> {};

}  // namespace lithe::inline v0::portable
