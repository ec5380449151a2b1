// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "lithe/core/fields.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/simd/detail/vector.hpp"

/// Winograd's F(4x4, 3x3), from the points 0, 1, -1, 2, -2 and infinity (A. Lavin and S. Gray, Fast Algorithms for
/// Convolutional Neural Networks, 2016): a tile of 4x4 outputs takes 36 products of a channel, not 144. Filter and input
/// are transformed, multiplied element by element and added up over the channels; the sums are transformed back.
namespace lithe::inline v0::simd::detail::winograd {

inline constexpr int outputs = 4, taps = 3, inputs = outputs + taps - 1, products = inputs * inputs;

/// The pixels of a tile in a channels-last image. Those of rows [top, bottom) and columns [left, right) lie inside it.
template <class T, int size>
struct Square {
  T* image;
  std::ptrdiff_t first, row, pitch;  ///< the place of pixel (0, 0), and the steps from pixel to pixel
  int top, bottom, left, right;

  /// The tile from (y, x) on.
  Square(T* image_of, index_t height, index_t width, index_t pixel_pitch, index_t y, index_t x)
      : image(image_of),
        first((std::ptrdiff_t{y} * width + x) * pixel_pitch),
        row(std::ptrdiff_t{width} * pixel_pitch),
        pitch(pixel_pitch),
        top(within(-y)),
        bottom(within(height - y)),
        left(within(-x)),
        right(within(width - x)) {}

  bool inside(int i, int j) const { return i >= top && i < bottom && j >= left && j < right; }
  bool whole() const { return top == 0 && bottom == size && left == 0 && right == size; }
  /// Which must lie inside.
  T* pixel(int i, int j) const { return image + (first + i * row + j * pitch); }

 private:
  static int within(index_t v) { return static_cast<int>(std::clamp<index_t>(v, 0, size)); }
};
using Inputs = Square<const float, inputs>;
using Outputs = Square<float, outputs>;

/// The 36 numbers of one channel of a filter, whose taps lie `stride` apart, and what is written `to_stride`.
inline void transform_filter(const float* filter, std::ptrdiff_t stride, float* to,
                             std::ptrdiff_t to_stride) {
  constexpr double g[inputs][taps] = {{1. / 4, 0, 0},
                                      {-1. / 6, -1. / 6, -1. / 6},
                                      {-1. / 6, 1. / 6, -1. / 6},
                                      {1. / 24, 1. / 12, 1. / 6},
                                      {1. / 24, -1. / 12, 1. / 6},
                                      {0, 0, 1}};
  double rows[inputs][taps];
  for (int i = 0; i < inputs; ++i)
    for (int j = 0; j < taps; ++j) {
      rows[i][j] = 0;
      for (int k = 0; k < taps; ++k) rows[i][j] += g[i][k] * filter[(k * taps + j) * stride];
    }
  for (int i = 0; i < inputs; ++i)
    for (int j = 0; j < inputs; ++j) {
      double sum = 0;
      for (int k = 0; k < taps; ++k) sum += rows[i][k] * g[j][k];
      to[(i * inputs + j) * to_stride] = static_cast<float>(sum);
    }
}

template <class V>
[[gnu::always_inline]] inline void transform_inputs(const V (&d)[inputs], V (&to)[inputs]) {
  const V even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
  const V wide = d[4] - d[2], narrow = 2.0f * (d[3] - d[1]);
  to[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  to[1] = even + odd;
  to[2] = even - odd;
  to[3] = wide + narrow;
  to[4] = wide - narrow;
  to[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

template <class V>
[[gnu::always_inline]] inline void transform_sums(const V (&m)[inputs], V (&to)[outputs]) {
  const V sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
  to[0] = m[0] + sum + far_sum;
  to[1] = difference + 2.0f * far_difference;
  to[2] = sum + 4.0f * far_sum;
  to[3] = difference + 8.0f * far_difference + m[5];
}

/// Transforms the inputs of a tile, in vectors of channels; the last vector overlaps the one before it. What lies outside
/// is 0. `to` is [36, channels].
template <class Isa>
[[gnu::always_inline]] inline void scatter(Inputs from, index_t channels, float* to) {
  using Floats = Vector<float, Isa::bytes>;
  constexpr index_t lanes = Isa::bytes / sizeof(float);
  alignas(Floats) float padded[products * lanes];
  const bool whole = from.whole();
  for (index_t next = 0; next < channels; next += lanes) {
    const index_t c = std::min(next, channels - lanes);
    if (!whole)
      for (int k = 0; k < products; ++k) {
        Floats pixel{};
        if (from.inside(k / inputs, k % inputs)) load(pixel, from.pixel(k / inputs, k % inputs) + c);
        store(padded + k * lanes, pixel);
      }
    const float* pixels = whole ? from.pixel(0, 0) + c : padded;
    const std::ptrdiff_t row = whole ? from.row : inputs * lanes, pitch = whole ? from.pitch : lanes;
    Floats columns[inputs][inputs];  // [column of the picture][row of the result]
#pragma GCC unroll 6
    for (int j = 0; j < inputs; ++j) {
      Floats column[inputs];
#pragma GCC unroll 6
      for (int i = 0; i < inputs; ++i) load(column[i], pixels + i * row + j * pitch);
      transform_inputs(column, columns[j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < inputs; ++i) {
      Floats across[inputs], result[inputs];
#pragma GCC unroll 6
      for (int j = 0; j < inputs; ++j) across[j] = columns[j][i];
      transform_inputs(across, result);
#pragma GCC unroll 6
      for (int j = 0; j < inputs; ++j) store(to + std::ptrdiff_t{i * inputs + j} * channels + c, result[j]);
    }
  }
}

/// Transforms the sums of a tile, [36, channels], to its outputs, adds `bias` (may be null) and clamps. Returns whether
/// all of it is below 1.8e19: otherwise a NaN, an infinity or a huge input has spoiled outputs that do not depend on it.
template <class Isa>
[[gnu::always_inline]] inline bool gather(const float* from, index_t channels, const float* bias,
                                          const Clamp& clamp_to, Outputs to) {
  using Floats = Vector<float, Isa::bytes>;
  constexpr index_t lanes = Isa::bytes / sizeof(float);
  Floats low, high, too_large{};
  fill(low, clamp_to.min);
  fill(high, clamp_to.max);
  for (index_t next = 0; next < channels; next += lanes) {
    const index_t c = std::min(next, channels - lanes);
    Floats columns[inputs][outputs], start{};
    if (bias != nullptr) load(start, bias + c);
#pragma GCC unroll 6
    for (int j = 0; j < inputs; ++j) {
      Floats sums[inputs];
#pragma GCC unroll 6
      for (int i = 0; i < inputs; ++i) load(sums[i], from + std::ptrdiff_t{i * inputs + j} * channels + c);
      transform_sums(sums, columns[j]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < outputs; ++i) {
      Floats row[inputs], result[outputs];
#pragma GCC unroll 6
      for (int j = 0; j < inputs; ++j) row[j] = columns[j][i];
      transform_sums(row, result);
#pragma GCC unroll 4
      for (int j = 0; j < outputs; ++j) {
        result[j] += start;
        too_large += 0.0f * (result[j] * result[j]);
        clamp(result[j], low, high);
        if (to.inside(i, j)) store(to.pixel(i, j) + c, result[j]);
      }
    }
  }
  float sum = 0;
  add_lanes(too_large, sum);
  return sum == 0;
}

}  // namespace lithe::inline v0::simd::detail::winograd
