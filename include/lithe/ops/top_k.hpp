// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/lines.hpp"
#include "lithe/ops/detail/order.hpp"

namespace lithe::inline v0::ops {

/// Finds the k largest or smallest elements along an axis, sorted, and their places. Of equal elements the
/// first comes first; NaN is above all numbers.
///   input [...], rank at least 1    k: one number, s64, in [0, size of the axis]
///   values, indices s64: the input's shape with k for the axis
/// Units: axis may be negative (from the back). Quantized tensors are compared as they are stored.
/// Errors: Code::needs_value while k is unknown; Code::invalid_model for an axis out of range, or values
/// quantized unlike the input; Code::shape for k out of range; Code::out_of_range from run where k has
/// changed.
/// Source: ONNX TopK-24; whether sorted or not, the output is sorted.
struct TopK {
  struct Attributes {
    std::int64_t axis = -1;
    bool largest = true;
    static constexpr auto fields() {
      return Fields{field("axis", &Attributes::axis), field("largest", &Attributes::largest)};
    }
  };
  static constexpr OpSpec spec{.name = "TopK", .inputs = {"input", "k"}, .outputs = {"values", "indices"}};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array{
        TypeRow{{detail::everything.dtypes[i], DType::s64}, {detail::everything.dtypes[i], DType::s64}}...};
  }(std::make_index_sequence<detail::everything.dtypes.size()>{});
  static constexpr bool extremes_decide = true;

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::same_scale(context, 0, 0));
    Shape shape = context.shape(0);
    const int axis = normalize_axis(a.axis, shape.rank());
    if (axis < 0) return {Code::invalid_model, "axis is outside the input's rank"};
    LITHE_ASSIGN_OR_RETURN(const IntList k, context.ints(1));
    if (k.size() != 1 || k[0] < 0 || k[0] > shape[axis])
      return {Code::shape, "k must be one number, from 0 to the size of the axis"};
    shape[axis] = static_cast<index_t>(k[0]);
    LITHE_TRY(context.output(0, shape));
    return context.output(1, shape);
  }
};
static_assert(Operator<TopK>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::TopK> Op>
struct Kernel<Op> {
  using Attributes = ops::TopK::Attributes;

  /// The workspace holds a line's elements, widened to 8 bytes, and their order.
  static Status reshape(const Attributes& a, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    return ops::detail::ask_workspace(
        context, 16 * static_cast<std::uint64_t>(shape[normalize_axis(a.axis, shape.rank())]));
  }

  static Status run(const Attributes& a, RunContext& context) {
    TensorView input = context.input(0);
    input.quantization = nullptr;
    const int axis = normalize_axis(a.axis, input.shape.rank());
    const bool values = context.has_output(0), indices = context.has_output(1);
    Shape shape = input.shape;
    shape[axis] =
        static_cast<index_t>(std::clamp<std::int64_t>(integer_at(context.input(1), 0), 0, shape[axis]));
    if ((values && !(context.output(0).shape == shape)) || (indices && !(context.output(1).shape == shape)))
      return {Code::out_of_range, "k changed after the output shape was inferred"};
    return ops::detail::with_arithmetic<ops::detail::everything>(
        input, [&]<class T>(T) { choose<T>(a, context, input, axis, shape); });
  }

 private:
  template <class T>
  static void choose(const Attributes& a, RunContext& context, const TensorView& input, int axis,
                     const Shape& shape) {
    namespace detail = ops::detail;
    const detail::Lines from(input.shape, axis), to(shape, axis);
    if (shape.elements() == 0) return;
    auto* order = reinterpret_cast<std::int64_t*>(context.workspace().data());
    T* numbers = reinterpret_cast<T*>(order + from.length);
    Tensor chosen = context.has_output(0) ? context.output(0) : Tensor{};
    chosen.quantization = nullptr;
    const auto before = [&](std::int64_t i, std::int64_t j) {
      const T x = numbers[a.largest ? j : i], y = numbers[a.largest ? i : j];
      return detail::ordered_before(x, y) || (!detail::ordered_before(y, x) && i < j);
    };
    index_t line = 0;
    from.for_each([&](index_t start) {
      for (index_t k = 0; k < from.length; ++k) {
        order[k] = k;
        T buffer[1];
        numbers[k] = *detail::load(input, start + k * from.stride, 1, buffer);
      }
      std::partial_sort(order, order + to.length, order + from.length, before);
      const index_t first = line / to.stride * to.length * to.stride + line % to.stride;
      for (index_t k = 0; k < to.length; ++k) {
        const index_t at = first + k * to.stride;
        if (chosen) detail::store(chosen, at, 1, numbers + order[k]);
        if (context.has_output(1)) static_cast<std::int64_t*>(context.output(1).data)[at] = order[k];
      }
      ++line;
    });
  }
};

}  // namespace lithe::inline v0::portable
