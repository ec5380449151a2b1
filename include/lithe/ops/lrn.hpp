// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// output = input / (bias + alpha / size * sum of input^2 over `size` neighbouring channels) ^ beta.
///   input [..., C], rank at least 1    output: the input's shape
/// Units: the neighbours of channel c are the channels in [c - (size - 1) / 2, c + size / 2] that exist.
/// Errors: Code::invalid_model for a size below 1 or another attribute that is not finite; Code::shape for a
/// scalar.
/// Source: ONNX LRN-13, channels last.
struct LRN {
  struct Attributes {
    std::int32_t size = 1;
    float alpha = 1e-4f, beta = 0.75f, bias = 1;
    static constexpr auto fields() {
      return Fields{field("size", &Attributes::size), field("alpha", &Attributes::alpha),
                    field("beta", &Attributes::beta), field("bias", &Attributes::bias)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "LRN", .inputs = {"input"}, .outputs = {"output"}, .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32}, {f32}}, {{f16}, {f16}}, {{bf16}, {bf16}}, {{f64}, {f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    if (a.size < 1) return {Code::invalid_model, "LRN's size is below 1"};
    if (!std::isfinite(a.alpha) || !std::isfinite(a.beta) || !std::isfinite(a.bias))
      return {Code::invalid_model, "LRN's alpha, beta or bias is not finite"};
    if (context.rank(0) < 1) return {Code::shape, "LRN needs a channel axis"};
    return context.output(0, context.shape(0));
  }
  static RowSpan rows(const Attributes&, const NodeInfo& node, int input, RowSpan output) {
    return detail::same_rows(node, input, output);
  }
};
static_assert(Operator<LRN>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::LRN> Op>
struct Kernel<Op> {
  using Attributes = ops::LRN::Attributes;

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_float_type(context.input(0).dtype, [&]<class T>() { normalize<T>(a, context); });
  }

 private:
  template <class T>
  static void normalize(const Attributes& a, RunContext& context) {
    const Shape& shape = context.input(0).shape;
    const index_t channels = shape.back();
    const ops::detail::Ranges ranges(shape.rows(), channels, 4096, 256);
    ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t part) {
      for (index_t i = 0; i < ranges.length(part); ++i) {
        const index_t at = (ranges.first(part) + i) * channels;
        row(a, static_cast<const T*>(context.input(0).data) + at, static_cast<T*>(context.output().data) + at,
            channels);
      }
    });
  }

  template <class T>
  static void row(const Attributes& a, const T* x, T* y, index_t channels) {
    using Acc = ops::detail::Accumulator<T>;
    using ops::detail::channel_block;
    const index_t before = std::min<index_t>((a.size - 1) / 2, channels),
                  after = std::min<index_t>(a.size / 2, channels);
    const Acc alpha = static_cast<Acc>(a.alpha) / static_cast<Acc>(a.size), bias = static_cast<Acc>(a.bias);
    for (index_t c = 0; c < channels; c += channel_block) {
      const index_t count = std::min(channel_block, channels - c);
      Acc sums[channel_block] = {};
      for (index_t off = -before; off <= after; ++off) {
        const index_t low = std::max<index_t>(0, -(c + off)), high = std::min(count, channels - c - off);
        const T* neighbour = x + c + off;
        if (low == 0 && high == channel_block)
          ops::detail::for_block(channel_block, [&](index_t i) { sums[i] += square<Acc>(neighbour[i]); });
        else
          for (index_t i = low; i < high; ++i) sums[i] += square<Acc>(neighbour[i]);
      }
      for (index_t i = 0; i < count; ++i)
        y[c + i] = static_cast<T>(static_cast<Acc>(x[c + i]) / power(bias + alpha * sums[i], a.beta));
    }
  }
  template <class Acc, class T>
  static Acc square(T x) {
    return static_cast<Acc>(x) * static_cast<Acc>(x);
  }
  template <class Acc>
  static Acc power(Acc base, float exponent) {
    if (exponent == 0.75f) return std::sqrt(base) * std::sqrt(std::sqrt(base));
    return std::pow(base, static_cast<Acc>(exponent));
  }
};

}  // namespace lithe::inline v0::portable
