// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/simd/add.hpp"
#include "lithe/simd/depthwise_conv2d.hpp"
#include "lithe/simd/quantized_depthwise_conv2d.hpp"
#include "lithe/simd/transpose.hpp"
#include "lithe/simd/wide_depthwise_conv2d.hpp"

namespace lithe::inline v0::simd {

/// Every vector kernel of ours.
// clang-format off
using all = KernelList<
    Add,
    DepthwiseConv2D,
    QuantizedDepthwiseConv2D,
    Transpose,
    WideDepthwiseConv2D>;
// clang-format on

}  // namespace lithe::inline v0::simd
