// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/normalize.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// The attributes of LayerNormalization and RMSNormalization.
struct TrailingAxesAttributes {
  std::int32_t axis = -1;  ///< the first normalized axis; negative: from the back
  float epsilon = 1e-5f;
  static constexpr auto fields() {
    return Fields{field("axis", &TrailingAxesAttributes::axis),
                  field("epsilon", &TrailingAxesAttributes::epsilon)};
  }
};

/// output = (input - mean) / sqrt(variance + epsilon) * scale + bias, over the axes from `axis` on.
///   input [...]    scale, bias: the shape of the normalized axes, optional    output: the input's shape
///   mean, inverse_deviation: the input's shape with 1 for each normalized axis, f32
/// Errors: Code::invalid_model for an axis or an epsilon out of range; Code::shape for a scale or bias of
/// another shape.
/// Source: ONNX LayerNormalization-17.
struct LayerNormalization {
  using Attributes = TrailingAxesAttributes;
  using enum DType;
  static constexpr OpSpec spec{.name = "LayerNormalization",
                               .inputs = {"input", "scale?", "bias?"},
                               .outputs = {"output", "mean?", "inverse_deviation?"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true};
  static constexpr TypeRow types[] = {{{f32, f32, f32}, {f32, f32, f32}},
                                      {{f16, f16, f16}, {f16, f32, f32}},
                                      {{bf16, bf16, bf16}, {bf16, f32, f32}},
                                      {{f64, f64, f64}, {f64, f32, f32}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::check_epsilon(a.epsilon));
    const int axis = normalize_axis(a.axis, context.rank(0));
    if (axis < 0) return {Code::invalid_model, "axis is outside the input's rank"};
    LITHE_TRY(detail::check_trailing(context, 1, axis));
    LITHE_TRY(detail::check_trailing(context, 2, axis));
    Shape statistics = context.shape(0);
    for (int i = axis; i < statistics.rank(); ++i) statistics[i] = 1;
    LITHE_TRY(context.output(0, context.shape(0)));
    LITHE_TRY(context.output(1, statistics));
    return context.output(2, statistics);
  }
};
static_assert(Operator<LayerNormalization>);

/// output = input / sqrt(mean of input^2 + epsilon) * scale, over the axes from `axis` on.
///   input [...]    scale: the shape of the normalized axes, optional    output: the input's shape
/// Errors: as LayerNormalization.
/// Source: ONNX RMSNormalization-23.
struct RMSNormalization {
  using Attributes = TrailingAxesAttributes;
  using enum DType;
  static constexpr OpSpec spec{.name = "RMSNormalization",
                               .inputs = {"input", "scale?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true};
  static constexpr TypeRow types[] = {
      {{f32, f32}, {f32}}, {{f16, f16}, {f16}}, {{bf16, bf16}, {bf16}}, {{f64, f64}, {f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::check_epsilon(a.epsilon));
    const int axis = normalize_axis(a.axis, context.rank(0));
    if (axis < 0) return {Code::invalid_model, "axis is outside the input's rank"};
    LITHE_TRY(detail::check_trailing(context, 1, axis));
    return context.output(0, context.shape(0));
  }
};
static_assert(Operator<RMSNormalization>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// Normalizes one row of n elements: y = (x - mean) * factor * scale + bias; y may be x.
template <class T>
void scale_row(const T* x, T* y, index_t n, Accumulator<T> mean, Accumulator<T> factor, const T* scale,
               const T* bias) {
  using Acc = Accumulator<T>;
  Acc result[channel_block];
  for (index_t first = 0; first < n; first += channel_block) {
    const index_t count = n - first < channel_block ? n - first : channel_block;
    for_block(count, [&](index_t i) { result[i] = (static_cast<Acc>(x[first + i]) - mean) * factor; });
    if (scale != nullptr)
      for_block(count, [&](index_t i) { result[i] *= static_cast<Acc>(scale[first + i]); });
    if (bias != nullptr) for_block(count, [&](index_t i) { result[i] += static_cast<Acc>(bias[first + i]); });
    for_block(count, [&](index_t i) { y[first + i] = static_cast<T>(result[i]); });
  }
}

/// Normalizes the rows that the axes from `axis` on form: around their mean if `centered`, else around 0.
template <class T, bool centered>
void normalize_rows(const TrailingAxesAttributes& a, RunContext& context) {
  using Acc = Accumulator<T>;
  const Shape& shape = context.input(0).shape;
  const int axis = normalize_axis(a.axis, shape.rank());
  const index_t rows = shape.product(0, axis), n = shape.product(axis, shape.rank());
  const T *input = static_cast<const T*>(context.input(0).data), *scale = optional_data<T>(context, 1),
          *bias = centered ? optional_data<T>(context, 2) : nullptr;
  T* output = static_cast<T*>(context.output().data);
  const auto keep = [&](int o, index_t row, Acc value) {
    if (context.has_output(o)) static_cast<float*>(context.output(o).data)[row] = static_cast<float>(value);
  };
  const auto normalize = [&](index_t row) {
    const T* x = input + row * n;
    Acc mean = 0;
    if constexpr (centered)
      mean = lane_sum<Acc>(n, [&](index_t i) { return static_cast<Acc>(x[i]); }) / static_cast<Acc>(n);
    const Acc squares = lane_sum<Acc>(n, [&](index_t i) {
      const Acc off = static_cast<Acc>(x[i]) - mean;
      return off * off;
    });
    const Acc factor = 1 / std::sqrt(squares / static_cast<Acc>(n) + static_cast<Acc>(a.epsilon));
    scale_row(x, output + row * n, n, mean, factor, scale, bias);
    if constexpr (centered) {
      keep(1, row, mean);
      keep(2, row, factor);
    }
  };
  constexpr index_t grain = 16384, most = 256;
  const Ranges ranges(rows, n, grain, most);
  in_parallel(context.threads(), ranges.count, [&](index_t part) {
    for (index_t i = 0; i < ranges.length(part); ++i) normalize(ranges.first(part) + i);
  });
}

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <std::same_as<ops::LayerNormalization> Op>
struct Kernel<Op> {
  static Status run(const ops::TrailingAxesAttributes& a, RunContext& context) {
    return ops::detail::for_float_type(context.input(0).dtype,
                                       [&]<class T>() { ops::detail::normalize_rows<T, true>(a, context); });
  }
};

template <std::same_as<ops::RMSNormalization> Op>
struct Kernel<Op> {
  static Status run(const ops::TrailingAxesAttributes& a, RunContext& context) {
    return ops::detail::for_float_type(context.input(0).dtype,
                                       [&]<class T>() { ops::detail::normalize_rows<T, false>(a, context); });
  }
};

}  // namespace lithe::inline v0::portable
