// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd::detail {

/// How an instruction set multiplies and adds in s8. The unit is a column: four rows, one pixel wide, of
/// `channels` channels. Instructions differ in how many rows they take at once; a column hides it.
///   offset        what load_input adds to the elements of a column
///   load          a column of four rows that begin at a, b, c and d
///   load_input    the same for the factor that is the input; of `used` rows, the others may be anything
///   add<first>    adds the products of a column of input and a column of taps, which holds zeros but for the
///                 three rows from `first` on
template <class Isa>
struct TapColumns;

/// Instructions that add the products of four rows.
template <class Isa>
  requires requires { &Isa::add_fours; }
struct TapColumns<Isa> {
  static constexpr int vectors = Isa::vectors, channels = vectors * Isa::bytes / 4;
  static constexpr std::int8_t offset = static_cast<std::int8_t>(Isa::offset);

  struct Column {
    Vector<std::int8_t, Isa::bytes> v[vectors];
  };
  struct Sums {
    Vector<std::int32_t, Isa::bytes> v[vectors];
  };

  [[gnu::always_inline]] static void load(Column& to, const std::int8_t* a, const std::int8_t* b,
                                          const std::int8_t* c, const std::int8_t* d) {
    Isa::load_fours(to.v, a, b, c, d);
  }
  template <int used>
  [[gnu::always_inline]] static void load_input(Column& to, const std::int8_t* a, const std::int8_t* b,
                                                const std::int8_t* c, const std::int8_t* d) {
    load(to, a, b, c, d);
    if constexpr (offset != 0)
#pragma GCC unroll 2
      for (int i = 0; i < vectors; ++i) to.v[i] ^= offset;
  }
  template <int first>
  [[gnu::always_inline]] static void add(Sums& sums, const Column& column, const Column& taps) {
#pragma GCC unroll 2
    for (int i = 0; i < vectors; ++i) Isa::add_fours(sums.v[i], column.v[i], taps.v[i]);
  }
};

/// Instructions that add the products of two rows, as s16.
template <class Isa>
  requires requires { &Isa::add_pairs; }
struct TapColumns<Isa> {
  static constexpr int vectors = Isa::vectors, channels = vectors * Isa::bytes / 4;
  static_assert(vectors == 1);

  struct Column {
    Vector<std::int16_t, Isa::bytes> v[2];
  };
  struct Sums {
    Vector<std::int32_t, Isa::bytes> v[1];
  };

  [[gnu::always_inline]] static void load(Column& to, const std::int8_t* a, const std::int8_t* b,
                                          const std::int8_t* c, const std::int8_t* d) {
    Isa::load_pairs(to.v[0], a, b);
    Isa::load_pairs(to.v[1], c, d);
  }
  template <int used>
  [[gnu::always_inline]] static void load_input(Column& to, const std::int8_t* a, const std::int8_t* b,
                                                const std::int8_t* c, const std::int8_t* d) {
    Isa::load_pairs(to.v[0], a, b);
    if constexpr (used == 3)
      Isa::load_singles(to.v[1], c);
    else
      Isa::load_pairs(to.v[1], c, d);
  }
  template <int first>
  [[gnu::always_inline]] static void add(Sums& sums, const Column& column, const Column& taps) {
    Isa::add_pairs(sums.v[0], column.v[0], taps.v[0]);
    Isa::add_pairs(sums.v[0], column.v[1], taps.v[1]);
  }
};

/// Instructions that add the products of one row, as s16.
template <class Isa>
  requires requires { &Isa::add_products; }
struct TapColumns<Isa> {
  static constexpr int vectors = Isa::vectors, channels = vectors * Isa::bytes / 4;

  struct Column {
    Vector<std::int16_t, Isa::bytes> v[4];
  };
  struct Sums {
    Vector<std::int32_t, Isa::bytes> v[vectors];
  };

  [[gnu::always_inline]] static void load(Column& to, const std::int8_t* a, const std::int8_t* b,
                                          const std::int8_t* c, const std::int8_t* d) {
    Isa::load_shorts(to.v[0], a);
    Isa::load_shorts(to.v[1], b);
    Isa::load_shorts(to.v[2], c);
    Isa::load_shorts(to.v[3], d);
  }
  template <int used>
  [[gnu::always_inline]] static void load_input(Column& to, const std::int8_t* a, const std::int8_t* b,
                                                const std::int8_t* c, const std::int8_t* d) {
    load(to, a, b, c, d);
  }
  template <int first>
  [[gnu::always_inline]] static void add(Sums& sums, const Column& column, const Column& taps) {
#pragma GCC unroll 3
    for (int i = first; i < first + 3; ++i) Isa::add_products(sums.v, column.v[i], taps.v[i]);
  }
};

}  // namespace lithe::inline v0::simd::detail
