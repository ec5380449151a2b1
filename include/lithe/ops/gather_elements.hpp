// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/indices.hpp"

namespace lithe::inline v0::ops {

/// Takes one element for each index: the index counts along `axis`, its own place gives the other
/// coordinates.
///   input [...]    indices: of the input's rank, s32 or s64 in [-A, A), no longer than the input on axes
///   other than `axis`
///   output: the shape of indices
/// Errors: Code::shape if ranks or dimensions disagree, or axis lies outside; Code::unsupported for sub-byte
/// elements; Code::out_of_range from run for an index outside.
/// Source: ONNX GatherElements-13.
struct GatherElements {
  struct Attributes {
    std::int64_t axis = 0;
    static constexpr auto fields() { return Fields{field("axis", &Attributes::axis)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "GatherElements", .inputs = {"input", "indices"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}, {{any, s32}, {any}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    LITHE_TRY(detail::check_indices(context.shape(0), context.shape(1), a.axis));
    return context.output(0, context.shape(1));
  }
};
static_assert(Operator<GatherElements>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::GatherElements> Op>
struct Kernel<Op> {
  static Status run(const ops::GatherElements::Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const auto* from = static_cast<const std::byte*>(input.data);
    auto* to = static_cast<std::byte*>(context.output().data);
    return ops::detail::by_width(element_bytes(input.dtype), [&]<class T>() {
      return ops::detail::for_each_index(
          input.shape, normalize_axis(a.axis, input.shape.rank()), context.input(1),
          [&](index_t at, index_t i) { ops::detail::store<T>(to, i, ops::detail::load<T>(from, at)); });
    });
  }
};

}  // namespace lithe::inline v0::portable
