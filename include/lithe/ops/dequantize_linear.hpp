// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/convert.hpp"
#include "lithe/ops/detail/scale_grid.hpp"

namespace lithe::inline v0::ops {

/// output = (input - zero_point) * scale, computed in float.
///   input [...]    scale, zero_point (optional): [] or [1] for all elements; [D] along `axis`; or one per
///   block along it
///   output: the input's shape
/// Errors: Code::shape where scale or zero point do not fit the input; Code::invalid_model for a negative
/// block_size.
/// Source: ONNX DequantizeLinear-25.
struct DequantizeLinear {
  using Attributes = detail::ScaledAttributes;
  static constexpr OpSpec spec{.name = "DequantizeLinear",
                               .inputs = {"input", "scale", "zero_point?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    constexpr std::array<std::array<DType, 2>, 5> reals{{{DType::f32, DType::f32},
                                                         {DType::f16, DType::f16},
                                                         {DType::bf16, DType::bf16},
                                                         {DType::f16, DType::f32},
                                                         {DType::f32, DType::f16}}};
    constexpr std::size_t n = detail::stored_dtypes.size() + 1;
    constexpr auto stored = [](std::size_t k) { return k == 0 ? DType::s32 : detail::stored_dtypes[k - 1]; };
    return std::array{TypeRow{{stored(i % n), reals[i / n][0], stored(i % n)}, {reals[i / n][1]}}...};
  }(std::make_index_sequence<5 * (detail::stored_dtypes.size() + 1)>{});
  static constexpr Coding coding = Coding::dequantizes;

  static Status infer(const Attributes& attributes, InferContext& context) {
    return detail::infer_scaled(context, attributes.axis, attributes.block_size);
  }
};
static_assert(Operator<DequantizeLinear>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::DequantizeLinear> Op>
struct Kernel<Op> {
  using Attributes = ops::DequantizeLinear::Attributes;

  template <TypeSet types = every_type>
  static Status run(const Attributes& attributes, RunContext& context) {
    if constexpr (ops::detail::has_small_floats(types))
      if (is_float(context.input(0).dtype)) return dequantize<types, double>(attributes, context);
    using Integer = std::conditional_t<types.has(DType::s32), std::int64_t, std::int32_t>;
    return dequantize<types, Integer>(attributes, context);
  }

 private:
  template <TypeSet types, class T>
  static Status dequantize(const Attributes& attributes, RunContext& context) {
    namespace d = ops::detail;
    const TensorView& input = context.input(0);
    LITHE_ASSIGN_OR_RETURN(const d::ScaleGrid grid, d::scale_grid(input.shape, context.input(1).shape,
                                                                  attributes.axis, attributes.block_size));
    T buffer[d::chunk], zero_points[d::chunk] = {};
    float scales[d::chunk], reals[d::chunk];
    const auto scale_at = [&](index_t i) {
      float s;
      return *d::load_floats(context.input(1), i, 1, &s);
    };
    const auto zero_point_at = [&](index_t i) {
      T z;
      return *d::load<types>(context.input(2), i, 1, &z);
    };
    for (index_t first = 0, total = input.elements(); first < total; first += d::chunk) {
      const index_t n = std::min(d::chunk, total - first);
      if (first == 0 || !grid.single) {
        d::fill_by_scale(grid, first, grid.single ? d::chunk : n, scales, scale_at);
        if (context.has(2))
          d::fill_by_scale(grid, first, grid.single ? d::chunk : n, zero_points, zero_point_at);
      }
      const T* x = d::load<types>(input, first, n, buffer);
      for (index_t i = 0; i < n; ++i) reals[i] = static_cast<float>(x[i] - zero_points[i]) * scales[i];
      d::store_floats<types.without(DType::s8, DType::u8)>(context.output(), first, n, reals);
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
