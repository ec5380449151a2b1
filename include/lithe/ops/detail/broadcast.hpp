// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"

namespace lithe::inline v0::ops::detail {

/// The shape that two shapes broadcast to by numpy's rule: aligned at the last axis, a 1 stretches.
/// Errors: Code::shape.
[[gnu::cold]] inline Result<Shape> broadcast(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape result = Shape::of_rank(rank);
  for (int i = 0; i < rank; ++i) {
    const int in_a = i - (rank - a.rank()), in_b = i - (rank - b.rank());
    const index_t da = in_a < 0 ? 1 : a[in_a], db = in_b < 0 ? 1 : b[in_b];
    if (da != db && da != 1 && db != 1)
      return Status{Code::shape, "shapes cannot be broadcast: two dimensions differ and neither is 1"};
    result[i] = da == 1 ? db : da;
  }
  return result;
}

/// Walks an output as runs of contiguous elements, in order. Within a run each of the N broadcast inputs
/// either runs along or repeats one element. Axes that all inputs traverse alike are merged, so that equal
/// shapes give a single run.
template <std::size_t N>
class BroadcastRuns {
 public:
  BroadcastRuns(const Shape& output, const std::array<const Shape*, N>& inputs) {
    std::array<index_t, N> next{};  // strides of the next axis outwards if it were not broadcast
    next.fill(1);
    for (int axis = output.rank() - 1; axis >= 0; --axis) {
      std::array<index_t, N> stride{};
      for (std::size_t i = 0; i < N; ++i) {
        const int own = axis - (output.rank() - inputs[i]->rank());
        const index_t dim = own < 0 ? 1 : (*inputs[i])[own];
        stride[i] = dim == 1 ? 0 : next[i];
        next[i] *= dim;
      }
      if (output[axis] != 1) push(output[axis], stride);
    }
    runs_left_ = output.elements() == 0 ? 0 : output.elements() / dims_[0];
  }

  bool done() const { return runs_left_ == 0; }
  /// Elements of a run.
  index_t length() const { return dims_[0]; }
  /// Whether input i repeats one element all along a run.
  bool repeats(std::size_t i) const { return strides_[0][i] == 0; }
  /// The place of this run's first element in input i.
  index_t offset(std::size_t i) const { return offsets_[i]; }
  index_t output_offset() const { return output_offset_; }
  void advance() {
    --runs_left_;
    output_offset_ += dims_[0];
    for (int axis = 1; axis < axes_; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      for (std::size_t i = 0; i < N; ++i) offsets_[i] += strides_[a][i];
      if (++at_[a] < dims_[a]) return;
      for (std::size_t i = 0; i < N; ++i) offsets_[i] -= strides_[a][i] * dims_[a];
      at_[a] = 0;
    }
  }

 private:
  void push(index_t dim, const std::array<index_t, N>& stride) {
    const auto last = static_cast<std::size_t>(axes_ - 1);
    bool merges = !empty_;
    for (std::size_t i = 0; i < N; ++i) merges = merges && stride[i] == strides_[last][i] * dims_[last];
    if (merges) {
      dims_[last] *= dim;
    } else {
      if (!empty_) ++axes_;
      dims_[static_cast<std::size_t>(axes_ - 1)] = dim;
      strides_[static_cast<std::size_t>(axes_ - 1)] = stride;
    }
    empty_ = false;
  }

  std::array<index_t, max_rank> dims_{1}, at_{};  // innermost first
  std::array<std::array<index_t, N>, max_rank> strides_{};
  std::array<index_t, N> offsets_{};
  index_t output_offset_ = 0, runs_left_ = 0;
  int axes_ = 1;
  bool empty_ = true;
};

}  // namespace lithe::inline v0::ops::detail
