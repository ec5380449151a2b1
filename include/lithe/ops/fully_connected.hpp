// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops {

/// Multiplies the last axis by a matrix of weights: output[..., n] = bias[n] + sum over k of input[..., k] *
/// filter[n, k].
///   input [..., K], rank at least 1    filter [N, K]    bias [N] optional    output [..., N]
/// Units: clamp is in real units. s8 and u8: input and output are quantized per tensor, the filter per tensor
/// or along axis 0 (s8: zero point 0); bias is s32 in steps of input scale * filter scale.
/// Errors: Code::shape if ranks, K or N disagree; Code::invalid_model for a clamp or a quantization out of
/// range; Code::unsupported for a quantization of another kind.
/// Source: ONNX Gemm-13 with transB = 1, at any rank.
struct FullyConnected {
  struct Attributes {
    Clamp clamp{};
    static constexpr auto fields() { return Fields{field("clamp", &Attributes::clamp)}; }
  };
  static constexpr OpSpec spec = detail::linear_spec("FullyConnected");
  static constexpr const auto& types = detail::linear_types;
  static constexpr Weights weights{};
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::filter_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    Shape output = context.shape(0);
    const Shape& filter = context.shape(1);
    if (output.rank() < 1) return {Code::shape, "the input must be [..., K]"};
    if (filter.rank() != 2) return {Code::shape, "the filter must be [N, K]"};
    if (output.back() != filter[1]) return {Code::shape, "the filter's K is not the input's last dimension"};
    if (context.has(2) && context.shape(2) != Shape{filter[0]}) return {Code::shape, "the bias must be [N]"};
    LITHE_TRY(detail::check_clamp(a.clamp));
    if (detail::is_quantized_8bit(context.dtype(0)))
      LITHE_TRY(detail::check_quantized_layer(context, 0, filter[0]));
    output[output.rank() - 1] = filter[0];
    return context.output(0, output);
  }
};
static_assert(Operator<FullyConnected>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// A fully connected layer as a LinearKernel runs it.
struct FullyConnectedLayer {
  using Attributes = FullyConnected::Attributes;

  static index_t channels(const Shape& filter) { return filter[0]; }

  template <class T>
  static void run(const Attributes& a, const RunContext& context) {
    const TensorView& input = context.input(0);
    const TensorView& filter = context.input(1);
    const index_t n = filter.shape[0], k = filter.shape[1];
    const Linear<T> linear(a.clamp, context, n);
    for (index_t i = 0; i < input.shape.rows(); ++i) {
      const T* x = input.row<T>(i);
      T* to = context.output().row<T>(i);
      for (index_t o = 0; o < n; ++o)
        to[o] = linear.store(linear.start(o) + linear.sum(x, filter.row<T>(o), k, o), o);
    }
  }
};

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <std::same_as<ops::FullyConnected> Op>
struct Kernel<Op> : ops::detail::LinearKernel<ops::detail::FullyConnectedLayer> {};

}  // namespace lithe::inline v0::portable
