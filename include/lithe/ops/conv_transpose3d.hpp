// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/transposed.hpp"

namespace lithe::inline v0::ops {

/// 3-D transposed convolution, grouped.
///   input [N, D, H, W, C]    filter [O, KD, KH, KW, C / group]    bias [O] optional
///   output [N, OD, OH, OW, O], OD = (D - 1) * stride + (KD - 1) * dilation + 1 + output_padding - front -
///   back, OH, OW alike
/// Units, quantization and errors as in ConvTranspose2D.
/// Source: ONNX ConvTranspose-22.
struct ConvTranspose3D {
  using Attributes = detail::TransposedAttributes<3>;
  static constexpr OpSpec spec{.name = "ConvTranspose3D",
                               .version = 1,
                               .inputs = {"input", "filter", "bias?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
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

template <>
struct Kernel<ops::ConvTranspose3D> : ops::detail::TransposedKernel<3> {};

}  // namespace lithe::inline v0::portable
