// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace lithe::inline v0::simd::detail {

/// Squares of 2 * step lanes are transposed within pairs of rows: `low` keeps its lanes of even squares and gets
/// those of `high`, which gets the others.
template <int step, class V, int... lane>
[[gnu::always_inline]] inline void exchange(V& low, V& high, std::integer_sequence<int, lane...>) {
  constexpr int lanes = sizeof...(lane);
  const V a = low, b = high;
  low = __builtin_shufflevector(a, b, ((lane & step) == 0 ? lane : lanes + lane - step)...);
  high = __builtin_shufflevector(a, b, ((lane & step) == 0 ? lane + step : lanes + lane)...);
}

/// Lane j of row i becomes lane i of row j.
template <int step = 1, class V, int lanes>
[[gnu::always_inline]] inline void transpose_square(V (&rows)[lanes]) {
  static_assert((lanes & (lanes - 1)) == 0 && sizeof(V) == lanes * sizeof(rows[0][0]));
#pragma GCC unroll 16
  for (int i = 0; i < lanes; ++i)
    if ((i & step) == 0) exchange<step>(rows[i], rows[i + step], std::make_integer_sequence<int, lanes>{});
  if constexpr (step * 2 < lanes) transpose_square<step * 2>(rows);
}

}  // namespace lithe::inline v0::simd::detail
