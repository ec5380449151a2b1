// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// The same elements under another shape.
///   input [...]    shape [R] s64    output: R dimensions
/// A 0 in `shape` keeps the input's dimension at that place, or with allow_zero makes an empty axis; one -1
/// takes what is left.
/// Errors: Code::needs_value while `shape` is unknown; Code::shape if it is wrong or the number of elements
/// changes.
/// Source: ONNX Reshape-14.
struct Reshape {
  struct Attributes {
    bool allow_zero = false;
    static constexpr auto fields() { return Fields{field("allow_zero", &Attributes::allow_zero)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "Reshape", .inputs = {"input", "shape"}, .outputs = {"output"}, .alias = true};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};
  static constexpr Movement movement = Movement::rearranges;

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_ASSIGN_OR_RETURN(const IntList wanted, context.ints(1));
    if (wanted.size() > max_rank) return {Code::shape, "a reshape to more than 8 dimensions"};
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const Shape& input = context.shape(0);
    Shape output;
    index_t known = 1;
    int open = -1;
    for (int i = 0; i < wanted.size(); ++i) {
      std::int64_t dim = wanted[i];
      if (dim == -1) {
        if (open >= 0) return {Code::shape, "a reshape with more than one -1"};
        open = i;
        output.push_back(0);
        continue;
      }
      if (dim == 0 && !attributes.allow_zero) {
        if (i >= input.rank())
          return {Code::shape, "a reshape keeps a dimension that its input does not have"};
        dim = input[i];
      }
      output.push_back(dim);
      if (!output.valid())
        return {Code::shape, "a reshape to a dimension that is negative or above 2^31 - 1"};
      if (dim != 0 && known > std::numeric_limits<index_t>::max() / static_cast<index_t>(dim))
        return {Code::shape, "a reshape changes the number of elements"};
      known *= static_cast<index_t>(dim);
    }
    const index_t elements = input.elements();
    if (open >= 0) {
      if (known == 0 || elements % known != 0) return {Code::shape, "a reshape whose -1 has no answer"};
      Shape filled;
      for (int i = 0; i < output.rank(); ++i) filled.push_back(i == open ? elements / known : output[i]);
      return context.output(0, filled);
    }
    if (known != elements) return {Code::shape, "a reshape changes the number of elements"};
    return context.output(0, output);
  }
};
static_assert(Operator<Reshape>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Reshape> Op>
struct Kernel<Op> {
  static Status run(const ops::Reshape::Attributes&, RunContext& context) {
    return ops::detail::copy_all(context.input(0), context.output());
  }
};

}  // namespace lithe::inline v0::portable
