// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops {

/// Quantizes each row (of the last axis) to s8, by the range of its own elements, which is widened to hold 0.
/// DynamicFullyConnected reads the result.
///   input [..., K], rank at least 1    output [..., K]    steps [..., 2]: the scale and the zero point of
///   each row
/// NaN does not count; an infinity counts as the largest float. XNNPACK leaves such rows undefined.
/// Errors: Code::shape for a scalar.
/// Source: XNNPACK's convert_nc_f32_qd8.
struct DynamicQuantize {
  struct Attributes {
    static constexpr auto fields() { return Fields{}; }
  };
  static constexpr OpSpec spec{.name = "DynamicQuantize",
                               .inputs = {"input"},
                               .outputs = {"output", "steps"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{DType::f32}, {DType::s8, DType::f32}}};

  static Status infer(const Attributes&, InferContext& context) {
    Shape shape = context.shape(0);
    if (shape.rank() < 1) return {Code::shape, "the input must be [..., K]"};
    LITHE_TRY(context.output(0, shape));
    shape[shape.rank() - 1] = 2;
    return context.output(1, shape);
  }
};
static_assert(Operator<DynamicQuantize>);

namespace detail {

/// The quantization of a row: stored = real * inverse + zero_point.
struct RowSteps {
  float inverse, scale;
  std::int32_t zero_point;
};

/// Computes as XNNPACK does: the zero point comes from that end of the range which needs less rounding.
inline RowSteps row_steps(float low, float high) {
  constexpr float smallest = -128, largest = 127;
  const float range = std::min(high - low, std::numeric_limits<float>::max());
  const float inverse = low == high ? 1.0F : 255.0F / range;
  const float steps_low = low * inverse, steps_high = high * inverse;
  const bool from_low = (smallest + steps_low) + (largest + steps_high) > 0;
  const float zero = std::clamp(from_low ? smallest - steps_low : largest - steps_high, smallest, largest);
  const float scale = 1.0F / inverse;
  return {1.0F / scale, scale, static_cast<std::int32_t>(std::nearbyint(zero))};
}

}  // namespace detail

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::DynamicQuantize> Op>
struct Kernel<Op> {
  static constexpr bool strided_inputs = true;

  static Status run(const ops::DynamicQuantize::Attributes&, RunContext& context) {
    const TensorView& input = context.input(0);
    const index_t k = input.shape.back();
    for (index_t i = 0; i < input.shape.rows(); ++i) {
      const float* x = input.row<float>(i);
      float low = 0, high = 0;
      for (index_t j = 0; j < k; ++j) {
        low = std::min(low, x[j]);
        high = std::max(high, x[j]);
      }
      low = std::max(low, std::numeric_limits<float>::lowest());
      high = std::min(high, std::numeric_limits<float>::max());
      const ops::detail::RowSteps steps = ops::detail::row_steps(low, high);
      if (context.has_output(0)) {
        auto* y = context.output(0).row<std::int8_t>(i);
        const ops::detail::Requantizer<std::int8_t> quantize({}, 1, steps.zero_point);
        for (index_t j = 0; j < k; ++j) y[j] = quantize(x[j] * steps.inverse);
      }
      if (!context.has_output(1)) continue;
      auto* pair = context.output(1).row<float>(i);
      pair[0] = steps.scale;
      pair[1] = static_cast<float>(steps.zero_point);
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
