// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/convert.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/gemm.hpp"

namespace lithe::inline v0::ops {

/// Normalizes each channel by given statistics: output = (input - mean) / sqrt(variance + epsilon) * scale +
/// bias.
///   input [..., C]    scale, bias, mean, variance [C]    output [..., C]
/// Errors: Code::shape for a scalar input or vectors of another size; Code::invalid_model unless epsilon is
/// finite and not negative.
/// Source: ONNX BatchNormalization-15 in inference, channels last.
struct BatchNormalization {
  struct Attributes {
    float epsilon = 1e-5f;
    static constexpr auto fields() { return Fields{field("epsilon", &Attributes::epsilon)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "BatchNormalization",
                               .inputs = {"input", "scale", "bias", "mean", "variance"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true};
  static constexpr TypeRow types[] = {{{f32, f32, f32, f32, f32}, {f32}},
                                      {{f16, f16, f16, f16, f16}, {f16}},
                                      {{f64, f64, f64, f64, f64}, {f64}}};

  static Status infer(const Attributes& attributes, InferContext& context) {
    if (!std::isfinite(attributes.epsilon) || attributes.epsilon < 0)
      return {Code::invalid_model, "BatchNormalization's epsilon is negative or not finite"};
    if (context.rank(0) < 1) return {Code::shape, "BatchNormalization needs a channel axis"};
    const Shape channels{context.shape(0).back()};
    for (int i = 1; i < 5; ++i)
      if (context.shape(i) != channels)
        return {Code::shape, "BatchNormalization needs one scale, bias, mean and variance per channel"};
    return context.output(0, context.shape(0));
  }
  static RowSpan rows(const Attributes&, const NodeInfo& node, int input, RowSpan output) {
    return input == 0 ? detail::same_rows(node, input, output) : RowSpan{0, 0};
  }
};
static_assert(Operator<BatchNormalization>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::BatchNormalization> Op>
struct Kernel<Op> {
  using Attributes = ops::BatchNormalization::Attributes;

  /// Three numbers per channel: mean, factor, bias.
  static Status reshape(const Attributes&, ReshapeContext& context) {
    const std::uint64_t wide = context.inputs[0].dtype == DType::f64 ? sizeof(double) : sizeof(float);
    return ops::detail::ask_workspace(context,
                                      3 * wide * static_cast<std::uint64_t>(context.inputs[0].shape.back()));
  }
  static Status run(const Attributes& attributes, RunContext& context) {
    context.input(0).dtype == DType::f64 ? normalize<double>(attributes, context)
                                         : normalize<float>(attributes, context);
    return {};
  }

 private:
  template <class T>
  static void copy(const TensorView& vector, T* to) {
    const index_t n = vector.elements();
    for (index_t first = 0; first < n; first += ops::detail::chunk) {
      const index_t count = std::min(ops::detail::chunk, n - first);
      const T* from = ops::detail::load(vector, first, count, to + first);
      if (from != to + first) std::copy_n(from, count, to + first);
    }
  }

  template <class T>
  static void normalize(const Attributes& attributes, RunContext& context) {
    const TensorView& input = context.input(0);
    const index_t channels = input.shape.back(), total = input.elements();
    T* mean = reinterpret_cast<T*>(context.workspace().data());
    T *factor = mean + channels, *bias = factor + channels;
    copy(context.input(4), mean);
    copy(context.input(1), factor);
    for (index_t c = 0; c < channels; ++c)
      factor[c] /= std::sqrt(mean[c] + static_cast<T>(attributes.epsilon));
    copy(context.input(3), mean);
    copy(context.input(2), bias);

    T buffer[ops::detail::chunk], result[ops::detail::chunk];
    for (index_t row = 0; row < total; row += channels)
      for (index_t c = 0; c < channels; c += ops::detail::chunk) {
        const index_t n = std::min(ops::detail::chunk, channels - c);
        const T* x = ops::detail::load(input, row + c, n, buffer);
        for (index_t i = 0; i < n; ++i) result[i] = (x[i] - mean[c + i]) * factor[c + i] + bias[c + i];
        ops::detail::store(context.output(), row + c, n, result);
      }
  }
};

}  // namespace lithe::inline v0::portable
