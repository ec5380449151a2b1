// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstring>

#include "lithe/core/tensor.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops::detail {

/// Elements from one index of an axis to the next: may be zero (broadcast) or negative (reversed).
using Strides = std::array<index_t, max_rank>;

/// The strides of a row-major tensor whose rows of the last axis lie `pitch` elements apart.
constexpr Strides element_strides(const Shape& shape, index_t pitch) {
  Strides strides{};
  index_t step = pitch;
  for (int i = shape.rank() - 2; i >= 0; --i) {
    strides[static_cast<std::size_t>(i)] = step;
    step *= shape[i];
  }
  if (shape.rank() > 0) strides[static_cast<std::size_t>(shape.rank() - 1)] = 1;
  return strides;
}
template <class Void>
Strides element_strides(const BasicTensor<Void>& tensor) {
  return element_strides(tensor.shape, tensor.pitch);
}

/// The address of element `offset` of a tensor of whole-byte elements.
inline const std::byte* element(const TensorView& tensor, index_t offset) {
  return static_cast<const std::byte*>(tensor.data) + offset * element_bytes(tensor.dtype);
}
inline std::byte* element(const Tensor& tensor, index_t offset) {
  return static_cast<std::byte*>(tensor.data) + offset * element_bytes(tensor.dtype);
}

/// Nested loops over two strided tensors of one shape. Axes of size 1 are dropped; neighbouring axes are
/// merged where both tensors allow.
struct StridedLoops {
  Strides extent{}, from{}, to{};
  int rank = 0;

  StridedLoops(const Shape& shape, const Strides& from_strides, const Strides& to_strides) {
    for (int i = 0; i < shape.rank(); ++i) {
      const index_t n = shape[i], f = from_strides[static_cast<std::size_t>(i)],
                    t = to_strides[static_cast<std::size_t>(i)];
      if (n == 1) continue;
      const auto last = static_cast<std::size_t>(rank > 0 ? rank - 1 : 0);
      if (rank > 0 && from[last] == f * n && to[last] == t * n) {
        extent[last] *= n;
        from[last] = f;
        to[last] = t;
      } else {
        const auto k = static_cast<std::size_t>(rank++);
        extent[k] = n;
        from[k] = f;
        to[k] = t;
      }
    }
    if (rank == 0) {
      extent[0] = 1;
      from[0] = to[0] = 1;
      rank = 1;
    }
  }

  /// Calls row(from offset, to offset) once for each run of the last axis.
  template <class Row>
  void for_each_row(Row row) const {
    Strides index{};
    index_t f = 0, t = 0;
    for (;;) {
      row(f, t);
      int axis = rank - 2;
      for (; axis >= 0; --axis) {
        const auto k = static_cast<std::size_t>(axis);
        f += from[k];
        t += to[k];
        if (++index[k] < extent[k]) break;
        f -= from[k] * extent[k];
        t -= to[k] * extent[k];
        index[k] = 0;
      }
      if (axis < 0) return;
    }
  }
};

/// Copies elements of `width` bytes between two strided regions of one shape that do not overlap.
inline void copy_strided(int width, const Shape& shape, const std::byte* from, const Strides& from_strides,
                         std::byte* to, const Strides& to_strides) {
  if (shape.elements() == 0) return;
  const StridedLoops loops(shape, from_strides, to_strides);
  const auto last = static_cast<std::size_t>(loops.rank - 1);
  const index_t count = loops.extent[last], from_step = loops.from[last], to_step = loops.to[last];
  if (from_step == 1 && to_step == 1) {
    const auto bytes = static_cast<std::size_t>(count * width);
    loops.for_each_row([&](index_t f, index_t t) { std::memcpy(to + t * width, from + f * width, bytes); });
    return;
  }
  by_width(width, [&]<class T>() {
    loops.for_each_row([&](index_t f, index_t t) {
      for (index_t i = 0; i < count; ++i) store<T>(to, t + i * to_step, load<T>(from, f + i * from_step));
    });
  });
}

}  // namespace lithe::inline v0::ops::detail
