// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/core/services.hpp"
#include "lithe/core/tensor.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::simd::detail {

/// Calls body(first, count) for ranges of `items` of `size` elements each, compiled for the instruction set. Threads
/// take ranges of about `grain` elements. `body` is always inlined.
template <class Isa, class Body>
void for_each_range(const ThreadPool* threads, index_t items, index_t size, index_t grain, const Body& body) {
  constexpr index_t most_ranges = 64;
  const ops::detail::Ranges ranges(items, size, grain, most_ranges);
  ops::detail::in_parallel(threads, ranges.count, [&](index_t i) {
    Isa::enter([&]() __attribute__((always_inline)) { body(ranges.first(i), ranges.length(i)); });
  });
}

/// Calls body(from, count, to) for runs of adjacent elements of input 0, of type T, and output 0, until all are
/// done: ranges of dense tensors, else rows; threads, grain and body as above.
template <class Isa, class T, class Body>
void for_each_run(const RunContext& context, index_t grain, const Body& body) {
  const TensorView& input = context.input(0);
  const Tensor& output = context.output();
  const auto in_ranges = [&](index_t items, index_t size, const auto& run) {
    for_each_range<Isa>(context.threads(), items, size, grain, run);
  };
  if (input.dense() && output.dense()) {
    const auto* from = static_cast<const T*>(input.data);
    auto* to = static_cast<T*>(output.data);
    in_ranges(input.elements(), 1, [&](index_t first, index_t count) __attribute__((always_inline)) {
      body(from + first, count, to + first);
    });
  } else {
    const index_t length = input.shape.back();
    in_ranges(input.shape.rows(), length, [&](index_t first, index_t count) __attribute__((always_inline)) {
      for (index_t i = first; i < first + count; ++i) body(input.row<T>(i), length, output.row<T>(i));
    });
  }
}

}  // namespace lithe::inline v0::simd::detail
