// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/indices.hpp"

namespace lithe::inline v0::ops {

/// Copies the input and writes over one element for each index: the index counts along `axis`, its own place
/// gives the other coordinates. Of several writes to one place the last one stays, or all are reduced.
///   input [...]    indices [...] s32 or s64 in [-A, A)    updates: the shape of indices    output: the
///   input's shape
/// Errors: Code::shape if ranks or dimensions disagree, or axis lies outside; Code::unsupported for sub-byte
/// elements, and for a reduction of quantized ones; Code::out_of_range from run for an index outside.
/// Source: ONNX ScatterElements-18.
struct ScatterElements {
  struct Attributes {
    std::int64_t axis = 0;
    Reduction reduction = Reduction::none;
    static constexpr auto fields() {
      return Fields{field("axis", &Attributes::axis), field("reduction", &Attributes::reduction)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "ScatterElements", .inputs = {"input", "indices", "updates"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64, any}, {any}}, {{any, s32, any}, {any}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::check_scatter(context, a.reduction));
    const Shape &data = context.shape(0), &indices = context.shape(1);
    LITHE_TRY(detail::check_indices(data, indices, a.axis));
    if (!(context.shape(2) == indices)) return {Code::shape, "updates need the shape of indices"};
    return context.output(0, data);
  }
};
static_assert(Operator<ScatterElements>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ScatterElements> Op>
struct Kernel<Op> {
  static Status run(const ops::ScatterElements::Attributes& a, RunContext& context) {
    const TensorView& updates = context.input(2);
    const Tensor& output = context.output();
    LITHE_TRY(ops::detail::copy_all(context.input(0), output));
    return ops::detail::for_each_index(
        output.shape, normalize_axis(a.axis, output.shape.rank()), context.input(1),
        [&](index_t at, index_t i) { ops::detail::write_over(a.reduction, output, at, updates, i, 1); });
  }
};

}  // namespace lithe::inline v0::portable
