// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lithe::inline v0 {

/// The smallest multiple of `alignment` that is at least `n`; wraps where T cannot hold it.
template <std::unsigned_integral T>
constexpr T align_up(T n, std::type_identity_t<T> alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

/// More bytes than any object has; a multiple of every alignment.
inline constexpr std::size_t too_large = SIZE_MAX / 2 + 1;

/// The sum of two sizes, or too_large where it is more: sizes from a file never wrap around.
constexpr std::size_t add_sizes(std::size_t a, std::size_t b) {
  return a >= too_large || b >= too_large - a ? too_large : a + b;
}

}  // namespace lithe::inline v0
