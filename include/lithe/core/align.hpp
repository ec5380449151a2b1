// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <type_traits>

namespace lithe::inline v0 {

/// The smallest multiple of `alignment` that is at least `n`; wraps where T cannot hold it.
template <std::unsigned_integral T>
constexpr T align_up(T n, std::type_identity_t<T> alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

}  // namespace lithe::inline v0
