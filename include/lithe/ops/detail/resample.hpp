// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"

namespace lithe::inline v0::ops {

/// How elements are interpolated.
enum class ResizeMode : std::uint8_t { nearest, linear, cubic };
constexpr std::array<const char*, 3> enum_names(ResizeMode) { return {"nearest", "linear", "cubic"}; }

/// Where an output element lies on the input's axis. Source: ONNX Resize-19; tf_half_pixel_for_nn is of
/// Resize-11.
enum class Coordinates : std::uint8_t {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize,
};
constexpr std::array<const char*, 7> enum_names(Coordinates) {
  return {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
          "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
}

/// Which neighbour is the nearest.
enum class NearestMode : std::uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil };
constexpr std::array<const char*, 4> enum_names(NearestMode) {
  return {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
}

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// One axis of a resize, in elements. `scale` is what the model says, which need not be output / input.
struct ResizeAxis {
  index_t input = 0, output = 0;
  double scale = 1;
  double start = 0, end = 1;  ///< the region of interest, in parts of the axis
  bool resized = false;       ///< false: the output is the input

  /// The place of output element `o`, in input elements; 0 is the middle of the first element.
  double place(Coordinates coordinates, index_t o) const {
    const auto in = static_cast<double>(input), at = static_cast<double>(o);
    switch (coordinates) {
      case Coordinates::half_pixel_symmetric:
        return in / 2 * (1 - static_cast<double>(output) / (scale * in)) + (at + 0.5) / scale - 0.5;
      case Coordinates::pytorch_half_pixel:
        return output > 1 ? (at + 0.5) / scale - 0.5 : 0;
      case Coordinates::align_corners:
        return output > 1 ? at * (in - 1) / static_cast<double>(output - 1) : 0;
      case Coordinates::asymmetric:
        return at / scale;
      case Coordinates::tf_half_pixel_for_nn:
        return (at + 0.5) / scale;
      case Coordinates::tf_crop_and_resize:
        return output > 1 ? (start + at * (end - start) / static_cast<double>(output - 1)) * (in - 1)
                          : 0.5 * (start + end) * (in - 1);
      default:
        return (at + 0.5) / scale - 0.5;
    }
  }
  /// Whether a place lies outside the input, for the one mode in which that matters.
  bool outside(Coordinates coordinates, double at) const {
    return coordinates == Coordinates::tf_crop_and_resize &&
           !(at >= 0 && at <= static_cast<double>(input - 1));
  }
  /// A whole number as an integer, limited to +-2^31; places far outside stay outside.
  static std::int64_t whole(double at) {
    constexpr double limit = 0x1p31;
    return static_cast<std::int64_t>(at > -limit ? (at < limit ? at : limit) : -limit);
  }
  index_t inside(std::int64_t at) const {
    return static_cast<index_t>(std::clamp<std::int64_t>(at, 0, input - 1));
  }
  /// The element nearest to a place. Rounds the place to f32 first, as scales are: 7 / 0.7f is element 10.
  index_t nearest(NearestMode mode, double place) const {
    const double at = static_cast<float>(place);
    switch (mode) {
      case NearestMode::floor:
        return inside(whole(std::floor(at)));
      case NearestMode::ceil:
        return inside(whole(std::ceil(at)));
      case NearestMode::round_prefer_ceil:
        return inside(whole(std::floor(at + 0.5)));
      default:
        return inside(whole(std::ceil(at - 0.5)));
    }
  }
};

/// A resampling filter: a triangle or Keys' cubic, stretched where the output is smaller and `antialias` is
/// set.
struct ResizeFilter {
  ResizeMode mode = ResizeMode::linear;
  bool antialias = false, exclude_outside = false;
  double a = -0.75;  ///< the coefficient of the cubic

  double reach() const { return mode == ResizeMode::cubic ? 2 : 1; }
  double stretch(double scale) const { return antialias ? std::min(scale, 1.0) : 1; }
  double operator()(double x) const {
    x = std::abs(x);
    if (mode == ResizeMode::linear) return x < 1 ? 1 - x : 0;
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  }
  /// How many neighbours on both sides count at this scale, whatever the input's size; at most 2^32.
  std::int64_t taps(double scale) const {
    const double half = std::ceil(reach() / stretch(scale));
    return 2 * static_cast<std::int64_t>(half < 0x1p31 ? half : 0x1p31);
  }
  /// An upper bound of taps() inside the input, for an axis of which only the sizes are known: the scale is
  /// at least (output - 1/2) / input, unless a region of interest is scaled too (`cropped`).
  index_t most_taps(index_t input, index_t output, bool cropped) const {
    if (!antialias) return std::min<index_t>(input, taps(1));
    if (cropped || output < 1) return input;
    const double least = (static_cast<double>(output) - 0.5) / static_cast<double>(input);
    return static_cast<index_t>(std::min<std::int64_t>(input, taps(least) + 2));
  }
};

/// The inputs of one output element: `count` neighbours from `first` on; `first` is -1 outside the input.
struct ResizeTaps {
  std::int32_t first = 0, count = 0;
};

/// Writes the weights of the neighbours of `at`. Neighbours beyond an end add to the weight of the end's
/// element; weights of 0 at the ends are dropped. `weights` has room for `capacity`.
/// Errors: Code::out_of_range where that is too little.
template <class T>
Result<ResizeTaps> resize_taps(const ResizeAxis& axis, const ResizeFilter& filter, double at, T* weights,
                               index_t capacity) {
  const double stretch = filter.stretch(axis.scale);
  const std::int64_t taps = filter.taps(axis.scale);
  const std::int64_t begin = ResizeAxis::whole(std::floor(at)) - taps / 2 + 1, end = begin + taps;
  index_t first = axis.inside(begin), count = axis.inside(end - 1) - first + 1;
  if (count > capacity) return Status{Code::out_of_range, "a resize reads more neighbours than planned"};
  std::fill_n(weights, count, T{0});
  double sum = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    if (filter.exclude_outside && (i < 0 || i >= axis.input)) continue;
    const double w = filter((static_cast<double>(i) - at) * stretch);
    sum += w;
    weights[axis.inside(i) - first] += static_cast<T>(w);
  }
  if ((filter.antialias || filter.exclude_outside) && sum != 0)
    for (index_t i = 0; i < count; ++i) weights[i] = static_cast<T>(weights[i] / sum);
  while (count > 1 && weights[count - 1] == 0) --count;
  index_t zeros = 0;
  while (zeros + 1 < count && weights[zeros] == 0) ++zeros;
  std::copy(weights + zeros, weights + count, weights);
  return ResizeTaps{static_cast<std::int32_t>(first + zeros), static_cast<std::int32_t>(count - zeros)};
}

}  // namespace lithe::inline v0::ops::detail
