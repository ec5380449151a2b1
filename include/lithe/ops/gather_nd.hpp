// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/indices.hpp"

namespace lithe::inline v0::ops {

/// Takes the slices that tuples of indices name.
///   input [b..., k..., s...], where b... are the first `batch_dims` axes    indices [b..., i..., K] s64
///   output [b..., i..., s...]
/// A tuple of K holds one index for each of the K axes k...
/// Errors: Code::invalid_model if batch_dims is negative or no axis is left; Code::shape if batches disagree
/// or tuples are longer than the axes left; Code::unsupported for sub-byte elements; Code::out_of_range from
/// run for an index outside [-axis, axis).
/// Source: ONNX GatherND-13.
struct GatherND {
  struct Attributes {
    std::int64_t batch_dims = 0;
    static constexpr auto fields() { return Fields{field("batch_dims", &Attributes::batch_dims)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "GatherND", .inputs = {"input", "indices"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const Shape &input = context.shape(0), &indices = context.shape(1);
    if (a.batch_dims < 0 || a.batch_dims >= indices.rank() || a.batch_dims >= input.rank())
      return {Code::invalid_model, "batch_dims leaves no axis to gather from"};
    const int batch = static_cast<int>(a.batch_dims);
    if (indices.back() < 1 || indices.back() > input.rank() - batch)
      return {Code::shape, "a tuple of indices is empty or has more numbers than there are axes"};
    Shape output;
    for (int d = 0; d < batch; ++d)
      if (indices[d] != input[d]) return {Code::shape, "batches of indices and input disagree"};
    for (int d = 0; d + 1 < indices.rank(); ++d) output.push_back(indices[d]);
    for (int d = batch + static_cast<int>(indices.back()); d < input.rank(); ++d) output.push_back(input[d]);
    return context.output(0, output);
  }
};
static_assert(Operator<GatherND>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::GatherND> Op>
struct Kernel<Op> {
  static Status run(const ops::GatherND::Attributes& a, RunContext& context) {
    const TensorView &input = context.input(0), &indices = context.input(1);
    const int batch = static_cast<int>(a.batch_dims), depth = static_cast<int>(indices.shape.back());
    const index_t batches = input.shape.product(0, batch),
                  size = input.shape.product(batch, input.shape.rank());
    const index_t tuples = indices.shape.product(batch, indices.shape.rank() - 1);
    const index_t bytes = input.shape.product(batch + depth, input.shape.rank()) * element_bytes(input.dtype);
    auto* to = static_cast<std::byte*>(context.output().data);
    for (index_t b = 0; b < batches; ++b)
      for (index_t t = 0; t < tuples; ++t, to += bytes) {
        LITHE_ASSIGN_OR_RETURN(const index_t offset,
                               ops::detail::slice_offset(input.shape, batch, indices, b * tuples + t, depth));
        if (bytes != 0)
          std::memcpy(to, ops::detail::element(input, b * size + offset), static_cast<std::size_t>(bytes));
      }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
