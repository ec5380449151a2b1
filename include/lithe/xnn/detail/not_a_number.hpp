// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/dtype.hpp"
#include "lithe/core/services.hpp"
#include "lithe/core/shape.hpp"

/// Where XNNPACK 4ea82e5 loses NaN. Its f32 kernels for SSE clamp with the operands in an order that turns NaN
/// into a bound. Processors with AVX run them too, for want of newer ones: in pools, in products with fewer
/// output channels than a block of the main kernel has, and in depthwise convolutions of 1x1. Products choose
/// another function here; `simd/` takes the others before XNNPACK in the default lists.
namespace lithe::inline v0::xnn {

/// Whether a kernel for SSE would compute a product with `channels` outputs, of a group.
inline bool runs_narrow_sse(DType dtype, const Cpu& cpu, index_t channels) {
  return dtype == DType::f32 && !cpu.neon && channels < (cpu.avx512 ? 32 : 16);
}

}  // namespace lithe::inline v0::xnn
