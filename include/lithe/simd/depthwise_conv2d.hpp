// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/simd/detail/bands.hpp"
#include "lithe/simd/detail/depthwise.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

/// `rows` output rows of a 3x3 depthwise convolution in f32, one vector of channels wide. A window slides to
/// the right with its nine taps and all its sums in registers, so that every input vector is loaded once for
/// three columns of outputs.
template <class Isa, int rows, int stride>
class SlidingWindow {
 public:
  static constexpr int height = (rows - 1) * stride + taps;

  Rows<float, height> input;
  const float* filter;
  const float* bias;  ///< may be null
  float* output;
  index_t channels, left, input_width, output_width, output_pitch;
  Clamp clamp;

  /// For a vector of channels from `channel` on.
  [[gnu::always_inline]] void run(index_t channel) const {
    const Columns columns(*this, channel);
    Sums start{};
    if (bias != nullptr) load_all(start, bias + channel);
    Sums left_sums = start, middle_sums, right_sums;  // named after what the column is to their outputs
    index_t x = -left;
    columns.template add<true, false, false>(x++, left_sums, middle_sums, right_sums);
    middle_sums = left_sums;
    left_sums = start;
    if constexpr (stride == 1) {
      columns.template add<true, true, false>(x++, left_sums, middle_sums, right_sums);
      right_sums = middle_sums;
      middle_sums = left_sums;
      left_sums = start;
    }
    Floats low, high;
    fill(low, clamp.min);
    fill(high, clamp.max);
    float* to = output + channel;
    const index_t pitch = output_pitch, row_pitch = output_width * output_pitch;
    for (index_t i = output_width; i > 0; --i) {
      if constexpr (stride == 1) {
        columns.template add<true, true, true>(x++, left_sums, middle_sums, right_sums);
      } else {
        columns.template add<false, true, false>(x++, left_sums, middle_sums, right_sums);
        right_sums = middle_sums;
        columns.template add<true, false, true>(x++, left_sums, middle_sums, right_sums);
      }
      store_clamped(right_sums, low, high, to, row_pitch);
      to += pitch;
      right_sums = middle_sums;
      middle_sums = left_sums;
      left_sums = start;
    }
  }

 private:
  using Floats = Vector<float, Isa::bytes>;
  struct Taps {
    Floats v[taps];
  };
  struct Sums {
    Floats v[rows];
  };

  /// The columns of the input, and what they are multiplied by: local to a run, so that it stays in registers.
  struct Columns {
    const float* pixels[height];
    index_t pitches[height];
    index_t width;
    Taps left, middle, right;

    [[gnu::always_inline]] Columns(const SlidingWindow& window, index_t channel) : width(window.input_width) {
#pragma GCC unroll 9
      for (int i = 0; i < height; ++i) {
        pixels[i] = window.input.at(i, channel);
        pitches[i] = window.input.pitches[i];
      }
      const float* filter = window.filter + channel;
      load_taps(left, filter, window.channels);
      load_taps(middle, filter + window.channels, window.channels);
      load_taps(right, filter + 2 * window.channels, window.channels);
    }

    /// Adds column `x` of the input to the sums that it belongs to.
    template <bool at_left, bool at_middle, bool at_right>
    [[gnu::always_inline]] void add(index_t x, Sums& left_sums, Sums& middle_sums, Sums& right_sums) const {
      if (x < 0 || x >= width) return;
#pragma GCC unroll 9
      for (int i = 0; i < height; ++i) {
        Floats value;
        load(value, pixels[i] + x * pitches[i]);
        if constexpr (at_left) add_row(left_sums, value, i, left);
        if constexpr (at_middle) add_row(middle_sums, value, i, middle);
        if constexpr (at_right) add_row(right_sums, value, i, right);
      }
    }
  };

  [[gnu::always_inline]] static void load_taps(Taps& to, const float* from, index_t channels) {
#pragma GCC unroll 3
    for (int k = 0; k < taps; ++k) load(to.v[k], from + k * taps * channels);
  }
  [[gnu::always_inline]] static void load_all(Sums& to, const float* from) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) load(to.v[r], from);
  }

  /// Adds input row `row` to the sum of every output row that it lies under; fused, as one expression is.
  [[gnu::always_inline]] static void add_row(Sums& sums, const Floats& value, int row, const Taps& column) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r)
      if (row >= r * stride && row < r * stride + taps) sums.v[r] += value * column.v[row - r * stride];
  }

  [[gnu::always_inline]] static void store_clamped(const Sums& sums, const Floats& low, const Floats& high,
                                                   float* to, index_t row_pitch) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      Floats value = sums.v[r];
      detail::clamp(value, low, high);
      store(to + r * row_pitch, value);
    }
  }
};

}  // namespace detail

/// 3x3 depthwise convolution in f32, strides 1 or 2, one filter a channel, at least as many channels as a
/// vector has lanes. Bands of rows and chunks of channels are shared among threads.
template <class Isa>
class DepthwiseConv2DOn {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr auto full_name = isa::joined("simd::depthwise_conv2d_3x3_f32_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    return Isa::on(*node.cpu) && detail::is_depthwise_3x3(a, node, DType::f32, lanes);
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const Job job{context, detail::window_3x3(a, context), a.clamp};
    detail::for_bands(context, band_rows,
                      [&](index_t image, index_t y, index_t last, detail::Channels channels) {
                        while (last - y >= band_rows) y = job.template run<band_rows>(image, y, channels);
                        if constexpr (band_rows > 2)
                          while (last - y >= 2) y = job.template run<2>(image, y, channels);
                        while (last > y) y = job.template run<1>(image, y, channels);
                      });
    return {};
  }

 private:
  static constexpr index_t lanes = Isa::bytes / sizeof(float);
  static constexpr int band_rows = Isa::registers / 8;
  alignas(Isa::bytes) static constexpr float zeros[lanes]{};

  struct Job {
    const RunContext& context;
    ops::detail::Window window;
    Clamp clamp;

    /// `rows` output rows from `y` on; returns the next one.
    template <int rows>
    index_t run(index_t image, index_t y, detail::Channels channels) const {
      window.w.stride == 1 ? slide<rows, 1>(image, y, channels) : slide<rows, 2>(image, y, channels);
      return y + rows;
    }

    template <int rows, int stride>
    void slide(index_t image, index_t y, detail::Channels channels) const {
      const TensorView& input = context.input(0);
      const Tensor& output = context.output();
      const detail::SlidingWindow<Isa, rows, stride> slide{
          .input{input, window.h, image, y, zeros},
          .filter = static_cast<const float*>(context.input(1).data),
          .bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr,
          .output = output.row<float>((image * output.shape[1] + y) * output.shape[2]),
          .channels = output.shape[3],
          .left = window.w.before,
          .input_width = input.shape[2],
          .output_width = output.shape[2],
          .output_pitch = output.pitch,
          .clamp = clamp};
      Isa::enter([&]() __attribute__((always_inline)) {
        channels.for_each(lanes, slide.channels,
                          [&](index_t c) __attribute__((always_inline)) { slide.run(c); });
      });
    }
  };
};

/// The same, for the nodes that it runs faster than XNNPACK does. On x86 these are not all: where neighbouring
/// pixels fall on the same sets of the L1 cache, XNNPACK's way along the channels is faster (measured on Zen 4,
/// with an L1 cache of 32 KB, and Zen 5, with 48 KB).
template <class Isa>
struct FasterDepthwiseConv2DOn : DepthwiseConv2DOn<Isa> {
  static bool supports(const ops::DepthwiseConv2D::Attributes& a, const NodeInfo& node) {
    if (!DepthwiseConv2DOn<Isa>::supports(a, node)) return false;
    if (!node.cpu->avx2) return true;
    const bool large_cache = node.cpu->l1d_bytes > 32 * 1024;
    const index_t channels = node.input(1).shape[2];
    if (a.strides[0] == 2) return channels % (large_cache ? 128 : 256) != 0;
    return !node.cpu->avx512 || !large_cache || channels % 512 != 0;
  }
};

/// In order of preference: for lists without XNNPACK, and for those in which it comes after.
using DepthwiseConv2D = isa::ForFloats::kernels<DepthwiseConv2DOn>;
using FasterDepthwiseConv2D = isa::ForFloats::kernels<FasterDepthwiseConv2DOn>;

}  // namespace lithe::inline v0::simd
