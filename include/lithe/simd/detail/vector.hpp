// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <utility>

/// Vectors of a given width, which every compiler turns into the instruction set of the function that they
/// end up in. Functions take them by reference: how one passes by value depends on the instruction set.
namespace lithe::inline v0::simd::detail {

template <class T, int bytes>
struct VectorOf {
  typedef T type __attribute__((vector_size(bytes)));  // NOLINT(modernize-use-using): gcc 12 drops it there
};

/// `bytes` / sizeof(T) neighbouring elements.
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

template <class V, class T, int... lane>
[[gnu::always_inline]] inline void fill_lanes(V& to, T value, std::integer_sequence<int, lane...>) {
  V first{};
  first[0] = value;
  to = __builtin_shufflevector(first, first, (lane * 0)...);
}
/// The same value in every lane. Spelled out: gcc 12 makes one instruction of this alone.
template <class V, class T>
[[gnu::always_inline]] inline void fill(V& to, T value) {
  fill_lanes(to, value, std::make_integer_sequence<int, sizeof(V) / sizeof(T)>{});
}

/// NaN stays NaN.
template <class V>
[[gnu::always_inline]] inline void clamp(V& value, const V& low, const V& high) {
  value = low > value ? low : value;
  value = high < value ? high : value;
}

}  // namespace lithe::inline v0::simd::detail
