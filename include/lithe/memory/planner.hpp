// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/align.hpp"

namespace lithe::inline v0 {

/// A block that must exist from step `first` to step `last`, both included.
struct PlannedBlock {
  std::size_t bytes = 0;
  std::int32_t first = 0, last = 0;
  std::size_t offset = 0;  ///< set by plan_blocks; a multiple of 64
};

/// Gives every block an offset so that blocks that live at the same time do not overlap. Returns the bytes
/// that all blocks need together. Places the largest block first, and each into the smallest gap that fits
/// (Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference", greedy by size).
/// `order` and `placed` are scratch memory of blocks.size() elements each. Takes O(n^2) time.
inline std::size_t plan_blocks(std::span<PlannedBlock> blocks, std::span<std::int32_t> order,
                               std::span<std::int32_t> placed) {
  const auto block = [&](std::int32_t i) -> PlannedBlock& { return blocks[static_cast<std::size_t>(i)]; };
  const auto n = static_cast<std::int32_t>(blocks.size());
  // Shell sort by falling size, then by index: without recursion or allocation.
  for (std::int32_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  const auto before = [&](std::int32_t a, std::int32_t b) {
    return block(a).bytes != block(b).bytes ? block(a).bytes > block(b).bytes : a < b;
  };
  for (std::int32_t gap = n / 2; gap > 0; gap /= 2)
    for (std::int32_t i = gap; i < n; ++i) {
      const std::int32_t item = order[static_cast<std::size_t>(i)];
      std::int32_t k = i;
      for (; k >= gap && before(item, order[static_cast<std::size_t>(k - gap)]); k -= gap)
        order[static_cast<std::size_t>(k)] = order[static_cast<std::size_t>(k - gap)];
      order[static_cast<std::size_t>(k)] = item;
    }
  std::size_t total = 0;
  std::int32_t count = 0;  // placed[0, count): by rising offset
  for (std::int32_t i = 0; i < n; ++i) {
    PlannedBlock& b = block(order[static_cast<std::size_t>(i)]);
    b.offset = 0;
    if (b.bytes == 0) continue;
    const std::size_t bytes = align_up(b.bytes, 64);
    std::size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (std::int32_t k = 0; k < count; ++k) {
      const PlannedBlock& other = block(placed[static_cast<std::size_t>(k)]);
      if (other.last < b.first || other.first > b.last) continue;
      if (other.offset >= end + bytes && other.offset - end < best_gap) {
        best = end;
        best_gap = other.offset - end;
      }
      const std::size_t other_end = other.offset + align_up(other.bytes, 64);
      if (other_end > end) end = other_end;
    }
    b.offset = best == SIZE_MAX ? end : best;
    if (b.offset + bytes > total) total = b.offset + bytes;
    std::int32_t k = count++;
    for (; k > 0 && block(placed[static_cast<std::size_t>(k - 1)]).offset > b.offset; --k)
      placed[static_cast<std::size_t>(k)] = placed[static_cast<std::size_t>(k - 1)];
    placed[static_cast<std::size_t>(k)] = order[static_cast<std::size_t>(i)];
  }
  return total;
}

}  // namespace lithe::inline v0
