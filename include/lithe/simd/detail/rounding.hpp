// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "lithe/ops/detail/requantize.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd::detail {

/// Turns real steps into stored 8-bit values, as the portable kernels' Requantizer does it.
template <class Isa>
struct Rounding {
  using Floats = Vector<float, Isa::bytes>;
  using Integers = Vector<std::int32_t, Isa::bytes>;

  Floats low, high;  ///< steps from the zero point
  Integers zero_point;

  [[gnu::always_inline]] Rounding(const ops::detail::QuantizedRange& range, std::int32_t zero) {
    fill(low, static_cast<float>(range.min - zero));
    fill(high, static_cast<float>(range.max - zero));
    fill(zero_point, zero);
  }

  /// The lowest byte of each lane of `to` is the stored value; the others are anything.
  [[gnu::always_inline]] void apply(Integers& to, const Floats& steps) const {
    Floats rounded = steps;
    clamp(rounded, low, high);
    rounded += 0x1.8p23f;  // leaves the integer, rounded to nearest even, in the low bits
    to = reinterpret_cast<Integers>(rounded) + zero_point;
  }
};

template <class Wide, class Narrow, int... lane>
[[gnu::always_inline]] inline void even_lanes(const Wide& a, const Wide& b, Narrow& to,
                                              std::integer_sequence<int, lane...>) {
  to = __builtin_shufflevector(reinterpret_cast<const Narrow&>(a), reinterpret_cast<const Narrow&>(b),
                               (2 * lane)...);
}
/// The lowest byte of every lane of four vectors. Little-endian processors only.
template <class Integers, class Bytes>
[[gnu::always_inline]] inline void lowest_bytes(const Integers (&from)[4], Bytes& to) {
  using Shorts = Vector<std::int16_t, sizeof(Integers)>;
  Shorts halves[2];
  constexpr std::make_integer_sequence<int, sizeof(Shorts) / sizeof(std::int16_t)> shorts;
  even_lanes(from[0], from[1], halves[0], shorts);
  even_lanes(from[2], from[3], halves[1], shorts);
  even_lanes(halves[0], halves[1], to, std::make_integer_sequence<int, sizeof(Bytes)>{});
}

}  // namespace lithe::inline v0::simd::detail
