// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Inserts axes of size 1.
///   input [...]    axes [R] s64: places in the output    output [...]
/// Units: negative axes count from the back of the output.
/// Errors: Code::needs_value while `axes` is unknown; Code::shape for an axis outside the output, given
/// twice, or beyond rank 8.
/// Source: ONNX Unsqueeze-13.
struct Unsqueeze {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Unsqueeze", .inputs = {"input", "axes"}, .outputs = {"output"}, .alias = true};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};
  static constexpr Movement movement = Movement::rearranges;

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(detail::same_scale(context, 0, 0));
    LITHE_ASSIGN_OR_RETURN(const IntList axes, context.ints(1));
    const Shape& input = context.shape(0);
    const int rank = input.rank() + axes.size();
    if (rank > max_rank) return {Code::shape, "an unsqueeze to more than 8 dimensions"};
    bool put_in[max_rank] = {};
    for (std::int64_t given : axes) {
      const int axis = normalize_axis(given, rank);
      if (axis < 0) return {Code::shape, "an axis to put in lies outside the output"};
      if (put_in[axis]) return {Code::shape, "an axis to put in is given twice"};
      put_in[axis] = true;
    }
    Shape output;
    for (int i = 0, next = 0; i < rank; ++i) output.push_back(put_in[i] ? 1 : input[next++]);
    return context.output(0, output);
  }
};
static_assert(Operator<Unsqueeze>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Unsqueeze> Op>
struct Kernel<Op> {
  static Status run(const ops::Unsqueeze::Attributes&, RunContext& context) {
    return ops::detail::copy_all(context.input(0), context.output());
  }
};

}  // namespace lithe::inline v0::portable
