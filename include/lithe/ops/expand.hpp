// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/broadcast.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Repeats elements along axes of size 1.
///   input [...]    shape [R] s64    output: the two shapes broadcast; a 1 in `shape` keeps the input's
///   dimension
/// Errors: Code::needs_value while `shape` is not known; Code::shape where the two cannot be broadcast, or
/// `shape` is not a vector of sizes; Code::invalid_model where input and output are quantized differently;
/// Code::unsupported for sub-byte elements.
/// Source: ONNX Expand-13.
struct Expand {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{.name = "Expand", .inputs = {"input", "shape"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};
  static constexpr Movement movement = Movement::selects;

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    LITHE_ASSIGN_OR_RETURN(const IntList sizes, context.ints(1));
    Shape target;
    for (std::int64_t size : sizes) target.push_back(size);
    if (!target.valid())
      return {Code::shape, "a size to expand to is negative, above 2^31 - 1, or beyond rank 8"};
    LITHE_ASSIGN_OR_RETURN(const Shape shape, detail::broadcast(context.shape(0), target));
    return context.output(0, shape);
  }
};
static_assert(Operator<Expand>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Expand> Op>
struct Kernel<Op> {
  static Status run(const NoAttributes&, RunContext& context) {
    ops::detail::by_width(element_bytes(context.output().dtype), [&]<class T>() { repeat<T>(context); });
    return {};
  }

 private:
  template <class T>
  static void repeat(RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    ops::detail::BroadcastRuns<1> runs(output.shape, {&input.shape});
    for (; !runs.done(); runs.advance()) {
      const auto* from =
          static_cast<const std::byte*>(input.data) + static_cast<std::size_t>(runs.offset(0)) * sizeof(T);
      auto* to =
          static_cast<std::byte*>(output.data) + static_cast<std::size_t>(runs.output_offset()) * sizeof(T);
      const auto n = static_cast<std::size_t>(runs.length());
      if (!runs.repeats(0)) {
        std::memcpy(to, from, n * sizeof(T));
        continue;
      }
      for (std::size_t i = 0; i < n; ++i) std::memcpy(to + i * sizeof(T), from, sizeof(T));
    }
  }
};

}  // namespace lithe::inline v0::portable
