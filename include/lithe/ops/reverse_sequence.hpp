// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// Reverses the first sequence_lengths[b] steps of each sequence b of a batch.
///   input [T, B, ...] or [B, T, ...]    sequence_lengths [B] s64 in [0, T]    output: the input's shape
/// Units: of time_axis and batch_axis one is 0, the other 1.
/// Errors: Code::invalid_model for other axes; Code::shape for a rank below 2 or another number of lengths;
/// Code::unsupported for sub-byte elements; Code::out_of_range from run for a length outside [0, T].
/// Source: ONNX ReverseSequence-10.
struct ReverseSequence {
  struct Attributes {
    std::int64_t batch_axis = 1, time_axis = 0;
    static constexpr auto fields() {
      return Fields{field("batch_axis", &Attributes::batch_axis), field("time_axis", &Attributes::time_axis)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "ReverseSequence", .inputs = {"input", "sequence_lengths"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const bool axes = (a.batch_axis == 0 && a.time_axis == 1) || (a.batch_axis == 1 && a.time_axis == 0);
    if (!axes) return {Code::invalid_model, "batch_axis and time_axis must be 0 and 1"};
    const Shape& input = context.shape(0);
    if (input.rank() < 2) return {Code::shape, "sequences in batches have at least two axes"};
    if (context.rank(1) != 1 || context.shape(1)[0] != input[static_cast<int>(a.batch_axis)])
      return {Code::shape, "a batch needs one length for each sequence"};
    return context.output(0, input);
  }
};
static_assert(Operator<ReverseSequence>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ReverseSequence> Op>
struct Kernel<Op> {
  static Status run(const ops::ReverseSequence::Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const Shape& shape = input.shape;
    const int batch = static_cast<int>(a.batch_axis), time = static_cast<int>(a.time_axis);
    const index_t n = shape.product(2, shape.rank()), second = shape[1] * n;
    const index_t batch_step = batch == 0 ? second : n, time_step = time == 0 ? second : n;
    const auto bytes = static_cast<std::size_t>(n * element_bytes(input.dtype));
    for (index_t b = 0; b < shape[batch]; ++b) {
      const std::int64_t length = integer_at(context.input(1), b);
      if (length < 0 || length > shape[time])
        return {Code::out_of_range, "a sequence is longer than its tensor, or its length negative"};
      for (index_t t = 0; bytes != 0 && t < shape[time]; ++t) {
        const index_t from = t < length ? static_cast<index_t>(length) - 1 - t : t;
        std::memcpy(ops::detail::element(context.output(), b * batch_step + t * time_step),
                    ops::detail::element(input, b * batch_step + from * time_step), bytes);
      }
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
