// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
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

/// The first `lanes` lanes; the others become 0 and are not stored.
template <std::ptrdiff_t lanes, class V, class T>
[[gnu::always_inline]] inline void load_lanes(V& to, const T* from) {
  if constexpr (lanes == 1)
    to = V{from[0]};
  else if constexpr (lanes == 2)
    to = V{from[0], from[1]};
  else if constexpr (lanes == 3)
    to = V{from[0], from[1], from[2]};
  else
    load(to, from);
}
template <std::ptrdiff_t lanes, class T, class V>
[[gnu::always_inline]] inline void store_lanes(T* to, const V& from) {
  if constexpr (lanes * sizeof(T) == sizeof(V)) {
    store(to, from);
  } else {
#pragma GCC unroll 3
    for (std::ptrdiff_t i = 0; i < lanes; ++i) to[i] = from[i];
  }
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

template <class V, class T, int... lane>
[[gnu::always_inline]] inline void add_lanes(const V& v, T& sum, std::integer_sequence<int, lane...>) {
  constexpr int half = sizeof...(lane);
  if constexpr (half == 0) {
    sum = v[0];
  } else {
    const Vector<T, half* static_cast<int>(sizeof(T))> halves =
        __builtin_shufflevector(v, v, lane...) + __builtin_shufflevector(v, v, (lane + half)...);
    add_lanes(halves, sum, std::make_integer_sequence<int, half / 2>{});
  }
}
/// The sum of all lanes, by halves.
template <class V, class T>
[[gnu::always_inline]] inline void add_lanes(const V& v, T& sum) {
  add_lanes(v, sum, std::make_integer_sequence<int, sizeof(V) / sizeof(T) / 2>{});
}

}  // namespace lithe::inline v0::simd::detail
