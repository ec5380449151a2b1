// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "lithe/core/shape.hpp"

namespace lithe::inline v0::xnn {

/// Whether `matrices` of [K, N] fit the address space when they are packed for a matrix product in f32 or
/// f16. XNNPACK computes that size without checking for overflow: it rounds N up to 64 at most and K to 16,
/// and adds a bias.
inline bool packable(index_t matrices, index_t k, index_t n) {
  const std::uint64_t one = (static_cast<std::uint64_t>(n) + 63) * (static_cast<std::uint64_t>(k) + 16);
  return one <=
         std::numeric_limits<std::size_t>::max() / 2 / sizeof(float) / static_cast<std::uint64_t>(matrices);
}

}  // namespace lithe::inline v0::xnn
