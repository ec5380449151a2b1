// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Removes axes of size 1.
///   input [...]    axes [R] s64 optional (absent: all axes of size 1)    output [...]
/// Units: negative axes count from the back.
/// Errors: Code::needs_value while `axes` is unknown; Code::shape for an axis outside the input or not of
/// size 1.
/// Source: ONNX Squeeze-13.
struct Squeeze {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Squeeze", .inputs = {"input", "axes?"}, .outputs = {"output"}, .alias = true};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};
  static constexpr Movement movement = Movement::rearranges;

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const Shape& input = context.shape(0);
    bool leave_out[max_rank] = {};
    if (context.has(1)) {
      LITHE_ASSIGN_OR_RETURN(const IntList axes, context.ints(1));
      for (std::int64_t given : axes) {
        const int axis = normalize_axis(given, input.rank());
        if (axis < 0) return {Code::shape, "an axis to squeeze lies outside the input"};
        if (input[axis] != 1) return {Code::shape, "an axis to squeeze is not of size 1"};
        leave_out[axis] = true;
      }
    } else {
      for (int i = 0; i < input.rank(); ++i) leave_out[i] = input[i] == 1;
    }
    Shape output;
    for (int i = 0; i < input.rank(); ++i)
      if (!leave_out[i]) output.push_back(input[i]);
    return context.output(0, output);
  }
};
static_assert(Operator<Squeeze>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Squeeze> Op>
struct Kernel<Op> {
  static Status run(const ops::Squeeze::Attributes&, RunContext& context) {
    return ops::detail::copy_all(context.input(0), context.output());
  }
};

}  // namespace lithe::inline v0::portable
