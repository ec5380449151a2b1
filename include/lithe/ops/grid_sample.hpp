// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// How a point between elements is computed: from the 2, 1 or 4 nearest along each axis. Cubic is Keys', -0.75.
enum class SampleMode : std::uint8_t { linear, nearest, cubic };
constexpr auto enum_names(SampleMode) { return std::array{"linear", "nearest", "cubic"}; }

/// What lies outside of the input: 0, the nearest element, or the input mirrored at its ends.
enum class SamplePadding : std::uint8_t { zeros, border, reflection };
constexpr auto enum_names(SamplePadding) { return std::array{"zeros", "border", "reflection"}; }

/// Reads the input at points that a grid names.
///   input [N, D1, ..., Dn, C], n of 1 to 3    grid [N, E1, ..., Em, n], m = n    output [N, E1, ..., Em, C]
/// Units: a point has its last axis first (x, y, z); -1 and 1 are the ends of an axis: with align_corners the
/// middles of its first and last element, else their outer edges.
/// Errors: Code::shape if ranks, N or n disagree, or an input axis is empty where there are points.
/// Source: ONNX GridSample-22, channels last.
struct GridSample {
  struct Attributes {
    SampleMode mode = SampleMode::linear;
    SamplePadding padding_mode = SamplePadding::zeros;
    bool align_corners = false;
    static constexpr auto fields() {
      return Fields{field("mode", &Attributes::mode), field("padding_mode", &Attributes::padding_mode),
                    field("align_corners", &Attributes::align_corners)};
    }
  };
  static constexpr int most_axes = 3;
  using enum DType;
  static constexpr OpSpec spec{.name = "GridSample",
                               .inputs = {"input", "grid"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {
      {{f32, f32}, {f32}}, {{f16, f32}, {f16}}, {{bf16, f32}, {bf16}}, {{f64, f64}, {f64}}};

  static Status infer(const Attributes&, InferContext& context) {
    const Shape &input = context.shape(0), &grid = context.shape(1);
    const int axes = input.rank() - 2;
    if (axes < 1 || axes > most_axes) return {Code::shape, "a sampled input must have 1 to 3 spatial axes"};
    if (grid.rank() != input.rank() || grid.back() != axes || grid[0] != input[0])
      return {Code::shape, "a grid must be [N, ..., number of spatial axes], of its input's rank and N"};
    for (int i = 1; i <= axes; ++i)
      if (input[i] == 0 && grid.elements() > 0) return {Code::shape, "a sampled input is empty"};
    Shape output = grid;
    output[output.rank() - 1] = input.back();
    return context.output(0, output);
  }
};
static_assert(Operator<GridSample>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::GridSample> Op>
struct Kernel<Op> {
  using Attributes = ops::GridSample::Attributes;

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_float_type(context.input(0).dtype, [&]<class T>() { sample<T>(a, context); });
  }

 private:
  /// The elements along one axis that a point is computed from; -1 is an element of zeros.
  template <class Acc>
  struct Taps {
    index_t at[4];
    Acc weight[4];
    int count;
  };

  template <class T>
  static void sample(const Attributes& a, RunContext& context) {
    using Acc = ops::detail::Accumulator<T>;
    using Coordinate = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const Shape &shape = context.input(0).shape, &grid = context.input(1).shape;
    const int axes = shape.rank() - 2;
    const index_t channels = shape.back(), image = shape.elements() / std::max<index_t>(shape[0], 1),
                  points = grid.product(1, grid.rank() - 1);
    const auto* x = static_cast<const T*>(context.input(0).data);
    const auto* place = static_cast<const Coordinate*>(context.input(1).data);
    auto* y = static_cast<T*>(context.output().data);
    if (channels == 0) return;
    const ops::detail::Ranges ranges(shape[0] * points, channels * 4, 4096, 256);
    ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t part) {
      for (index_t i = 0; i < ranges.length(part); ++i) {
        const index_t point = ranges.first(part) + i;
        std::array<Taps<Acc>, ops::GridSample::most_axes> taps{};
        for (int axis = 0; axis < axes; ++axis)
          taps[static_cast<std::size_t>(axis)] =
              taps_of<Acc>(a, static_cast<Acc>(place[point * axes + axes - 1 - axis]), shape[axis + 1]);
        mix<T, Acc>(taps, shape, axes, x + point / points * image, y + point * channels);
      }
    });
  }

  /// Sums the neighbours of a point, one channel block after the other.
  template <class T, class Acc>
  static void mix(const std::array<Taps<Acc>, ops::GridSample::most_axes>& taps, const Shape& shape, int axes,
                  const T* x, T* y) {
    using ops::detail::channel_block;
    const index_t channels = shape.back();
    int all = 1;
    for (int axis = 0; axis < axes; ++axis) all *= taps[static_cast<std::size_t>(axis)].count;
    for (index_t c = 0; c < channels; c += channel_block) {
      const index_t count = std::min(channel_block, channels - c);
      Acc sums[channel_block] = {};
      for (int tap = 0; tap < all; ++tap) {
        index_t at = 0;
        Acc weight = 1;
        bool inside = true;
        for (int axis = 0, rest = tap; axis < axes; ++axis) {
          const Taps<Acc>& t = taps[static_cast<std::size_t>(axis)];
          const int k = rest % t.count;
          rest /= t.count;
          inside = inside && t.at[k] >= 0;
          at = at * shape[axis + 1] + t.at[k];
          weight *= t.weight[k];
        }
        if (!inside) continue;
        const T* from = x + at * channels + c;
        for (index_t i = 0; i < count; ++i) sums[i] += weight * static_cast<Acc>(from[i]);
      }
      for (index_t i = 0; i < count; ++i) y[c + i] = static_cast<T>(sums[i]);
    }
  }

  template <class Acc>
  static Taps<Acc> taps_of(const Attributes& a, Acc normalized, index_t size) {
    const auto n = static_cast<Acc>(size);
    Acc at = a.align_corners ? (normalized + 1) / 2 * (n - 1) : ((normalized + 1) * n - 1) / 2;
    if (a.mode == ops::SampleMode::nearest) at = std::nearbyint(at);
    if (const Acc low = lowest<Acc>(a), high = n - 1 - low; !(at >= low && at <= high)) {
      // The elements of a cubic are held inside one by one, as PyTorch and ONNX Runtime do; ONNX's reference holds the point.
      const Acc reach = a.mode == ops::SampleMode::cubic ? 3 : 0;
      if (a.padding_mode == ops::SamplePadding::border) at = std::clamp<Acc>(at, -reach, n - 1 + reach);
      if (a.padding_mode == ops::SamplePadding::reflection) at = mirrored(at, low, high);
    }
    constexpr Acc far = 0x1p30;  // what is no number, or far outside, stays outside
    if (!(at >= -far && at <= far)) at = -far;
    Taps<Acc> taps{};
    const Acc floor = std::floor(at), part = at - floor;
    auto first = static_cast<index_t>(floor);
    if (a.mode == ops::SampleMode::nearest) {
      taps.count = 1;
      taps.weight[0] = 1;
    } else if (a.mode == ops::SampleMode::linear) {
      taps.count = 2;
      taps.weight[0] = 1 - part;
      taps.weight[1] = part;
    } else {
      taps.count = 4;
      --first;
      for (int k = 0; k < 4; ++k) taps.weight[k] = cubic(std::abs(part - static_cast<Acc>(k - 1)));
    }
    for (int k = 0; k < taps.count; ++k) taps.at[k] = element<Acc>(a, first + k, size);
    return taps;
  }
  /// The lowest place that lies in the input; the highest is as far from the last element.
  template <class Acc>
  static Acc lowest(const Attributes& a) {
    return a.align_corners ? Acc{0} : Acc{-0.5};
  }
  template <class Acc>
  static Acc mirrored(Acc at, Acc low, Acc high) {
    const Acc range = high - low;
    if (!(range > 0) || !std::isfinite(at)) return low < 0 ? 0 : low;
    const Acc distance = at < low ? low - at : at - high, turns = std::floor(distance / range),
              rest = distance - turns * range;
    const bool from_low = (at < low) == (std::fmod(turns, Acc{2}) == 0);
    return from_low ? low + rest : high - rest;
  }
  /// The element at place `i`, or -1.
  template <class Acc>
  static index_t element(const Attributes& a, index_t i, index_t size) {
    if (i >= 0 && i < size) return i;
    if (a.padding_mode == ops::SamplePadding::zeros) return -1;
    if (a.padding_mode == ops::SamplePadding::reflection) {
      const Acc low = lowest<Acc>(a);
      i = static_cast<index_t>(mirrored(static_cast<Acc>(i), low, static_cast<Acc>(size) - 1 - low));
    }
    return std::clamp<index_t>(i, 0, size - 1);
  }
  template <class Acc>
  static Acc cubic(Acc x) {
    constexpr Acc a = -0.75;
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  }
};

}  // namespace lithe::inline v0::portable
