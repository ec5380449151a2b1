// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

/// Rows of s8 and their scales and zero points. In float as XNNPACK does, because a range that ends half-way
/// between two zero points must end on the same one.
inline std::vector<ReferenceTensor> reference_dynamic_quantize(const std::vector<ReferenceTensor>& in) {
  const index_t k = in[0].shape.back(), rows = in[0].shape.rows();
  Shape pairs = in[0].shape;
  pairs[pairs.rank() - 1] = 2;
  ReferenceTensor out(in[0].shape), steps(pairs);
  for (index_t r = 0; r < rows; ++r) {
    float low = 0, high = 0;
    for (index_t i = 0; i < k; ++i) {
      const auto x = static_cast<float>(in[0][r * k + i]);
      low = std::fmin(low, x);
      high = std::fmax(high, x);
    }
    const float range = std::fmin(high - low, 3.4028235e38F);
    const float inverse = range == 0 ? 1 : 255 / range;
    const float below = -128 - low * inverse, above = 127 - high * inverse;
    float zero = (-128 + low * inverse) + (127 + high * inverse) > 0 ? below : above;
    zero = std::rint(std::fmax(-128.F, std::fmin(127.F, zero)));
    const float scale = 1 / inverse, back = 1 / scale;
    steps[2 * r] = scale;
    steps[2 * r + 1] = zero;
    for (index_t i = 0; i < k; ++i)
      out[r * k + i] = std::clamp<double>(
          std::rint(static_cast<float>(in[0][r * k + i]) * back) + static_cast<double>(zero), -128, 127);
  }
  return {out, steps};
}

inline ReferenceTensor reference_dynamic_fully_connected(const Clamp& clamp,
                                                         const std::vector<ReferenceTensor>& in) {
  const index_t n = in[1].shape[0], k = in[1].shape[1];
  Shape shape = in[0].shape;
  shape[shape.rank() - 1] = n;
  ReferenceTensor out(shape);
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    const index_t row = i / n;
    double sum = 0;
    for (index_t j = 0; j < k; ++j) sum += (in[0][row * k + j] - in[3][2 * row + 1]) * in[1].at(i % n, j);
    sum = sum * in[3][2 * row] + (in[2].shape.rank() == 0 ? 0 : in[2][i % n]);
    out[i] = std::clamp<double>(sum, clamp.min, clamp.max);
  }
  return out;
}

}  // namespace lithe::test
