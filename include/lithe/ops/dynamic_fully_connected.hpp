// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops {

/// Multiplies rows that DynamicQuantize made by a matrix of 8- or 4-bit weights: output[..., n] = bias[n] +
/// row scale * filter scale[n] * sum over k of (input[..., k] - row zero point) * filter[n, k].
///   input [..., K], rank at least 1    filter [N, K]    bias [N] optional
///   steps [..., 2]: the scale and the zero point of each row    output [..., N]
/// Units: clamp and bias are in real units. The filter has zero points 0; s8 is quantized per tensor or along
/// axis 0, s4 (even K) also in blocks along K. The sum has 32 bits and wraps.
/// Errors: Code::shape if ranks, rows, K or N disagree; Code::invalid_model for a quantization out of range
/// or absent steps; Code::unsupported for a quantization of another kind.
/// Source: XNNPACK's fully_connected_nc_qd8_f32_qc8w, qc4w and qb4w.
struct DynamicFullyConnected {
  struct Attributes {
    Clamp clamp{};
    static constexpr auto fields() { return Fields{field("clamp", &Attributes::clamp)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "DynamicFullyConnected",
                               .inputs = {"input", "filter", "bias?", "steps?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{s8, s8, f32, f32}, {f32}}, {{s8, s4, f32, f32}, {f32}}};
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
    Shape steps = output;
    steps[steps.rank() - 1] = 2;
    if (!context.has(3)) return {Code::invalid_model, "the rows have no steps"};
    if (context.shape(3) != steps) return {Code::shape, "the steps must be [..., 2], a pair for each row"};
    LITHE_TRY(detail::check_clamp(a.clamp));
    LITHE_TRY(context.dtype(1) == s4
                  ? check_s4(context.quantization(1), filter)
                  : detail::check_filter(context.quantization(1), context.dtype(1), 0, filter[0]));
    output[output.rank() - 1] = filter[0];
    return context.output(0, output);
  }

 private:
  static Status check_s4(const Quantization* q, const Shape& filter) {
    if (filter[1] % 2 != 0) return {Code::unsupported, "an s4 filter must have an even K"};
    if (q == nullptr) return {Code::invalid_model, "an s4 filter has no quantization"};
    for (index_t i = 0; q->zero_point != nullptr && i < q->count; ++i)
      if (bits(q->zero_point_dtype) < 8 || q->zero_point_at(i) != 0)
        return {Code::unsupported, "an s4 filter must have zero point 0, stored in 8 bits or more if at all"};
    const bool blocks = q->block > 0 && q->axis == 1 && filter[1] % q->block == 0 &&
                        q->count == static_cast<std::int64_t>(filter[0]) * (filter[1] / q->block);
    if (!blocks && (q->block != 0 || (q->count != 1 && (q->count != filter[0] || q->axis != 0))))
      return {Code::unsupported,
              "an s4 filter must be quantized per tensor, output channel or block along K"};
    for (index_t i = 0; i < q->count; ++i)
      if (!detail::usable_scale(q->scale_at(i)))
        return {Code::invalid_model, "a quantization scale is not finite and positive"};
    return {};
  }
};
static_assert(Operator<DynamicFullyConnected>);

namespace detail {

/// The zero point of a row, which is data: 0 where it is not a number that s8 holds.
inline std::int32_t row_zero_point(float stored) {
  return stored >= -128 && stored <= 127 ? static_cast<std::int32_t>(stored) : 0;
}

}  // namespace detail

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::DynamicFullyConnected> Op>
struct Kernel<Op> {
  using Attributes = ops::DynamicFullyConnected::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status run(const Attributes& a, RunContext& context) {
    return context.input(1).dtype == DType::s4
               ? run_with(a, context,
                          [](const std::byte* row, index_t j) {
                            const auto two = static_cast<std::uint8_t>(row[j / 2]);
                            return static_cast<std::int32_t>((j % 2 == 0 ? two & 15 : two >> 4) ^ 8) - 8;
                          })
               : run_with(a, context, [](const std::byte* row, index_t j) {
                   return static_cast<std::int32_t>(static_cast<std::int8_t>(row[j]));
                 });
  }

 private:
  /// `weight(row, j)` is element j of a row of the filter.
  template <class Weight>
  static Status run_with(const Attributes& a, RunContext& context, Weight weight) {
    const TensorView &input = context.input(0), &filter = context.input(1);
    const index_t n = filter.shape[0], k = filter.shape[1];
    const Quantization& scales = *filter.quantization;
    const index_t block = scales.block > 0 ? scales.block : k, blocks = block == 0 ? 0 : k / block;
    const auto* bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr;
    const auto row_bytes = static_cast<index_t>(filter.dtype == DType::s4 ? k / 2 : filter.pitch);
    for (index_t i = 0; i < input.shape.rows(); ++i) {
      const auto* x = input.row<std::int8_t>(i);
      const auto* steps = context.input(3).row<float>(i);
      const std::int32_t zero_point = ops::detail::row_zero_point(steps[1]);
      auto* to = context.output().row<float>(i);
      for (index_t o = 0; o < n; ++o) {
        const auto* w = static_cast<const std::byte*>(filter.data) + o * row_bytes;
        float real = 0;
        for (index_t b = 0; b < blocks; ++b) {
          std::uint32_t sum = 0;  // wraps
          for (index_t j = b * block; j < (b + 1) * block; ++j)
            sum += static_cast<std::uint32_t>((x[j] - zero_point) * weight(w, j));
          const float scale = scales.count == 1 ? scales.scale_at(0) : scales.scale_at(o * blocks + b);
          real += static_cast<float>(static_cast<std::int32_t>(sum)) * steps[0] * scale;
        }
        to[o] = a.clamp(real + (bias == nullptr ? 0 : bias[o]));
      }
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
