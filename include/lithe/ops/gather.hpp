// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Takes the slices of an axis that the indices name.
///   input [a..., A, b...]    indices [i...] s32 or s64 in [-A, A)    output [a..., i..., b...]
/// Units: axis, of size A, lies in [-rank, rank).
/// Errors: Code::shape if axis lies outside or the output has more than 8 dimensions; Code::unsupported for
/// sub-byte elements; Code::out_of_range from run for an index outside.
/// Source: ONNX Gather-13.
struct Gather {
  struct Attributes {
    std::int64_t axis = 0;
    static constexpr auto fields() { return Fields{field("axis", &Attributes::axis)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Gather", .inputs = {"input", "indices"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}, {{any, s32}, {any}}};
  static constexpr Movement movement = Movement::selects;

  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const Shape& input = context.shape(0);
    const int axis = normalize_axis(attributes.axis, input.rank());
    if (axis < 0) return {Code::shape, "the axis of a gather lies outside its input"};
    Shape output;
    for (int d = 0; d < axis; ++d) output.push_back(input[d]);
    for (index_t d : context.shape(1).dims()) output.push_back(d);
    for (int d = axis + 1; d < input.rank(); ++d) output.push_back(input[d]);
    return context.output(0, output);
  }
};
static_assert(Operator<Gather>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Gather> Op>
struct Kernel<Op> {
  static Status run(const ops::Gather::Attributes& attributes, RunContext& context) {
    const TensorView &input = context.input(0), &indices = context.input(1);
    const Shape& shape = input.shape;
    const int axis = normalize_axis(attributes.axis, shape.rank());
    const index_t size = shape[axis], count = indices.elements(), outer = shape.product(0, axis);
    for (index_t i = 0; i < count; ++i) {
      const std::int64_t index = integer_at(indices, i);
      if (index < -size || index >= size)
        return {Code::out_of_range, "an index of a gather lies outside its axis"};
    }
    if (context.output().elements() == 0) return {};
    const auto bytes =
        static_cast<std::size_t>(shape.product(axis + 1, shape.rank()) * element_bytes(input.dtype));
    const auto* from = static_cast<const std::byte*>(input.data);
    auto* to = static_cast<std::byte*>(context.output().data);
    for (index_t o = 0; o < outer; ++o, from += static_cast<std::size_t>(size) * bytes)
      for (index_t i = 0; i < count; ++i, to += bytes) {
        const auto index = static_cast<index_t>(integer_at(indices, i));
        std::memcpy(to, from + static_cast<std::size_t>(index < 0 ? index + size : index) * bytes, bytes);
      }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
