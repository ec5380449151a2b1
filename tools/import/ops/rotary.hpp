// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "lithe/ops/gather.hpp"
#include "tools/import/ops/compose.hpp"

namespace lithe::import {

/// Which elements of a head make the pairs that a rotary embedding turns.
struct RotaryPairs {
  bool interleaved = false;  ///< neighbours; else element i and i + R / 2
  std::int64_t rotated = 0;  ///< R: the first elements of a head that are turned; 0: all
};

/// Turns pairs of the last axis of `value` [..., D] by angles whose cosines and sines are [..., R / 2] and
/// broadcast.
inline graph::ValueId rotate(Compose& compose, graph::ValueId value, graph::ValueId cosines,
                             graph::ValueId sines, const RotaryPairs& pairs) {
  using graph::ValueId;
  NodeImport& node = compose.node;
  const std::int64_t depth = compose.known_size(value, -1, "a head size");
  const std::int64_t rotated = pairs.rotated == 0 ? depth : pairs.rotated, half = rotated / 2;
  if (rotated % 2 != 0 || rotated > depth)
    node.refuse("the rotated part of a head must be even and lie in it");
  const int rank = node.required_rank(value), last = rank - 1;
  const ValueId turned = rotated == depth ? value : compose.slice(value, last, 0, rotated);
  const bool apart = pairs.interleaved;
  const ValueId first =
      apart ? compose.slice(turned, last, 0, rotated, 2) : compose.slice(turned, last, 0, half);
  const ValueId second =
      apart ? compose.slice(turned, last, 1, rotated, 2) : compose.slice(turned, last, half, rotated);
  const ValueId real = compose.sub(compose.mul(first, cosines), compose.mul(second, sines));
  const ValueId imaginary = compose.add(compose.mul(first, sines), compose.mul(second, cosines));
  ValueId result;
  if (apart) {
    result = compose.concat({compose.unsqueeze(real, {rank}), compose.unsqueeze(imaginary, {rank})}, rank);
    std::vector<Size> shape(static_cast<std::size_t>(last), 0);
    shape.push_back(rotated);
    result = compose.reshape(result, shape);
    if (rotated != depth) result = compose.concat({result, compose.slice(value, last, rotated, depth)}, last);
  } else {
    std::vector<ValueId> parts{real, imaginary};
    if (rotated != depth) parts.push_back(compose.slice(value, last, rotated, depth));
    result = compose.concat(parts, last);
  }
  return result;
}

/// The first `half` columns of rows `positions` [B, S] of a table [P, half or more].
inline graph::ValueId rotary_rows(Compose& compose, graph::ValueId table, graph::ValueId positions,
                                  std::int64_t half) {
  const Size width = compose.size(table, -1);
  if (!width.known() || width.number != half) table = compose.slice(table, -1, 0, half);
  return positions == graph::absent ? table : compose.apply<ops::Gather>({table, positions});
}

}  // namespace lithe::import
