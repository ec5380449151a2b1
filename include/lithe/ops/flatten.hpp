// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// The same elements as a matrix.
///   input [d0, ..., dn]    output [d0 * ... * d(axis - 1), d(axis) * ... * dn]; a product of no dimensions
///   is 1
/// Units: axis lies in [-rank, rank].
/// Errors: Code::shape if axis lies outside.
/// Source: ONNX Flatten-13.
struct Flatten {
  struct Attributes {
    std::int64_t axis = 1;
    static constexpr auto fields() { return Fields{field("axis", &Attributes::axis)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Flatten", .inputs = {"input"}, .outputs = {"output"}, .alias = true};
  static constexpr TypeRow types[] = {{{any}, {any}}};
  static constexpr Movement movement = Movement::rearranges;

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const Shape& input = context.shape(0);
    const int rank = input.rank();
    if (attributes.axis < -rank || attributes.axis > rank)
      return {Code::shape, "the axis of a flatten lies outside its input"};
    const int axis = static_cast<int>(attributes.axis < 0 ? attributes.axis + rank : attributes.axis);
    return context.output(0, Shape{input.joined(0, axis), input.joined(axis, rank)});
  }
};
static_assert(Operator<Flatten>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Flatten> Op>
struct Kernel<Op> {
  static Status run(const ops::Flatten::Attributes&, RunContext& context) {
    return ops::detail::copy_all(context.input(0), context.output());
  }
};

}  // namespace lithe::inline v0::portable
