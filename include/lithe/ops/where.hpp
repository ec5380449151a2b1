// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/broadcast.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Takes each element from a where condition is true, else from b.
///   condition, a, b [...]    output: their shapes broadcast as numpy does
/// Errors: Code::shape where the shapes cannot be broadcast; Code::unsupported for sub-byte elements;
/// Code::invalid_model where a, b and output are quantized differently.
/// Source: ONNX Where-16.
struct Where {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{.name = "Where",
                               .inputs = {"condition", "a", "b"},
                               .outputs = {"output"},
                               .in_place = true,
                               .elementwise = true};
  static constexpr TypeRow types[] = {{{boolean, any, any}, {any}}};

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.output_dtype()));
    LITHE_TRY(detail::same_scale(context, 1, 0));
    LITHE_TRY(detail::same_scale(context, 2, 0));
    LITHE_TRY(detail::same_scale(context.quantization(1), context.quantization(2)));
    LITHE_ASSIGN_OR_RETURN(const Shape values, detail::broadcast(context.shape(1), context.shape(2)));
    LITHE_ASSIGN_OR_RETURN(const Shape shape, detail::broadcast(context.shape(0), values));
    return context.output(0, shape);
  }
};
static_assert(Operator<Where>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Where> Op>
struct Kernel<Op> {
  static Status run(const NoAttributes&, RunContext& context) {
    ops::detail::by_width(element_bytes(context.output().dtype), [&]<class T>() { select<T>(context); });
    return {};
  }

 private:
  template <class T>
  static void select(RunContext& context) {
    const TensorView &condition = context.input(0), &a = context.input(1), &b = context.input(2);
    const Tensor& output = context.output();
    ops::detail::BroadcastRuns<3> runs(output.shape, {&condition.shape, &a.shape, &b.shape});
    for (; !runs.done(); runs.advance()) {
      const auto* which = static_cast<const std::uint8_t*>(condition.data) + runs.offset(0);
      const auto* from_a =
          static_cast<const std::byte*>(a.data) + static_cast<std::size_t>(runs.offset(1)) * sizeof(T);
      const auto* from_b =
          static_cast<const std::byte*>(b.data) + static_cast<std::size_t>(runs.offset(2)) * sizeof(T);
      auto* to =
          static_cast<std::byte*>(output.data) + static_cast<std::size_t>(runs.output_offset()) * sizeof(T);
      const index_t step = runs.repeats(0) ? 0 : 1;
      const std::size_t step_a = runs.repeats(1) ? 0 : sizeof(T), step_b = runs.repeats(2) ? 0 : sizeof(T);
      for (index_t i = 0; i < runs.length();
           ++i, which += step, from_a += step_a, from_b += step_b, to += sizeof(T)) {
        T x, y;
        std::memcpy(&x, from_a, sizeof(T));
        std::memcpy(&y, from_b, sizeof(T));
        const T chosen = *which != 0 ? x : y;
        std::memcpy(to, &chosen, sizeof(T));
      }
    }
  }
};

}  // namespace lithe::inline v0::portable
