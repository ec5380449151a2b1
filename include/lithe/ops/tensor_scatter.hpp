// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// What happens to entries beyond the end of the axis: they are refused (linear), or go to its beginning
/// (circular).
enum class ScatterMode : std::uint8_t { linear, circular };
constexpr std::array<const char*, 2> enum_names(ScatterMode) { return {"linear", "circular"}; }

/// Copies a cache and writes over consecutive entries of an axis, for each batch element from its own place
/// on.
///   cache [B, ..., S, ...]    updates: the same shape but for n <= S on `axis`    output: the cache's shape
///   write_indices [B] s64 optional (absent: 0)
/// Errors: Code::shape if shapes disagree or `axis` is 0 or lies outside; Code::unsupported for sub-byte
/// elements; Code::out_of_range from run for an index outside [0, S), or, if linear, above S - n.
/// Source: ONNX TensorScatter-24.
struct TensorScatter {
  struct Attributes {
    std::int64_t axis = -2;
    ScatterMode mode = ScatterMode::linear;
    static constexpr auto fields() {
      return Fields{field("axis", &Attributes::axis), field("mode", &Attributes::mode)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "TensorScatter", .inputs = {"cache", "updates", "write_indices?"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{any, any, s64}, {any}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::whole_bytes(context.dtype(0)));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    LITHE_TRY(detail::same_scale(context, 1, 0));
    const Shape &cache = context.shape(0), &updates = context.shape(1);
    const int axis = normalize_axis(a.axis, cache.rank());
    if (axis < 1) return {Code::shape, "the axis of a cache lies outside of it, or is the batch"};
    if (updates.rank() != cache.rank()) return {Code::shape, "updates need the rank of the cache"};
    for (int d = 0; d < cache.rank(); ++d)
      if (d == axis ? updates[d] > cache[d] : updates[d] != cache[d])
        return {Code::shape, "updates do not fit the cache"};
    if (context.has(2) && !(context.shape(2) == Shape{cache[0]}))
      return {Code::shape, "a cache needs one place to write to for each batch"};
    return context.output(0, cache);
  }
};
static_assert(Operator<TensorScatter>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::TensorScatter> Op>
struct Kernel<Op> {
  static Status run(const ops::TensorScatter::Attributes& a, RunContext& context) {
    const TensorView& updates = context.input(1);
    const Tensor& output = context.output();
    LITHE_TRY(ops::detail::copy_all(context.input(0), output));
    const Shape& shape = output.shape;
    const int axis = normalize_axis(a.axis, shape.rank());
    const index_t size = shape[axis], n = updates.shape[axis], outer = shape.product(1, axis),
                  entry = shape.product(axis + 1, shape.rank());
    const auto bytes = static_cast<std::size_t>(entry * element_bytes(output.dtype));
    for (index_t b = 0; b < shape[0]; ++b) {
      const std::int64_t first = context.has(2) ? integer_at(context.input(2), b) : 0;
      const bool circular = a.mode == ops::ScatterMode::circular;
      if (first < 0 || first > (circular ? size - 1 : size - n))
        return {Code::out_of_range, "a place to write to lies outside of the cache"};
      for (index_t o = b * outer; bytes != 0 && o < (b + 1) * outer; ++o)
        for (index_t i = 0; i < n; ++i) {
          const index_t at = (static_cast<index_t>(first) + i) % size;
          std::memcpy(ops::detail::element(output, (o * size + at) * entry),
                      ops::detail::element(updates, (o * n + i) * entry), bytes);
        }
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
