// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/shape.hpp"

namespace lithe::inline v0::ops::detail {

/// A dense tensor as lines along one axis: element k of a line lies at its start + k * stride.
struct Lines {
  index_t length, stride, outer;

  /// All elements as one line.
  explicit Lines(index_t elements) : length(elements), stride(1), outer(1) {}
  Lines(const Shape& shape, int axis)
      : length(shape[axis]), stride(shape.product(axis + 1, shape.rank())), outer(shape.product(0, axis)) {}

  /// Calls f(start) for every line.
  template <class F>
  void for_each(F f) const {
    for (index_t o = 0; o < outer; ++o)
      for (index_t i = 0; i < stride; ++i) f(o * length * stride + i);
  }
  /// Calls f(start, count) for blocks of up to `block` neighbouring lines, the first of which begins at
  /// `start`.
  template <class F>
  void for_blocks(index_t block, F f) const {
    for (index_t o = 0; o < outer; ++o)
      for (index_t i = 0; i < stride; i += block)
        f(o * length * stride + i, stride - i < block ? stride - i : block);
  }
};

}  // namespace lithe::inline v0::ops::detail
