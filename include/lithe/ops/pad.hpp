// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// What the new elements are.
enum class PadMode : std::uint8_t {
  constant,
  reflect,  ///< the axis mirrored at its border element, as often as the padding needs
  edge,     ///< the border element
  wrap,     ///< the axis repeated
};
constexpr std::array<const char*, 4> enum_names(PadMode) { return {"constant", "reflect", "edge", "wrap"}; }

/// Adds elements before and after axes, or removes some where a pad is negative; removing comes first.
///   input [...]    pads [2 * A] s64: A begins, then A ends    axes [A] s32 or s64 optional (absent: all
///   axes)
///   value optional: one element (absent: zero, which is the zero point where the input is quantized)
///   output [...]
/// Errors: Code::needs_value while `pads` or `axes` is unknown; Code::shape if their lengths, an axis, a pad
/// or the value's shape do not fit, or an empty axis is to be padded with its own elements; Code::unsupported
/// for sub-byte elements.
/// Source: ONNX Pad-19; reflect and wrap go beyond the axis as in numpy.pad.
struct Pad {
  struct Attributes {
    PadMode mode = PadMode::constant;
    static constexpr auto fields() { return Fields{field("mode", &Attributes::mode)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Pad", .inputs = {"input", "pads", "value?", "axes?"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64, any, s64}, {any}}, {{any, s64, any, s32}, {any}}};
  static Movement movement(const Attributes& attributes) {
    return attributes.mode == PadMode::constant ? Movement::pads : Movement::picks;
  }

  /// One axis: `kept` elements of the input, from `first` on, with `before` and `after` new elements around
  /// them.
  struct Axis {
    index_t first = 0, kept = 0, before = 0, after = 0;
    index_t size() const { return before + kept + after; }
    /// The kept element that belongs at place `i`, where 0 is the first kept one; -1: the constant.
    index_t source(PadMode mode, index_t i) const {
      if (i >= 0 && i < kept) return i;
      switch (mode) {
        case PadMode::constant:
          return -1;
        case PadMode::edge:
          return i < 0 ? 0 : kept - 1;
        case PadMode::wrap:
          return (i % kept + kept) % kept;
        case PadMode::reflect:
          break;
      }
      if (kept == 1) return 0;
      const index_t period = 2 * (kept - 1), place = (i % period + period) % period;
      return place < kept ? place : period - place;
    }
  };
  using Axes = std::array<Axis, max_rank>;

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    if (context.has(2) && context.shape(2).elements() != 1)
      return {Code::shape, "the value of a pad is not one element"};
    LITHE_ASSIGN_OR_RETURN(const IntList pads, context.ints(1));
    IntList numbers;
    if (context.has(3)) {
      LITHE_ASSIGN_OR_RETURN(numbers, context.ints(3));
    }
    Axes axes;
    LITHE_TRY(resolve(attributes.mode, context.shape(0), pads, context.has(3) ? &numbers : nullptr, axes));
    Shape output;
    for (int d = 0; d < context.rank(0); ++d) output.push_back(axes[static_cast<std::size_t>(d)].size());
    return context.output(0, output);
  }

  static Status resolve(PadMode mode, const Shape& shape, const IntList& pads, const IntList* numbers,
                        Axes& axes) {
    constexpr std::int64_t limit = std::numeric_limits<std::int32_t>::max();
    const int count = numbers != nullptr ? numbers->size() : shape.rank();
    if (pads.size() != 2 * count) return {Code::shape, "a pad needs a begin and an end for each axis"};
    bool seen[max_rank] = {};
    for (int d = 0; d < shape.rank(); ++d) axes[static_cast<std::size_t>(d)] = {0, shape[d], 0, 0};
    for (int i = 0; i < count; ++i) {
      const int d = normalize_axis(numbers != nullptr ? (*numbers)[i] : i, shape.rank());
      if (d < 0 || seen[d]) return {Code::shape, "an axis of a pad lies outside its input or comes twice"};
      seen[d] = true;
      const std::int64_t begin = pads[i], end = pads[i + count];
      if (begin < -limit || begin > limit || end < -limit || end > limit)
        return {Code::shape, "a pad is beyond 2^31 - 1"};
      const std::int64_t first = std::max<std::int64_t>(-begin, 0),
                         kept = shape[d] - first - std::max<std::int64_t>(-end, 0);
      const std::int64_t before = std::max<std::int64_t>(begin, 0), after = std::max<std::int64_t>(end, 0);
      if (kept < 0) return {Code::shape, "a pad takes away more than an axis has"};
      if (before + kept + after > limit) return {Code::shape, "a padded axis is beyond 2^31 - 1"};
      if (kept == 0 && before + after > 0 && mode != PadMode::constant)
        return {Code::shape, "an empty axis cannot be padded with its own elements"};
      axes[static_cast<std::size_t>(d)] = {static_cast<index_t>(first), static_cast<index_t>(kept),
                                           static_cast<index_t>(before), static_cast<index_t>(after)};
    }
    return {};
  }
};
static_assert(Operator<Pad>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Pad> Op>
struct Kernel<Op> {
  using Pad = ops::Pad;

  static Status run(const Pad::Attributes& attributes, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    IntList pads, numbers;
    for (index_t i = 0; i < context.input(1).elements(); ++i) pads.push_back(integer_at(context.input(1), i));
    for (index_t i = 0; context.has(3) && i < context.input(3).elements(); ++i)
      numbers.push_back(integer_at(context.input(3), i));
    Pad::Axes axes;
    LITHE_TRY(Pad::resolve(attributes.mode, input.shape, pads, context.has(3) ? &numbers : nullptr, axes));
    for (int d = 0; d < output.shape.rank(); ++d)
      if (axes[static_cast<std::size_t>(d)].size() != output.shape[d])
        return {Code::out_of_range, "the pads changed after the shape was inferred"};
    if (output.elements() == 0) return {};
    ops::detail::by_width(element_bytes(input.dtype), [&]<class T>() {
      T value = fill<T>(input);
      if (context.has(2))
        value = ops::detail::load<T>(static_cast<const std::byte*>(context.input(2).data), 0);
      rows<T>(attributes.mode, axes, value, input, output);
    });
    return {};
  }

 private:
  /// Zero as the input stores it.
  template <class T>
  static T fill(const TensorView& input) {
    const Quantization* q = input.quantization;
    return q != nullptr && q->per_tensor() ? static_cast<T>(q->zero_point_at(0)) : T{0};
  }

  template <class T>
  static void rows(ops::PadMode mode, const Pad::Axes& axes, T value, const TensorView& input,
                   const Tensor& output) {
    namespace detail = ops::detail;
    const int rank = output.shape.rank();
    const detail::Strides strides = detail::element_strides(input);
    const Pad::Axis inner = rank > 0 ? axes[static_cast<std::size_t>(rank - 1)] : Pad::Axis{0, 1, 0, 0};
    detail::Strides index{};
    auto* to = static_cast<std::byte*>(output.data);
    for (index_t row = 0, count = output.shape.rows(); row < count;
         ++row, to += inner.size() * static_cast<index_t>(sizeof(T))) {
      index_t offset = inner.first;
      bool constant = false;
      for (int d = 0; d + 1 < rank; ++d) {
        const auto k = static_cast<std::size_t>(d);
        const index_t source = axes[k].source(mode, index[k] - axes[k].before);
        constant = constant || source < 0;
        offset += (axes[k].first + source) * strides[k];
      }
      one_row<T>(mode, inner, value, constant ? nullptr : detail::element(input, offset), to);
      for (int d = rank - 2; d >= 0 && ++index[static_cast<std::size_t>(d)] == output.shape[d]; --d)
        index[static_cast<std::size_t>(d)] = 0;
    }
  }

  /// Writes one row of the last axis; a null source stands for a row of the constant.
  template <class T>
  static void one_row(ops::PadMode mode, const Pad::Axis& axis, T value, const std::byte* from,
                      std::byte* to) {
    namespace detail = ops::detail;
    const auto put = [&](index_t i) {
      const index_t source = from == nullptr ? -1 : axis.source(mode, i);
      detail::store<T>(to, i + axis.before, source < 0 ? value : detail::load<T>(from, source));
    };
    for (index_t i = -axis.before; i < 0; ++i) put(i);
    if (from != nullptr && axis.kept > 0)
      std::memcpy(to + axis.before * static_cast<index_t>(sizeof(T)), from,
                  static_cast<std::size_t>(axis.kept) * sizeof(T));
    for (index_t i = from == nullptr ? 0 : axis.kept; i < axis.kept + axis.after; ++i) put(i);
  }
};

}  // namespace lithe::inline v0::portable
