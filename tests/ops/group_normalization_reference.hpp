// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "lithe/ops/group_normalization.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

inline ReferenceTensor reference_group_normalization(const ops::GroupNormalization::Attributes& a,
                                                     const std::vector<ReferenceTensor>& in) {
  const Shape& shape = in[0].shape;
  const index_t channels = shape.back(), groups = a.groups == 0 ? channels : a.groups;
  const index_t rows = shape.product(1, shape.rank() - 1), width = channels / std::max<index_t>(groups, 1);
  const auto parameter = [&](std::size_t i, index_t c, double missing) {
    if (in.size() <= i || in[i].empty()) return missing;
    return in[i][in[i].shape[0] == channels ? c : c / width];
  };
  ReferenceTensor y(shape);
  for (index_t n = 0; n < shape[0]; ++n)
    for (index_t g = 0; g < groups; ++g) {
      const auto each = [&](auto f) {
        for (index_t r = 0; r < rows; ++r)
          for (index_t c = g * width; c < (g + 1) * width; ++c) f((n * rows + r) * channels + c, c);
      };
      double mean = 0, variance = 0;
      const auto count = static_cast<double>(rows * width);
      each([&](index_t i, index_t) { mean += in[0][i] / count; });
      each([&](index_t i, index_t) { variance += std::pow(in[0][i] - mean, 2) / count; });
      each([&](index_t i, index_t c) {
        y[i] = (in[0][i] - mean) / std::sqrt(variance + a.epsilon) * parameter(1, c, 1) + parameter(2, c, 0);
      });
    }
  return y;
}

}  // namespace lithe::test
