// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/convert.hpp"
#include "lithe/ops/detail/scale_grid.hpp"

namespace lithe::inline v0::ops {

/// output = saturate(round(input / scale) + zero_point); halves are rounded to even, NaN gives the lowest
/// integer.
///   input [...]    scale, zero_point (optional): [] or [1] for all elements; [D] along `axis`; or one per
///   block along it
///   output: the input's shape
/// The zero point has the output's dtype. Output floats of 8 bits saturate if `saturate`; those of 4 bits
/// always do. The division is done in float (s32 input: in double) whatever the scale's dtype. Floats become
/// s8 or u8 of a single constant scale by multiplying with its reciprocal, as XNNPACK does, so that a number
/// half-way between two integers goes to the same one on every machine.
/// Errors: Code::shape where scale or zero point do not fit the input; Code::invalid_model for a negative
/// block_size.
/// Source: ONNX QuantizeLinear-25.
struct QuantizeLinear {
  struct Attributes {
    std::int64_t axis = 1;        ///< negative: from the back; ignored with one scale
    std::int64_t block_size = 0;  ///< elements along the axis that share a scale; 0: one scale per index
    bool saturate = true;
    static constexpr auto fields() {
      return Fields{field("axis", &Attributes::axis), field("block_size", &Attributes::block_size),
                    field("saturate", &Attributes::saturate)};
    }
  };
  static constexpr OpSpec spec{.name = "QuantizeLinear",
                               .inputs = {"input", "scale", "zero_point?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    constexpr std::array<std::array<DType, 2>, 6> sources{{{DType::f32, DType::f32},
                                                           {DType::f16, DType::f16},
                                                           {DType::s32, DType::f32},
                                                           {DType::f32, DType::f16},
                                                           {DType::f16, DType::f32},
                                                           {DType::bf16, DType::bf16}}};
    constexpr auto& stored = detail::stored_dtypes;
    constexpr std::size_t n = stored.size();
    return std::array{TypeRow{{sources[i / n][0], sources[i / n][1], stored[i % n]}, {stored[i % n]}}...};
  }(std::make_index_sequence<6 * detail::stored_dtypes.size()>{});
  static constexpr Coding coding = Coding::quantizes;

  static Status infer(const Attributes& attributes, InferContext& context) {
    return detail::infer_scaled(context, attributes.axis, attributes.block_size);
  }
};
static_assert(Operator<QuantizeLinear>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::QuantizeLinear> Op>
struct Kernel<Op> {
  using Attributes = ops::QuantizeLinear::Attributes;

  Status create(const Attributes&, CreateContext& context) {
    constant_scale_ = context.node.input(1).constant();
    return {};
  }
  template <TypeSet types = every_type>
  Status run(const Attributes& attributes, RunContext& context) const {
    if constexpr (types.has(DType::s32))
      if (context.input(0).dtype == DType::s32) return quantize<types, double>(attributes, context);
    return quantize<types, float>(attributes, context);
  }

 private:
  template <TypeSet types, class T>
  Status quantize(const Attributes& attributes, RunContext& context) const {
    namespace d = ops::detail;
    const TensorView& input = context.input(0);
    constexpr bool small_floats = d::has_small_floats(types);
    const bool to_floats = small_floats && is_float(context.output().dtype);
    LITHE_ASSIGN_OR_RETURN(const d::ScaleGrid grid, d::scale_grid(input.shape, context.input(1).shape,
                                                                  attributes.axis, attributes.block_size));
    T buffer[d::chunk], scales[d::chunk], zero_points[d::chunk] = {};
    const auto scale_at = [&](index_t i) {
      float s;
      return static_cast<T>(*d::load_floats(context.input(1), i, 1, &s));
    };
    const auto zero_point_at = [&](index_t i) {
      if constexpr (small_floats)
        if (double real; to_floats) return static_cast<T>(*d::load_doubles(context.input(2), i, 1, &real));
      std::int32_t integer;
      return static_cast<T>(*d::load_integers<types>(context.input(2), i, 1, &integer));
    };
    const T inverse = inverse_scale<T>(grid, context.output().dtype, scale_at);
    for (index_t first = 0, total = input.elements(); first < total; first += d::chunk) {
      const index_t n = std::min(d::chunk, total - first);
      if (first == 0 || !grid.single) {
        d::fill_by_scale(grid, first, grid.single ? d::chunk : n, scales, scale_at);
        if (context.has(2))
          d::fill_by_scale(grid, first, grid.single ? d::chunk : n, zero_points, zero_point_at);
      }
      const T* x = d::load<types.without(DType::s8, DType::u8)>(input, first, n, buffer);
      if (inverse != 0)
        for (index_t i = 0; i < n; ++i) buffer[i] = x[i] * inverse;
      else
        for (index_t i = 0; i < n; ++i) buffer[i] = x[i] / scales[i];
      if constexpr (small_floats)
        if (to_floats) {
          store_floats(attributes, context, first, n, buffer, zero_points);
          continue;
        }
      store_integers<types>(context, first, n, buffer, zero_points);
    }
    return {};
  }

  /// 1 / scale where the output is s8 or u8 with a single constant scale, else 0.
  template <class T, class ScaleAt>
  T inverse_scale(const ops::detail::ScaleGrid& grid, DType stored, ScaleAt scale_at) const {
    if (!std::is_same_v<T, float> || !constant_scale_ || !grid.single ||
        !ops::detail::is_quantized_8bit(stored))
      return 0;
    const T inverse = 1 / scale_at(0);
    return inverse >= std::numeric_limits<float>::min() && inverse <= std::numeric_limits<float>::max()
               ? inverse
               : 0;
  }

  template <TypeSet types, class T>
  static void store_integers(RunContext& context, index_t first, index_t n, const T* steps,
                             const T* zero_points) {
    const int width = bits(context.output().dtype);
    const T low = is_signed_integer(context.output().dtype) ? static_cast<T>(-(1 << (width - 1))) : T{},
            high = low + static_cast<T>((1 << width) - 1);
    std::int32_t stored[ops::detail::chunk];
    for (index_t i = 0; i < n; ++i) {
      const T zero_point = zero_points[i];
      stored[i] = static_cast<std::int32_t>(
          ops::detail::round_to_even(ops::detail::limit(steps[i], low - zero_point, high - zero_point)) +
          static_cast<std::int32_t>(zero_point));
    }
    ops::detail::store_integers<types>(context.output(), first, n, stored);
  }
  template <class T>
  static void store_floats(const Attributes& attributes, RunContext& context, index_t first, index_t n,
                           const T* steps, const T* zero_points) {
    double stored[ops::detail::chunk];
    for (index_t i = 0; i < n; ++i) stored[i] = static_cast<double>(steps[i] + zero_points[i]);
    ops::detail::store_doubles(context.output(), first, n, stored, attributes.saturate);
  }

  bool constant_scale_ = false;
};

}  // namespace lithe::inline v0::portable
