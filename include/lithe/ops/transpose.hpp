// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// Reorders axes.
///   input [d0, ..., dn]    output: axis i is axis permutation[i] of the input; an empty permutation reverses
///   the axes
/// Errors: Code::invalid_model unless `permutation` has each axis once; Code::unsupported for sub-byte
/// elements.
/// Source: ONNX Transpose-13.
struct Transpose {
  struct Attributes {
    IntList permutation;
    static constexpr auto fields() { return Fields{field("permutation", &Attributes::permutation)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Transpose", .inputs = {"input"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any}, {any}}};
  static constexpr Movement movement = Movement::rearranges;

  /// The input axis that output axis `i` comes from.
  static int source(const Attributes& attributes, int rank, int i) {
    return attributes.permutation.empty() ? rank - 1 - i : static_cast<int>(attributes.permutation[i]);
  }

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const Shape& input = context.shape(0);
    const IntList& permutation = attributes.permutation;
    if (!permutation.empty() && permutation.size() != input.rank())
      return {Code::invalid_model, "a permutation has another rank than its input"};
    bool seen[max_rank] = {};
    for (std::int64_t axis : permutation) {
      if (axis < 0 || axis >= input.rank() || seen[axis])
        return {Code::invalid_model, "a permutation must name each axis once"};
      seen[axis] = true;
    }
    Shape output;
    for (int i = 0; i < input.rank(); ++i) output.push_back(input[source(attributes, input.rank(), i)]);
    return context.output(0, output);
  }
};
static_assert(Operator<Transpose>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Transpose> Op>
struct Kernel<Op> {
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status run(const ops::Transpose::Attributes& attributes, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    const ops::detail::Strides own = ops::detail::element_strides(input);
    ops::detail::Strides strides{};
    const int rank = input.shape.rank();
    for (int i = 0; i < rank; ++i)
      strides[static_cast<std::size_t>(i)] =
          own[static_cast<std::size_t>(ops::Transpose::source(attributes, rank, i))];
    ops::detail::copy_strided(element_bytes(input.dtype), output.shape, ops::detail::element(input, 0),
                              strides, ops::detail::element(output, 0), ops::detail::element_strides(output));
    return {};
  }
};

}  // namespace lithe::inline v0::portable
