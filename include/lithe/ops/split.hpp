// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// Cuts a tensor into pieces along an axis.
///   input [..., A, ...]    split [number of outputs] s64 optional: sizes whose sum is A    outputs [..., Ai,
///   ...]
/// Without `split` a piece is A divided by the number of outputs, rounded up; the last one is what is left.
/// Units: axis lies in [-rank, rank).
/// Errors: Code::needs_value while `split` is unknown; Code::shape if axis lies outside or the sizes do not
/// add up; Code::unsupported for sub-byte elements.
/// Source: ONNX Split-18.
struct Split {
  struct Attributes {
    std::int64_t axis = 0;
    static constexpr auto fields() { return Fields{field("axis", &Attributes::axis)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Split", .inputs = {"input", "split?"}, .outputs = {"outputs..."}, .splits = true};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};
  static constexpr Movement movement = Movement::selects;

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    const Shape& input = context.shape(0);
    const int axis = normalize_axis(attributes.axis, input.rank());
    if (axis < 0) return {Code::shape, "the axis of a split lies outside its input"};
    IntList sizes;
    if (context.has(1)) {
      LITHE_ASSIGN_OR_RETURN(sizes, context.ints(1));
      if (sizes.size() != context.outputs()) return {Code::shape, "a split needs one size per output"};
    }
    const std::int64_t pieces = context.outputs(), whole = input[axis], even = (whole + pieces - 1) / pieces;
    std::int64_t left = whole;
    for (int o = 0; o < context.outputs(); ++o) {
      const std::int64_t size = context.has(1) ? sizes[o] : o + 1 < pieces ? even : left;
      if (size < 0 || size > left) return {Code::shape, "the sizes of a split do not add up to its axis"};
      left -= size;
      Shape output;
      for (int d = 0; d < input.rank(); ++d) output.push_back(d == axis ? size : input[d]);
      LITHE_TRY(detail::same_scale(context, 0, o));
      LITHE_TRY(context.output(o, output));
    }
    return left == 0 ? Status{} : Status{Code::shape, "the sizes of a split do not add up to its axis"};
  }
};
static_assert(Operator<Split>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Split> Op>
struct Kernel<Op> {
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status run(const ops::Split::Attributes& attributes, RunContext& context) {
    namespace detail = ops::detail;
    const TensorView& input = context.input(0);
    const int axis = normalize_axis(attributes.axis, input.shape.rank());
    const detail::Strides strides = detail::element_strides(input);
    index_t first = 0;
    for (int o = 0; o < context.outputs(); ++o) {
      const index_t size = piece(context, o, axis);
      const std::byte* const from = detail::element(input, first * strides[static_cast<std::size_t>(axis)]);
      first += size;
      if (!context.has_output(o) || context.output(o).data == from) continue;  // unused, or already there
      const Tensor& output = context.output(o);
      detail::copy_strided(element_bytes(input.dtype), output.shape, from, strides,
                           detail::element(output, 0), detail::element_strides(output));
    }
    return {};
  }

 private:
  /// The size of piece `o`. An absent output has no shape of its own: it follows the rule of infer.
  static index_t piece(const RunContext& context, int o, int axis) {
    if (context.has_output(o)) return context.output(o).shape[axis];
    if (context.has(1)) return static_cast<index_t>(integer_at(context.input(1), o));
    const index_t whole = context.input(0).shape[axis], pieces = context.outputs(),
                  even = (whole + pieces - 1) / pieces;
    return o + 1 < pieces ? even : whole - even * (pieces - 1);
  }
};

}  // namespace lithe::inline v0::portable
