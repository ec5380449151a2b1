// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "lithe/ops/depthwise_conv2d.hpp"
#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

/// A depthwise convolution in double precision, only for one filter a channel, without dilation.
inline ReferenceTensor depthwise_reference(const ops::DepthwiseConv2D::Attributes& a,
                                           const std::vector<ReferenceTensor>& in) {
  const Shape &x = in[0].shape, &f = in[1].shape;
  const auto size = [&](int i) {
    return (x[i + 1] + a.pads[static_cast<std::size_t>(i)] + a.pads[static_cast<std::size_t>(i) + 2] - f[i]) /
               a.strides[static_cast<std::size_t>(i)] +
           1;
  };
  ReferenceTensor out(Shape{x[0], size(0), size(1), f[2]});
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    const auto at = out.index_of(i);
    double sum = in.size() > 2 ? in[2].at(at[3]) : 0;
    for (index_t h = 0; h < f[0]; ++h)
      for (index_t w = 0; w < f[1]; ++w) {
        const index_t y = at[1] * a.strides[0] - a.pads[0] + h, z = at[2] * a.strides[1] - a.pads[1] + w;
        if (y >= 0 && y < x[1] && z >= 0 && z < x[2])
          sum += in[0].at(at[0], y, z, at[3]) * in[1].at(h, w, at[3], index_t{0});
      }
    out[i] = std::clamp<double>(sum, a.clamp.min, a.clamp.max);
  }
  return out;
}

}  // namespace lithe::test
