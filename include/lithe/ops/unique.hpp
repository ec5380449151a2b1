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

/// Finds the distinct slices along an axis, or the distinct elements where there is no axis.
///   input [a..., A, b...]    output [a..., n, b...], or [n]
///   indices [n] s64: the first place of each    inverse [A] s64: the number of each slice    counts [n] s64
/// n is known only after run and is at most A.
/// Units: axis holds one number (negative: from the back) or none. `sorted`: in ascending order, slices
/// compared element by element, NaN above all numbers and equal to itself; else in the order of first
/// appearance.
/// Errors: Code::invalid_model for an axis out of range, more than one axis, or an output quantized unlike
/// the input.
/// Source: ONNX Unique-11.
struct Unique {
  struct Attributes {
    IntList axis{};
    bool sorted = true;
    static constexpr auto fields() {
      return Fields{field("axis", &Attributes::axis), field("sorted", &Attributes::sorted)};
    }
    /// The input as lines along the axis; without an axis, as one line of all elements.
    detail::Lines lines(const Shape& input) const {
      return axis.empty() ? detail::Lines(input.elements())
                          : detail::Lines(input, normalize_axis(axis[0], input.rank()));
    }
    Shape output(const Shape& input, index_t n) const {
      if (axis.empty()) return Shape{n};
      Shape shape = input;
      shape[normalize_axis(axis[0], input.rank())] = n;
      return shape;
    }
  };
  static constexpr OpSpec spec{
      .name = "Unique", .inputs = {"input"}, .outputs = {"output", "indices?", "inverse?", "counts?"}};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array{TypeRow{{detail::everything.dtypes[i]},
                              {detail::everything.dtypes[i], DType::s64, DType::s64, DType::s64}}...};
  }(std::make_index_sequence<detail::everything.dtypes.size()>{});

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const Shape& input = context.shape(0);
    if (a.axis.size() > 1) return {Code::invalid_model, "slices are compared along one axis"};
    if (!a.axis.empty() && normalize_axis(a.axis[0], input.rank()) < 0)
      return {Code::invalid_model, "axis is outside the input's rank"};
    const index_t n = a.lines(input).length;
    LITHE_TRY(context.output_at_most(0, a.output(input, n)));
    LITHE_TRY(context.output_at_most(1, {n}));
    LITHE_TRY(context.output(2, {n}));
    return context.output_at_most(3, {n});
  }
};
static_assert(Operator<Unique>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Unique> Op>
struct Kernel<Op> {
  using Attributes = ops::Unique::Attributes;

  /// The workspace holds the slices' order, the groups' first places in it, and the groups' order.
  static Status reshape(const Attributes& a, ReshapeContext& context) {
    const index_t n = a.lines(context.inputs[0].shape).length;
    return ops::detail::ask_workspace(context, 8 * (3 * static_cast<std::uint64_t>(n) + 1));
  }

  static Status run(const Attributes& a, RunContext& context) {
    TensorView input = context.input(0);
    input.quantization = nullptr;
    const ops::detail::Lines lines = a.lines(input.shape);
    auto* order = reinterpret_cast<std::int64_t*>(context.workspace().data());
    std::int64_t *starts = order + lines.length, *groups = starts + lines.length + 1;
    index_t n = 0;
    LITHE_TRY(ops::detail::with_arithmetic<ops::detail::everything>(
        input, [&]<class T>(T) { n = group<T>(input, lines, order, starts); }));
    for (index_t g = 0; g < n; ++g) groups[g] = g;
    if (!a.sorted)
      std::sort(groups, groups + n,
                [&](std::int64_t g, std::int64_t h) { return order[starts[g]] < order[starts[h]]; });
    LITHE_TRY(context.resize_output(0, a.output(input.shape, n)));
    LITHE_TRY(context.resize_output(1, {n}));
    LITHE_TRY(context.resize_output(3, {n}));
    write_slices(input, lines, n, [&](index_t k) { return order[starts[groups[k]]]; }, context);
    for (index_t k = 0; k < n; ++k) {
      const std::int64_t first = starts[groups[k]], last = starts[groups[k] + 1];
      if (context.has_output(1)) numbers(context, 1)[k] = order[first];
      for (std::int64_t i = first; i < last && context.has_output(2); ++i) numbers(context, 2)[order[i]] = k;
      if (context.has_output(3)) numbers(context, 3)[k] = last - first;
    }
    return {};
  }

 private:
  static std::int64_t* numbers(const RunContext& context, int o) {
    return static_cast<std::int64_t*>(context.output(o).data);
  }

  /// Sorts the slices, equal ones by number, and writes where in that order a new group starts; one more
  /// start marks the end. Returns the number of groups.
  template <class T>
  static index_t group(const TensorView& input, const ops::detail::Lines& lines, std::int64_t* order,
                       std::int64_t* starts) {
    const auto element = [&](index_t o, std::int64_t k, index_t i) {
      T buffer[1];
      return *ops::detail::load(input, (o * lines.length + k) * lines.stride + i, 1, buffer);
    };
    const auto compare = [&](std::int64_t p, std::int64_t q) {
      for (index_t o = 0; o < lines.outer; ++o)
        for (index_t i = 0; i < lines.stride; ++i) {
          const T x = element(o, p, i), y = element(o, q, i);
          if (ops::detail::ordered_before(x, y)) return -1;
          if (ops::detail::ordered_before(y, x)) return 1;
        }
      return 0;
    };
    for (index_t k = 0; k < lines.length; ++k) order[k] = k;
    std::sort(order, order + lines.length, [&](std::int64_t p, std::int64_t q) {
      const int c = compare(p, q);
      return c < 0 || (c == 0 && p < q);
    });
    index_t n = 0;
    for (index_t k = 0; k < lines.length; ++k)
      if (k == 0 || compare(order[k - 1], order[k]) != 0) starts[n++] = k;
    starts[n] = lines.length;
    return n;
  }

  template <class Slice>
  static void write_slices(const TensorView& input, const ops::detail::Lines& lines, index_t n, Slice slice,
                           const RunContext& context) {
    if (!context.has_output(0)) return;
    const index_t bytes = lines.stride * element_bytes(input.dtype);
    const auto* from = static_cast<const std::byte*>(input.data);
    auto* to = static_cast<std::byte*>(context.output(0).data);
    for (index_t o = 0; o < lines.outer; ++o)
      for (index_t k = 0; k < n; ++k)
        std::copy_n(from + (o * lines.length + slice(k)) * bytes, bytes, to + (o * n + k) * bytes);
  }
};

}  // namespace lithe::inline v0::portable
