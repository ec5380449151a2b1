// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Repeats the whole tensor along axes.
///   input [d0, ...]    repeats [rank] s64    output [d0 * repeats[0], ...]
/// Errors: Code::needs_value while `repeats` is unknown; Code::shape if it has another length, or a number is
/// negative or beyond 2^31 - 1; Code::unsupported for sub-byte elements.
/// Source: ONNX Tile-13.
struct Tile {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{.name = "Tile", .inputs = {"input", "repeats"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, s64}, {any}}};
  static constexpr Movement movement = Movement::selects;

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    LITHE_ASSIGN_OR_RETURN(const IntList repeats, context.ints(1));
    if (repeats.size() != context.rank(0)) return {Code::shape, "a tile needs one number for each axis"};
    Shape output;
    for (int d = 0; d < context.rank(0); ++d) {
      if (repeats[d] < 0 || repeats[d] > std::numeric_limits<std::int32_t>::max())
        return {Code::shape, "an axis cannot be repeated so often"};
      output.push_back(context.shape(0)[d] * repeats[d]);
    }
    return context.output(0, output);
  }
};
static_assert(Operator<Tile>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Tile> Op>
struct Kernel<Op> {
  static Status run(const NoAttributes&, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    for (int d = 0; d < input.shape.rank(); ++d)
      if (output.shape[d] != input.shape[d] * integer_at(context.input(1), d))
        return {Code::out_of_range, "the repeats of a tile changed after its shape was inferred"};
    if (output.elements() != 0)
      Copy{input.shape, output.shape, element_bytes(input.dtype)}.axis(
          0, static_cast<const std::byte*>(input.data), static_cast<std::byte*>(output.data));
    return {};
  }

 private:
  /// Writes one block of the input at each axis, then appends copies of it.
  struct Copy {
    const Shape &input, &output;
    index_t width;

    bool repeats_below(int d) const {
      for (; d < input.rank(); ++d)
        if (input[d] != output[d]) return true;
      return false;
    }
    void axis(int d, const std::byte* from, std::byte* to) const {
      const auto bytes = static_cast<std::size_t>(input.product(d, input.rank()) * width);
      if (!repeats_below(d)) {
        std::memcpy(to, from, bytes);
        return;
      }
      const index_t step = input.product(d + 1, input.rank()) * width,
                    slab = output.product(d + 1, output.rank()) * width;
      if (repeats_below(d + 1))
        for (index_t i = 0; i < input[d]; ++i) axis(d + 1, from + i * step, to + i * slab);
      else
        std::memcpy(to, from, bytes);
      const index_t block = input[d] * slab;
      for (index_t at = block; at < output[d] * slab; at += block)
        std::memcpy(to + at, to, static_cast<std::size_t>(block));
    }
  };
};

}  // namespace lithe::inline v0::portable
