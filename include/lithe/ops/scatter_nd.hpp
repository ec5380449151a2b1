// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/indices.hpp"

namespace lithe::inline v0::ops {

/// Copies the input and writes over the slices that tuples of indices name. Of several writes to one place
/// the last one stays, or all are reduced.
///   input [k..., s...]    indices [i..., K] s64    updates [i..., s...]    output [k..., s...]
/// A tuple of K holds one index for each of the K axes k...
/// Errors: Code::shape if tuples are longer than the input's rank or updates have another shape;
/// Code::unsupported for sub-byte elements, and for a reduction of quantized ones; Code::out_of_range from
/// run for an index outside [-axis, axis).
/// Source: ONNX ScatterND-18.
struct ScatterND {
  struct Attributes {
    Reduction reduction = Reduction::none;
    static constexpr auto fields() { return Fields{field("reduction", &Attributes::reduction)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "ScatterND", .inputs = {"input", "indices", "updates"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64, any}, {any}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::check_scatter(context, a.reduction));
    const Shape &input = context.shape(0), &indices = context.shape(1);
    if (indices.rank() < 1 || indices.back() > input.rank())
      return {Code::shape, "a tuple of indices has more numbers than there are axes"};
    Shape updates;
    for (int d = 0; d + 1 < indices.rank(); ++d) updates.push_back(indices[d]);
    for (int d = static_cast<int>(indices.back()); d < input.rank(); ++d) updates.push_back(input[d]);
    if (!(updates == context.shape(2))) return {Code::shape, "updates of a scatter have another shape"};
    return context.output(0, input);
  }
};
static_assert(Operator<ScatterND>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ScatterND> Op>
struct Kernel<Op> {
  static Status run(const ops::ScatterND::Attributes& a, RunContext& context) {
    const TensorView &indices = context.input(1), &updates = context.input(2);
    const Tensor& output = context.output();
    LITHE_TRY(ops::detail::copy_all(context.input(0), output));
    const int depth = static_cast<int>(indices.shape.back());
    const index_t tuples = indices.shape.rows(), n = output.shape.product(depth, output.shape.rank());
    for (index_t t = 0; t < tuples; ++t) {
      LITHE_ASSIGN_OR_RETURN(const index_t offset,
                             ops::detail::slice_offset(output.shape, 0, indices, t, depth));
      if (n != 0) ops::detail::write_over(a.reduction, output, offset, updates, t * n, n);
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
