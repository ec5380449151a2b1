// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <vector>

#include "lithe/ops/layer_normalization.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

/// Output, mean and inverse deviation, row by row; `centered` is false for RMSNormalization.
inline std::vector<ReferenceTensor> normalized_rows(const ops::TrailingAxesAttributes& a,
                                                    const std::vector<ReferenceTensor>& in, bool centered) {
  const Shape& shape = in[0].shape;
  const int axis = normalize_axis(a.axis, shape.rank());
  const index_t rows = shape.product(0, axis), n = shape.product(axis, shape.rank());
  Shape kept = shape;
  for (int i = axis; i < shape.rank(); ++i) kept[i] = 1;
  ReferenceTensor y(shape), mean(kept), inverse(kept);
  for (index_t r = 0; r < rows; ++r) {
    double sum = 0, squares = 0;
    for (index_t i = 0; i < n; ++i) sum += in[0][r * n + i];
    const double middle = centered ? sum / static_cast<double>(n) : 0;
    for (index_t i = 0; i < n; ++i) squares += std::pow(in[0][r * n + i] - middle, 2);
    mean[r] = middle;
    inverse[r] = 1 / std::sqrt(squares / static_cast<double>(n) + a.epsilon);
    for (index_t i = 0; i < n; ++i) {
      double& value = y[r * n + i] = (in[0][r * n + i] - middle) * inverse[r];
      if (in.size() > 1 && !in[1].empty()) value *= in[1][i];
      if (in.size() > 2 && !in[2].empty()) value += in[2][i];
    }
  }
  return {y, mean, inverse};
}
inline std::vector<ReferenceTensor> reference_layer_normalization(const ops::TrailingAxesAttributes& a,
                                                                  const std::vector<ReferenceTensor>& in) {
  return normalized_rows(a, in, true);
}
inline ReferenceTensor reference_rms_normalization(const ops::TrailingAxesAttributes& a,
                                                   const std::vector<ReferenceTensor>& in) {
  return normalized_rows(a, in, false)[0];
}

}  // namespace lithe::test
