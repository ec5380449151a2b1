// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops {

/// Quantizes a tensor to u8 by the range of its own elements, which is widened to hold 0.
///   input [...]    output [...]    scale [], zero_point []
/// NaN does not count; an infinity counts as the largest float.
/// Source: ONNX DynamicQuantizeLinear-11.
struct DynamicQuantizeLinear {
  struct Attributes {
    static constexpr auto fields() { return Fields{}; }
  };
  static constexpr OpSpec spec{.name = "DynamicQuantizeLinear",
                               .inputs = {"input"},
                               .outputs = {"output", "scale", "zero_point"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{DType::f32}, {DType::u8, DType::f32, DType::u8}}};
  static constexpr Coding coding = Coding::quantizes_by_range;

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(context.output(0, context.shape(0)));
    LITHE_TRY(context.output(1, Shape{}));
    return context.output(2, Shape{});
  }
};
static_assert(Operator<DynamicQuantizeLinear>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::DynamicQuantizeLinear> Op>
struct Kernel<Op> {
  static Status run(const ops::DynamicQuantizeLinear::Attributes&, RunContext& context) {
    const TensorView& input = context.input(0);
    const auto* x = static_cast<const float*>(input.data);
    float low = 0, high = 0;
    for (index_t i = 0; i < input.elements(); ++i) {
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    const float range = high == low ? 1 : high - low;
    const float scale = std::min(range, std::numeric_limits<float>::max()) / 255;
    const auto zero_point = static_cast<std::int32_t>(std::nearbyint(std::clamp(-low / scale, 0.0F, 255.0F)));
    if (context.has_output(0)) {
      auto* y = static_cast<std::uint8_t*>(context.output(0).data);
      const ops::detail::Requantizer<std::uint8_t> quantize({}, scale, zero_point);
      for (index_t i = 0; i < input.elements(); ++i) y[i] = quantize(x[i] / scale);
    }
    if (context.has_output(1)) *static_cast<float*>(context.output(1).data) = scale;
    if (context.has_output(2))
      *static_cast<std::uint8_t*>(context.output(2).data) = static_cast<std::uint8_t>(zero_point);
    return {};
  }
};

}  // namespace lithe::inline v0::portable
