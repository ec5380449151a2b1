// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

namespace lithe::inline v0::simd::detail {

template <class T, int bytes>
struct VectorOf {
  typedef T type __attribute__((vector_size(bytes)));  // NOLINT(modernize-use-using): gcc 12 drops it there
};

/// `bytes` / sizeof(T) neighbouring elements. Functions take vectors by reference: how one passes by value
/// depends on the instruction set.
template <class T, int bytes>
using Vector = typename VectorOf<T, bytes>::type;

/// No alignment is needed.
template <class V, class T>
[[gnu::always_inline]] inline void load(V& to, const T* from) {
  std::memcpy(&to, from, sizeof to);
}
template <class T, class V>
[[gnu::always_inline]] inline void store(T* to, const V& from) {
  std::memcpy(to, &from, sizeof from);
}

/// The same value in every lane; -0 stays -0.
template <class V, class T>
[[gnu::always_inline]] inline void fill(V& to, T value) {
  to = value - V{};
}

/// NaN stays NaN.
template <class V>
[[gnu::always_inline]] inline void clamp(V& value, const V& low, const V& high) {
  value = low > value ? low : value;
  value = high < value ? high : value;
}

}  // namespace lithe::inline v0::simd::detail
