// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include "lithe/core/shape.hpp"

namespace lithe::test {

/// Rows (axis 0) or columns (axis 1) of a pooled image of `size` rows or columns. No window starts in the
/// padding after the image.
template <class Attributes>
index_t pooled(const Attributes& a, index_t size, std::size_t axis) {
  const index_t window = (a.kernel[axis] - 1) * a.dilations[axis] + 1;
  const double room = static_cast<double>(size + a.pads[axis] + a.pads[axis + 2] - window) / a.strides[axis];
  auto out = static_cast<index_t>(a.ceil_mode ? std::ceil(room) : std::floor(room)) + 1;
  while (a.ceil_mode && (out - 1) * a.strides[axis] >= size + a.pads[axis]) --out;
  return out;
}

}  // namespace lithe::test
