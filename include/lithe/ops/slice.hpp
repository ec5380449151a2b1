// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// Takes every step-th element of some axes, forwards or backwards, as numpy's a[start:end:step]; but going
/// backwards from before an axis begins at its first element, where numpy takes none.
///   input [...]    starts, ends [R]    axes [R] optional (absent: the first R)    steps [R] optional
///   (absent: 1)
///   output [...]
/// Units: all lists are of s32, or all of s64. Negative bounds count from the back; bounds beyond an axis are
/// clamped to it, so that INT64_MIN and INT64_MAX mean its ends.
/// Errors: Code::needs_value while a list is unknown; Code::shape if lengths differ, an axis lies outside or
/// comes twice, or a step is 0; Code::unsupported for sub-byte elements.
/// Source: ONNX Slice-13.
struct Slice {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Slice", .inputs = {"input", "starts", "ends", "axes?", "steps?"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64, s64, s64, s64}, {any}}, {{any, s32, s32, s32, s32}, {any}}};
  static constexpr Movement movement = Movement::selects;

  /// The slice of one axis: the `count` elements first, first + step, ...; step is 0 where it does not
  /// matter.
  struct Range {
    index_t first = 0, count = 0, step = 1;
  };

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    IntList lists[4];
    for (int i = 1; i < 5; ++i) {
      if (!context.has(i)) continue;
      LITHE_ASSIGN_OR_RETURN(lists[i - 1], context.ints(i));
      if (lists[i - 1].size() != lists[0].size())
        return {Code::shape, "starts, ends, axes and steps of a slice differ in length"};
    }
    std::array<Range, max_rank> ranges;
    LITHE_TRY(resolve(context.shape(0), lists[0], lists[1], context.has(3) ? &lists[2] : nullptr,
                      context.has(4) ? &lists[3] : nullptr, ranges));
    Shape output;
    for (int d = 0; d < context.rank(0); ++d) output.push_back(ranges[static_cast<std::size_t>(d)].count);
    return context.output(0, output);
  }

  /// Computes one range for each axis of `shape`. The lists have one length; `axes` and `steps` are null
  /// where absent.
  static Status resolve(const Shape& shape, const IntList& starts, const IntList& ends, const IntList* axes,
                        const IntList* steps, std::array<Range, max_rank>& ranges) {
    bool seen[max_rank] = {};
    for (int d = 0; d < shape.rank(); ++d) ranges[static_cast<std::size_t>(d)] = {0, shape[d], 1};
    for (int i = 0; i < starts.size(); ++i) {
      const int axis = normalize_axis(axes != nullptr ? (*axes)[i] : i, shape.rank());
      if (axis < 0) return {Code::shape, "an axis of a slice lies outside its input"};
      if (seen[axis]) return {Code::shape, "an axis of a slice is given twice"};
      seen[axis] = true;
      const std::int64_t step = steps != nullptr ? (*steps)[i] : 1;
      if (step == 0) return {Code::shape, "a step of a slice is 0"};
      ranges[static_cast<std::size_t>(axis)] = range(shape[axis], starts[i], ends[i], step);
    }
    return {};
  }

 private:
  static Range range(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
    if (size == 0) return {0, 0, 0};
    // Both bounds land in [-1, size], so that no difference below can overflow.
    const auto bound = [&](std::int64_t v, std::int64_t low) {
      if (v < 0) v += size;  // cannot overflow: v is negative
      return step > 0 ? std::clamp<std::int64_t>(v, 0, size) : std::clamp<std::int64_t>(v, low, size - 1);
    };
    const std::int64_t first = bound(start, 0), last = bound(end, -1),
                       distance = step > 0 ? last - first : first - last;
    if (distance <= 0) return {0, 0, 0};
    // Unsigned, because INT64_MIN has no negative.
    const std::uint64_t stride =
        step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
    const auto count = static_cast<index_t>((static_cast<std::uint64_t>(distance) - 1) / stride + 1);
    return {static_cast<index_t>(first), count, count > 1 ? static_cast<index_t>(step) : 0};
  }
};
static_assert(Operator<Slice>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Slice> Op>
struct Kernel<Op> {
  static constexpr bool strided_outputs = true;

  static Status run(const ops::Slice::Attributes&, RunContext& context) {
    namespace detail = ops::detail;
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    IntList lists[4];
    for (int i = 1; i < 5; ++i) {
      if (!context.has(i)) continue;
      for (index_t k = 0; k < context.input(i).elements(); ++k)
        lists[i - 1].push_back(integer_at(context.input(i), k));
    }
    std::array<ops::Slice::Range, max_rank> ranges;
    LITHE_TRY(ops::Slice::resolve(input.shape, lists[0], lists[1], context.has(3) ? &lists[2] : nullptr,
                                  context.has(4) ? &lists[3] : nullptr, ranges));
    detail::Strides strides = detail::element_strides(input);
    index_t first = 0;
    for (int d = 0; d < input.shape.rank(); ++d) {
      const auto k = static_cast<std::size_t>(d);
      if (ranges[k].count != output.shape[d])
        return {Code::out_of_range, "the bounds of a slice changed after its shape was inferred"};
      first += ranges[k].first * strides[k];
      strides[k] *= ranges[k].step;
    }
    detail::copy_strided(element_bytes(input.dtype), output.shape, detail::element(input, first), strides,
                         detail::element(output, 0), detail::element_strides(output));
    return {};
  }
};

}  // namespace lithe::inline v0::portable
