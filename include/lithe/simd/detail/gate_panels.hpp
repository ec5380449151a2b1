// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "lithe/core/shape.hpp"
#include "lithe/ops/detail/recurrent.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd::detail {

/// A matrix [gates * units, length] with a bias [gates * units], packed for products with rows of `length`
/// floats. A panel is a vector of units: the biases of all its gates, then for each k their weights. Units
/// beyond the last are zero.
template <class Isa, int gates>
class GatePanels {
 public:
  static constexpr index_t lanes = Isa::bytes / sizeof(float);
  static constexpr index_t width = gates * lanes;  ///< the results of a panel for one row
  /// Registers hold their sums, a vector of each row, and one of weights.
  static constexpr int most_rows = std::min(8, (Isa::registers - 1) / (gates + 1));

  static index_t panels(index_t units) { return (units + lanes - 1) / lanes; }
  static std::uint64_t panel_floats(index_t length) {
    return (static_cast<std::uint64_t>(length) + 1) * width;
  }
  /// What the whole matrix takes.
  static std::uint64_t floats(index_t units, index_t length) {
    return static_cast<std::uint64_t>(panels(units)) * panel_floats(length);
  }

  /// `bias` may be null: zeros. Returns the end.
  template <class W, class T>
  static float* pack(const ops::detail::GateWeights<W>& weights, const T* bias, index_t units, float* to) {
    const index_t length = weights.length;
    for (index_t first = 0; first < units; first += lanes)
      for (index_t k = -1; k < length; ++k)
        for (int g = 0; g < gates; ++g)
          for (index_t unit = first; unit < first + lanes; ++unit) {
            const index_t row = g * units + unit;
            float value = 0;
            if (unit < units && k >= 0) value = weights.at(row, k);
            if (unit < units && k < 0 && bias != nullptr) value = static_cast<float>(bias[row]);
            *to++ = value;
          }
    return to;
  }

  /// The products of `rows` rows with a panel, its biases added, each to `width` floats at to[row]. `rows` is
  /// at most most_rows.
  [[gnu::always_inline]] static void multiply(const float* panel, index_t length, int rows,
                                              const float* const* x, float* const* to) {
    multiply_blocks<most_rows>(panel, length, rows, x, to);
  }

 private:
  using Floats = Vector<float, Isa::bytes>;
  template <int rows>
  using Sums = Floats[rows][gates];

  /// Blocks of `block` rows, then smaller ones.
  template <int block>
  [[gnu::always_inline]] static void multiply_blocks(const float* panel, index_t length, int rows,
                                                     const float* const* x, float* const* to) {
    for (; rows >= block; rows -= block, x += block, to += block) multiply_rows<block>(panel, length, x, to);
    if constexpr (block > 1) multiply_blocks<block / 2>(panel, length, rows, x, to);
  }

  /// The sums of several k stand apart where they are few, so that an addition need not wait for the one
  /// before it.
  template <int rows>
  [[gnu::always_inline]] static void multiply_rows(const float* panel, index_t length, const float* const* x,
                                                   float* const* to) {
    constexpr int sets = rows * gates >= 8 ? 1 : 8 / (rows * gates);
    const float* from[rows];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) from[r] = x[r];
    Sums<rows> sums[sets]{};
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int g = 0; g < gates; ++g) load(sums[0][r][g], panel + g * lanes);
    const float* weights = panel + width;
    index_t k = 0;
    for (; k + sets <= length; k += sets, weights += sets * width) {
#pragma GCC unroll 8
      for (int s = 0; s < sets; ++s) add<rows>(sums[s], weights + s * width, from, k + s);
    }
    if constexpr (sets > 1)
      for (; k < length; ++k, weights += width) add<rows>(sums[0], weights, from, k);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int g = 0; g < gates; ++g) {
#pragma GCC unroll 8
        for (int s = 1; s < sets; ++s) sums[0][r][g] += sums[s][r][g];
        store(to[r] + g * lanes, sums[0][r][g]);
      }
  }

  template <int rows>
  [[gnu::always_inline]] static void add(Sums<rows>& sums, const float* weights, const float* const* x,
                                         index_t k) {
    Floats values[rows];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) fill(values[r], x[r][k]);
#pragma GCC unroll 4
    for (int g = 0; g < gates; ++g) {
      Floats weight;
      load(weight, weights + g * lanes);
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) sums[r][g] += values[r] * weight;
    }
  }
};

}  // namespace lithe::inline v0::simd::detail
