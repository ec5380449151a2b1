// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// Joins tensors along an axis.
///   inputs [..., Ai, ...]    output [..., A0 + A1 + ..., ...]
/// Units: axis lies in [-rank, rank).
/// Errors: Code::shape if axis lies outside, or ranks or other dimensions differ; Code::invalid_model for an
/// absent input or scales that differ; Code::unsupported for sub-byte elements.
/// Source: ONNX Concat-13.
struct Concat {
  struct Attributes {
    std::int64_t axis = 0;
    static constexpr auto fields() { return Fields{field("axis", &Attributes::axis)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Concat", .inputs = {"inputs..."}, .outputs = {"output"}, .joins = true};
  static constexpr TypeRow types[] = {{{any}, {any}}};
  static constexpr Movement movement = Movement::joins;

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    const int axis = normalize_axis(attributes.axis, context.rank(0));
    if (axis < 0) return {Code::shape, "the axis of a concatenation lies outside its inputs"};
    Shape output = context.shape(0);
    std::int64_t sum = 0;
    for (int i = 0; i < context.inputs(); ++i) {
      if (!context.has(i)) return {Code::invalid_model, "a concatenation lacks one of its inputs"};
      LITHE_TRY(detail::same_scale(context, i, 0));
      const Shape& input = context.shape(i);
      if (input.rank() != output.rank()) return {Code::shape, "inputs of a concatenation differ in rank"};
      for (int d = 0; d < output.rank(); ++d)
        if (d != axis && input[d] != output[d])
          return {Code::shape, "inputs of a concatenation differ in another dimension than its axis"};
      sum += input[axis];
    }
    Shape joined;
    for (int d = 0; d < output.rank(); ++d) joined.push_back(d == axis ? sum : output[d]);
    return context.output(0, joined);
  }
};
static_assert(Operator<Concat>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Concat> Op>
struct Kernel<Op> {
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status run(const ops::Concat::Attributes& attributes, RunContext& context) {
    namespace detail = ops::detail;
    const Tensor& output = context.output();
    const int axis = normalize_axis(attributes.axis, output.shape.rank());
    const detail::Strides strides = detail::element_strides(output);
    index_t first = 0;
    for (int i = 0; i < context.inputs(); ++i) {
      const TensorView& input = context.input(i);
      std::byte* const to = detail::element(output, first * strides[static_cast<std::size_t>(axis)]);
      if (input.data != to)  // the session may have placed the input where it belongs
        detail::copy_strided(element_bytes(output.dtype), input.shape, detail::element(input, 0),
                             detail::element_strides(input), to, strides);
      first += input.shape[axis];
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
