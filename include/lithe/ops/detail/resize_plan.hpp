// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/core/align.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/ops/detail/reduce.hpp"
#include "lithe/ops/detail/resample.hpp"

namespace lithe::inline v0::ops::detail {

/// One loop of a resize, over an axis that has a table or is kept; outermost first.
struct ResizeLevel {
  index_t input = 0, output = 0, inner_input = 0, inner_output = 0;
  index_t capacity = 0;               ///< room for the weights of an output element
  const ResizeTaps* taps = nullptr;   ///< one for each output element; null: the axis is kept
  std::size_t weights = 0, slab = 0;  ///< offsets in the workspace of [output, capacity] and [inner_input]
};

/// The loops of a resize down to its last axis, and where their tables lie in the workspace.
struct ResizePlan {
  std::array<ResizeLevel, max_rank> levels;
  int count = 0;
  std::uint64_t bytes = 0;
  std::size_t line_in = 0, line_out = 0;  ///< offsets of the last level's lines, where elements are converted

  /// `element`: bytes of a number of the arithmetic; `converts`: the tensors are of another type.
  template <class Attributes>
  ResizePlan(const Attributes& a, const Shape& input, const Shape& output, std::size_t element,
             bool converts) {
    const AxisSet axes = *axis_set_or_all(a.axes, input.rank());
    for (int d = 0; d < input.rank(); ++d)
      if (axes.has(d)) count = d + 1;
    for (int d = 0; d < count; ++d) {
      ResizeLevel& level = levels[static_cast<std::size_t>(d)];
      level.input = input[d];
      level.output = output[d];
      level.inner_input = input.product(d + 1, input.rank());
      level.inner_output = output.product(d + 1, output.rank());
      if (!axes.has(d)) continue;
      level.capacity =
          a.mode == ResizeMode::nearest ? 0 : a.filter().most_taps(input[d], output[d], a.crops());
      const auto outputs = static_cast<std::uint64_t>(output[d]),
                 slab = static_cast<std::uint64_t>(level.inner_input);
      offsets[static_cast<std::size_t>(d)] = take(outputs * sizeof(ResizeTaps));
      if (a.mode == ResizeMode::nearest) continue;
      level.weights = take(outputs * static_cast<std::uint64_t>(level.capacity) * element);
      if (d + 1 < count) {
        level.slab = take(slab * element);
      } else if (converts) {
        line_in = take(static_cast<std::uint64_t>(input[d]) * slab * element);
        line_out = take(outputs * slab * element);
      }
    }
  }
  std::array<std::size_t, max_rank> offsets{};  ///< where the tables of taps lie

 private:
  /// Takes `size` bytes of the workspace. Offsets that wrap belong to a sum that ask_workspace refuses.
  std::size_t take(std::uint64_t size) {
    const std::uint64_t at = bytes;
    bytes += align_up(size, 64);
    return static_cast<std::size_t>(at);
  }
};

}  // namespace lithe::inline v0::ops::detail
