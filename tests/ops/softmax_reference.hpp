// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "lithe/ops/softmax.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

inline ReferenceTensor reference_softmax(const ops::SoftmaxAttributes& a,
                                         const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  const int axis = normalize_axis(a.axis, x.rank());
  const index_t n = x[axis], stride = x.product(axis + 1, x.rank());
  ReferenceTensor out(x);
  for (index_t first = 0; first < x.elements(); ++first) {
    if (first / stride % n != 0) continue;
    double max = -INFINITY, sum = 0;
    for (index_t i = first; i < first + n * stride; i += stride) max = std::max(max, in[0][i]);
    for (index_t i = first; i < first + n * stride; i += stride) sum += std::exp(in[0][i] - max);
    for (index_t i = first; i < first + n * stride; i += stride) out[i] = std::exp(in[0][i] - max) / sum;
  }
  return out;
}

}  // namespace lithe::test
