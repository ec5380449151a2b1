// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/simd/detail/bands.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

inline constexpr index_t most_taps = 64;  ///< how many taps are copied

/// A depthwise convolution in f32 with more taps than registers hold. A tile of two output rows keeps its sums
/// in registers; every input vector is loaded once for each column of taps, and used for both rows.
template <class Isa>
class LargeDepthwise {
 public:
  static constexpr index_t lanes = Isa::bytes / sizeof(float);

  LargeDepthwise(const ops::DepthwiseConv2D::Attributes& a, const RunContext& context)
      : context_(context),
        window_(ops::detail::at_strip(a.window(context.input(1).shape), context.strip())),
        clamp_(a.clamp) {}

  /// Output rows [y, last) of an image.
  void run(index_t image, index_t y, index_t last, Channels band) const {
    Isa::enter([&]() __attribute__((always_inline)) {
      const auto vector = [&](index_t channel)
                              __attribute__((always_inline)) { run_channels(image, y, last, channel); };
      band.for_each(lanes, context_.output().shape[3], vector);
    });
  }

 private:
  using Floats = Vector<float, Isa::bytes>;
  static constexpr int wide = Isa::registers == 32 ? 7 : 4;  ///< columns of a tile

  /// What a vector of channels needs.
  struct Filter {
    Floats taps[most_taps];  ///< in a row: those of the tensor may all fall on a few sets of the cache
    Floats bias, low, high;
  };

  /// The sums of a tile, [row][column].
  template <int columns>
  struct Sums {
    Floats v[2][columns];
  };

  [[gnu::always_inline]] void run_channels(index_t image, index_t y, index_t last, index_t channel) const {
    Filter filter;
    load_filter(filter, channel);
    const index_t width = context_.output().shape[2];
    for (; y < last; y += 2) {
      const bool two = last - y >= 2;
      // The last tile overlaps the one before it.
      if (width >= wide)
        for (index_t x = 0; x < width; x += wide)
          run_tile<wide>(filter, image, y, std::min(x, width - wide), two, channel);
      else
        for (index_t x = 0; x < width; ++x) run_tile<1>(filter, image, y, x, two, channel);
    }
  }

  [[gnu::always_inline]] void load_filter(Filter& to, index_t channel) const {
    const TensorView& filter = context_.input(1);
    const auto* from = static_cast<const float*>(filter.data) + channel;
    const index_t channels = filter.shape[2], taps = filter.shape[0] * filter.shape[1];
    for (index_t k = 0; k < taps; ++k) load(to.taps[k], from + k * channels);
    to.bias = Floats{};
    if (context_.has(2)) load(to.bias, static_cast<const float*>(context_.input(2).data) + channel);
    fill(to.low, clamp_.min);
    fill(to.high, clamp_.max);
  }

  /// Outputs [x, x + columns) of row `y`, and of the next one if `two`.
  template <int columns>
  [[gnu::always_inline]] void run_tile(const Filter& filter, index_t image, index_t y, index_t x, bool two,
                                       index_t channel) const {
    const Tensor& output = context_.output();
    Sums<columns> sums;
#pragma GCC unroll 7
    for (int c = 0; c < columns; ++c) sums.v[0][c] = sums.v[1][c] = filter.bias;
    const index_t left = window_.w.start(x), right = window_.w.start(x + columns - 1) + window_.w.kernel;
    if (left >= 0 && right <= context_.input(0).shape[2])
      add_rows<columns, false>(sums, filter, image, y, left, two, channel);
    else
      add_rows<columns, true>(sums, filter, image, y, left, two, channel);
    float* to = output.row<float>((image * output.shape[1] + y) * output.shape[2] + x) + channel;
    store_clamped<columns>(to, output.pitch, sums.v[0], filter);
    if (two) store_clamped<columns>(to + output.shape[2] * output.pitch, output.pitch, sums.v[1], filter);
  }

  /// Adds the input rows under the tile. Rows of padding are left out; pixels of padding are zeros.
  template <int columns, bool border>
  [[gnu::always_inline]] void add_rows(Sums<columns>& sums, const Filter& filter, index_t image, index_t y,
                                       index_t left, bool two, index_t channel) const {
    const TensorView& input = context_.input(0);
    const ops::detail::WindowAxis& h = window_.h;
    const index_t height = h.kernel + (two ? h.stride : 0), top = h.start(y);
    const index_t first = std::max<index_t>(0, -top), last = std::min(height, input.shape[1] - top);
    for (index_t i = first; i < last; ++i) {
      const float* row = input.row<float>((image * input.shape[1] + top + i) * input.shape[2]) + channel;
      const Floats* upper = i < h.kernel ? filter.taps + i * window_.w.kernel : nullptr;
      const Floats* lower = two && i >= h.stride ? filter.taps + (i - h.stride) * window_.w.kernel : nullptr;
      if (upper != nullptr && lower != nullptr)
        add_row<columns, border, true, true>(sums, row, left, upper, lower);
      else if (upper != nullptr)
        add_row<columns, border, true, false>(sums, row, left, upper, lower);
      else if (lower != nullptr)
        add_row<columns, border, false, true>(sums, row, left, upper, lower);
    }
  }

  /// Adds one input row, from column `left` on, times the taps that each output row has for it.
  template <int columns, bool border, bool has_upper, bool has_lower>
  [[gnu::always_inline]] void add_row(Sums<columns>& sums, const float* row, index_t left,
                                      const Floats* upper, const Floats* lower) const {
    const index_t pitch = context_.input(0).pitch, width = context_.input(0).shape[2];
    const index_t stride = window_.w.stride, kernel = window_.w.kernel;
    for (index_t k = 0; k < kernel; ++k) {
      index_t at = left + k;
#pragma GCC unroll 7
      for (int c = 0; c < columns; ++c) {
        Floats value;
        if constexpr (border)
          load(value, at >= 0 && at < width ? row + at * pitch : zeros);
        else
          load(value, row + at * pitch);
        at += stride;
        if constexpr (has_upper) sums.v[0][c] += value * upper[k];
        if constexpr (has_lower) sums.v[1][c] += value * lower[k];
      }
    }
  }

  template <int columns>
  [[gnu::always_inline]] static void store_clamped(float* to, index_t pitch, const Floats (&sums)[columns],
                                                   const Filter& filter) {
#pragma GCC unroll 7
    for (int c = 0; c < columns; ++c) {
      Floats value = sums[c];
      clamp(value, filter.low, filter.high);
      store(to + c * pitch, value);
    }
  }

  alignas(Isa::bytes) static constexpr float zeros[lanes]{};
  const RunContext& context_;
  ops::detail::Window window_;
  Clamp clamp_;
};

}  // namespace detail

/// Depthwise convolution in f32 with up to 64 taps and any strides, one filter a channel, no dilation, at least
/// as many channels as a vector has lanes. Bands of rows and chunks of channels are shared among threads.
template <class Isa>
class LargeDepthwiseConv2DOn {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr auto full_name = isa::joined("simd::depthwise_conv2d_f32_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const Shape& filter = node.input(1).shape;
    return Isa::on(*node.cpu) && node.input(0).dtype == DType::f32 && filter[3] == 1 &&
           filter[0] <= detail::most_taps && filter[1] <= detail::most_taps &&
           filter[0] * filter[1] <= detail::most_taps && filter[2] >= detail::LargeDepthwise<Isa>::lanes &&
           a.dilations[0] == 1 && a.dilations[1] == 1;
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const detail::LargeDepthwise<Isa> convolution(a, context);
    const auto band = [&](index_t image, index_t y, index_t last, detail::Channels channels) {
      convolution.run(image, y, last, channels);
    };
    detail::for_bands(context, band_rows, band);
    return {};
  }

 private:
  static constexpr index_t band_rows = 8;
};

/// The same, for the nodes that it runs faster than XNNPACK does, which has no kernel above 25 taps. Smaller filters
/// were measured on x86 only.
template <class Isa>
struct FasterLargeDepthwiseConv2DOn : LargeDepthwiseConv2DOn<Isa> {
  static bool supports(const ops::DepthwiseConv2D::Attributes& a, const NodeInfo& node) {
    if (!LargeDepthwiseConv2DOn<Isa>::supports(a, node)) return false;
    const index_t taps = node.input(1).shape[0] * node.input(1).shape[1];
    return taps > (node.cpu->neon ? 25 : 9);
  }
};

/// In order of preference: for lists without XNNPACK, and for those in which it comes after.
using LargeDepthwiseConv2D = isa::ForFloats::kernels<LargeDepthwiseConv2DOn>;
using FasterLargeDepthwiseConv2D = isa::ForFloats::kernels<FasterLargeDepthwiseConv2DOn>;

}  // namespace lithe::inline v0::simd
