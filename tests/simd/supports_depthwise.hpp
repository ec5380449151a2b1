// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"

namespace lithe::test {

/// Whether the kernel runs a DepthwiseConv2D of an image [1, 8, 8, C] on this processor. `filter` is
/// [KH, KW, C, multiplier], and of the image's dtype.
inline bool supports_depthwise(const KernelEntry& kernel, const Cpu& cpu,
                               const ops::DepthwiseConv2D::Attributes& a, const Shape& filter,
                               DType dtype = DType::f32) {
  const ValueInfo inputs[] = {{dtype, {1, 8, 8, filter[2]}}, {dtype, filter}},
                  outputs[] = {{dtype, {1, 8, 8, filter[2]}}};
  return kernel.supports(&a, {inputs, outputs, &cpu});
}

}  // namespace lithe::test
