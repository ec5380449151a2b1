// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/simd/detail/depthwise_3x3.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

template <int lanes>
struct Bounds {
  float low[lanes], high[lanes];
  Bounds(float min, float max) {
    std::fill(low, low + lanes, min);
    std::fill(high, high + lanes, max);
  }
};

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
  const Bounds<Isa::bytes / sizeof(float)>* clamp;

  [[gnu::always_inline]] void run() const {
    Columns columns;
#pragma GCC unroll 9
    for (int i = 0; i < height; ++i) {
      columns.pixels[i] = input.pixels[i];
      columns.pitches[i] = input.pitches[i];
    }
    columns.width = input_width;
    load_taps(columns.left, filter);
    load_taps(columns.middle, filter + channels);
    load_taps(columns.right, filter + 2 * channels);
    Sums start{}, left_sums, middle_sums, right_sums;  // named after what a column is to their outputs
    if (bias != nullptr) load_all(start, bias);
    left_sums = middle_sums = right_sums = start;
    index_t x = -left;
    add<true, false, false>(columns, x++, left_sums, middle_sums, right_sums);
    middle_sums = left_sums;
    left_sums = start;
    if constexpr (stride == 1) {
      add<true, true, false>(columns, x++, left_sums, middle_sums, right_sums);
      right_sums = middle_sums;
      middle_sums = left_sums;
      left_sums = start;
    }
    Floats low, high;
    load(low, clamp->low);
    load(high, clamp->high);
    float* to = output;
    const index_t pitch = output_pitch, row_pitch = output_width * output_pitch;
    for (index_t i = output_width; i > 0; --i) {
      if constexpr (stride == 1) {
        add<true, true, true>(columns, x++, left_sums, middle_sums, right_sums);
      } else {
        add<false, true, false>(columns, x++, left_sums, middle_sums, right_sums);
        right_sums = middle_sums;
        add<true, false, true>(columns, x++, left_sums, middle_sums, right_sums);
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
  struct Columns {
    const float* pixels[height];
    index_t pitches[height];
    index_t width;
    Taps left, middle, right;
  };
  struct Sums {
    Floats v[rows];
  };

  [[gnu::always_inline]] void load_taps(Taps& to, const float* from) const {
#pragma GCC unroll 3
    for (int k = 0; k < taps; ++k) load(to.v[k], from + k * taps * channels);
  }
  [[gnu::always_inline]] static void load_all(Sums& to, const float* from) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) load(to.v[r], from);
  }

  /// Adds column `x` of the input to the sums that it belongs to.
  template <bool at_left, bool at_middle, bool at_right>
  [[gnu::always_inline]] static void add(const Columns& columns, index_t x, Sums& left_sums, Sums& middle_sums,
                                  Sums& right_sums) {
    if (x < 0 || x >= columns.width) return;
#pragma GCC unroll 9
    for (int i = 0; i < height; ++i) {
      Floats value;
      load(value, columns.pixels[i] + x * columns.pitches[i]);
      if constexpr (at_left) add_row(left_sums, value, i, columns.left);
      if constexpr (at_middle) add_row(middle_sums, value, i, columns.middle);
      if constexpr (at_right) add_row(right_sums, value, i, columns.right);
    }
  }

  /// Adds input row `row` to the sum of every output row that it lies under; fused, as one expression is.
  [[gnu::always_inline]] static void add_row(Sums& sums, const Floats& value, int row, const Taps& column) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r)
      if (row >= r * stride && row < r * stride + taps) sums.v[r] += value * column.v[row - r * stride];
  }

  [[gnu::always_inline]] static void store_clamped(const Sums& sums, const Floats& low, const Floats& high, float* to, index_t row_pitch) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      Floats value = sums.v[r];
      Isa::clamp(value, low, high);
      store(to + r * row_pitch, value);
    }
  }
};

}  // namespace detail

/// 3x3 depthwise convolution in f32, strides 1 or 2, one filter a channel, at least as many channels as a
/// vector has lanes.
template <class Isa>
class DepthwiseConv2D {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr auto full_name = detail::joined("simd::depthwise_conv2d_3x3_f32_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    return Isa::on(*node.cpu) && detail::is_depthwise_3x3(a, node, DType::f32, lanes) &&
           !(node.cpu->avx512 && xnnpack_is_faster(a, node.input(1).shape[2]));
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const ops::detail::Window window = detail::window_3x3(a, context);
    const detail::Bounds<lanes> clamp(a.clamp.min, a.clamp.max);
    detail::for_bands(context, band_rows, lanes, [&](const detail::Band& band) {
      index_t y = band.first;
      y = run_rows<band_rows>(clamp, window, context, band, y);
      if constexpr (band_rows > 2) y = run_rows<2>(clamp, window, context, band, y);
      if constexpr (band_rows > 1) run_rows<1>(clamp, window, context, band, y);
    });
    return {};
  }

 private:
  static constexpr index_t lanes = Isa::bytes / sizeof(float);
  static constexpr int band_rows = Isa::registers / 8;
  alignas(Isa::bytes) static constexpr float zeros[lanes]{};

  /// XNNPACK's AVX-512 kernel goes along the channels. That is faster where neighbouring pixels fall on the
  /// same sets of the L1 cache, which are multiples of 512 channels (at stride 2 of 128), and where channels
  /// do not fill a vector.
  static bool xnnpack_is_faster(const Op::Attributes& a, index_t channels) {
    return channels % (a.strides[0] == 1 ? 512 : 128) == 0 || channels < 16;
  }

  /// As many times `rows` output rows from `y` on as the band has; returns the next row.
  template <int rows>
  static index_t run_rows(const detail::Bounds<lanes>& clamp, const ops::detail::Window& window,
                          const RunContext& context, const detail::Band& band, index_t y) {
    for (; y + rows <= band.last; y += rows)
      if (window.w.stride == 1)
        slide<rows, 1>(clamp, window, context, band, y);
      else
        slide<rows, 2>(clamp, window, context, band, y);
    return y;
  }

  template <int rows, int stride>
  static void slide(const detail::Bounds<lanes>& clamp, const ops::detail::Window& window, const RunContext& context,
                    const detail::Band& band, index_t y) {
    using Slide = detail::SlidingWindow<Isa, rows, stride>;
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    const Slide slide{.input{input, window.h, band, y, zeros},
                      .filter = static_cast<const float*>(context.input(1).data) + band.channel,
                      .bias = context.has(2) ? static_cast<const float*>(context.input(2).data) + band.channel
                                             : nullptr,
                      .output = detail::output_row<float>(output, band, y),
                      .channels = output.shape[3],
                      .left = window.w.before,
                      .input_width = input.shape[2],
                      .output_width = output.shape[2],
                      .output_pitch = output.pitch,
                      .clamp = &clamp};
    Isa::enter([&]() __attribute__((always_inline)) { slide.run(); });
  }
};

}  // namespace lithe::inline v0::simd
