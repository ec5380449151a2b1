// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/detail/parallel.hpp"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
#define LITHE_SIMD_TARGET __attribute__((target("avx512f")))
#define LITHE_SIMD_INLINE __attribute__((target("avx512f"), always_inline)) inline
#endif

namespace lithe::inline v0::simd {

/// 3x3 depthwise convolution in f32, strides 1 or 2, one filter a channel, at least 16 channels, with
/// AVX-512. A window of up to four output rows slides to the right with its nine taps and all sums in
/// registers, so that every input vector is loaded once for three columns of outputs. Bands of rows are
/// shared among threads, and chunks of channels where a picture is small. Refused are multiples of 512 (at
/// stride 2 of 128) channels: pixels that far apart fall on the same sets of the L1 cache, and XNNPACK's way
/// along the channels is faster.
class WideDepthwiseConv2D {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr const char* name = "simd::depthwise_conv2d_3x3_f32_avx512";
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
#ifdef LITHE_SIMD_TARGET
    const Shape& filter = node.input(1).shape;
    const std::int32_t stride = a.strides[0];
    return node.input(0).dtype == DType::f32 && node.cpu->avx512 && filter[0] == taps && filter[1] == taps &&
           filter[3] == 1 && filter[2] >= lanes && a.strides[1] == stride && stride <= 2 &&
           a.dilations[0] == 1 && a.dilations[1] == 1 && filter[2] % (stride == 1 ? 512 : 128) != 0;
#else
    return static_cast<void>(a), static_cast<void>(node), false;
#endif
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
#ifdef LITHE_SIMD_TARGET
    const Shape& output = context.output().shape;
    if (output.elements() == 0) return {};
    const Job job{context, ops::detail::at_strip(ops::detail::window(a, taps, taps), context.strip()),
                  a.clamp};
    const index_t bands = (output[1] + band_rows - 1) / band_rows;
    const index_t chunks = (output[3] + chunk - 1) / chunk;
    ops::detail::in_parallel(context.threads(), output[0] * bands * chunks, [&](index_t i) {
      const index_t first = i / chunks % bands * band_rows;
      job.run_band(i / chunks / bands, first, std::min(first + band_rows, output[1]), i % chunks * chunk);
    });
    return {};
#else
    static_cast<void>(a), static_cast<void>(context);
    return {Code::unsupported, "no vector kernel for this architecture"};
#endif
  }

#ifdef LITHE_SIMD_TARGET
 private:
  static constexpr index_t taps = 3, lanes = 16, band_rows = 4, chunk = 128;
  alignas(64) static constexpr float zeros[lanes]{};

  /// Pixels of an input row; of a row of padding, all are `zeros`.
  struct Row {
    const float* pixels;
    index_t pitch;
  };
  struct Band {
    std::array<Row, (band_rows - 1) * 2 + taps> input;
    const float *filter, *bias;
    float* output;
    index_t channels, output_pitch, output_width, input_width, left;
    Clamp clamp;
  };

  struct Job {
    RunContext& context;
    ops::detail::Window window;
    Clamp clamp;

    /// Output rows [first, last) of an image, `chunk` channels from `channel` on.
    void run_band(index_t image, index_t first, index_t last, index_t channel) const {
      for (index_t y = first; y < last;) {
        const bool two = window.h.stride == 2;
        if (last - y >= 4)
          two ? run_rows<4, 2>(image, y, channel) : run_rows<4, 1>(image, y, channel), y += 4;
        else if (last - y >= 2)
          two ? run_rows<2, 2>(image, y, channel) : run_rows<2, 1>(image, y, channel), y += 2;
        else
          two ? run_rows<1, 2>(image, y, channel) : run_rows<1, 1>(image, y, channel), y += 1;
      }
    }

    template <int rows, int stride>
    void run_rows(index_t image, index_t y, index_t channel) const {
      const TensorView& input = context.input(0);
      const Tensor& output = context.output();
      Band band;
      for (index_t i = 0; i < (rows - 1) * stride + taps; ++i) {
        const index_t at = window.h.start(y) + i;
        const bool inside = at >= 0 && at < input.shape[1];
        const index_t pixel = (image * input.shape[1] + at) * input.shape[2];
        band.input[static_cast<std::size_t>(i)] =
            inside ? Row{input.row<float>(pixel), input.pitch} : Row{zeros, 0};
      }
      band.filter = static_cast<const float*>(context.input(1).data);
      band.bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr;
      band.output = output.row<float>((image * output.shape[1] + y) * output.shape[2]);
      band.channels = output.shape[3];
      band.output_pitch = output.pitch, band.output_width = output.shape[2];
      band.input_width = input.shape[2], band.left = window.w.before;
      band.clamp = clamp;
      const index_t last = std::min(channel + chunk, band.channels);
      // The last vector overlaps the one before it.
      for (; channel < last; channel += lanes)
        slide<rows, stride>(band, std::min(channel, band.channels - lanes));
    }
  };

  /// The taps of one column, or sums of as many output rows.
  template <int n>
  struct Vectors {
    __m512 v[n];
  };
  /// Sums of the outputs that a column of the input is the left, the middle and the right of.
  template <int rows>
  struct Sums {
    Vectors<rows> left, middle, right;
  };

  LITHE_SIMD_INLINE static Vectors<taps> load_taps(const float* filter, index_t channels) {
    return {{_mm512_loadu_ps(filter), _mm512_loadu_ps(filter + taps * channels),
             _mm512_loadu_ps(filter + 2 * taps * channels)}};
  }

  /// Adds a row of the column to one sum of every output row that it lies under.
  template <int rows, int stride>
  LITHE_SIMD_INLINE static void add(__m512 value, int row, const Vectors<taps>& filter, Vectors<rows>& sums) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r)
      if (row >= r * stride && row < r * stride + taps)
        sums.v[r] = _mm512_fmadd_ps(value, filter.v[row - r * stride], sums.v[r]);
  }

  /// Columns, one vector of channels wide.
  template <int rows, int stride>
  struct Columns {
    static constexpr int height = (rows - 1) * stride + taps;
    const float* pixels[height];
    index_t pitches[height];
    index_t width;
    Vectors<taps> left, middle, right;

    template <bool at_left, bool at_middle, bool at_right>
    LITHE_SIMD_INLINE void add_to(Sums<rows>& sums, index_t x) const {
      if (x < 0 || x >= width) return;
#pragma GCC unroll 9
      for (int i = 0; i < height; ++i) {
        const __m512 value = _mm512_loadu_ps(pixels[i] + x * pitches[i]);
        if constexpr (at_left) add<rows, stride>(value, i, left, sums.left);
        if constexpr (at_middle) add<rows, stride>(value, i, middle, sums.middle);
        if constexpr (at_right) add<rows, stride>(value, i, right, sums.right);
      }
    }
  };

  template <int rows>
  LITHE_SIMD_INLINE static Vectors<rows> all(__m512 value) {
    Vectors<rows> result;
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) result.v[r] = value;
    return result;
  }

  template <int rows, int stride>
  LITHE_SIMD_TARGET static void slide(const Band& band, index_t channel) {
    Columns<rows, stride> columns;
#pragma GCC unroll 9
    for (int i = 0; i < columns.height; ++i) {
      const Row& row = band.input[static_cast<std::size_t>(i)];
      columns.pixels[i] = row.pitch == 0 ? row.pixels : row.pixels + channel;
      columns.pitches[i] = row.pitch;
    }
    columns.width = band.input_width;
    const float* filter = band.filter + channel;
    columns.left = load_taps(filter, band.channels);
    columns.middle = load_taps(filter + band.channels, band.channels);
    columns.right = load_taps(filter + 2 * band.channels, band.channels);
    const Vectors<rows> bias =
        all<rows>(band.bias != nullptr ? _mm512_loadu_ps(band.bias + channel) : _mm512_setzero_ps());
    Sums<rows> sums{bias, bias, bias};
    index_t x = -band.left;
    columns.template add_to<true, false, false>(sums, x++);
    sums.middle = sums.left, sums.left = bias;
    if constexpr (stride == 1) {
      columns.template add_to<true, true, false>(sums, x++);
      sums.right = sums.middle, sums.middle = sums.left, sums.left = bias;
    }
    for (index_t i = 0; i < band.output_width; ++i) {
      if constexpr (stride == 1) {
        columns.template add_to<true, true, true>(sums, x++);
      } else {
        columns.template add_to<false, true, false>(sums, x++);
        sums.right = sums.middle;
        columns.template add_to<true, false, true>(sums, x++);
      }
      store(sums.right, band, i, channel);
      sums.right = sums.middle, sums.middle = sums.left, sums.left = bias;
    }
  }

  template <int rows>
  LITHE_SIMD_INLINE static void store(const Vectors<rows>& sums, const Band& band, index_t x,
                                      index_t channel) {
    const __m512 low = _mm512_set1_ps(band.clamp.min), high = _mm512_set1_ps(band.clamp.max);
    float* output = band.output + x * band.output_pitch + channel;
    // NaN stays: both instructions return their second operand then. Masked, because gcc 12 warns of the
    // undefined operand in the plain ones (bug 105593).
    constexpr __mmask16 every = 0xFFFF;
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r)
      _mm512_storeu_ps(output + r * band.output_width * band.output_pitch,
                       _mm512_maskz_min_ps(every, high, _mm512_maskz_max_ps(every, low, sums.v[r])));
  }

#undef LITHE_SIMD_TARGET
#undef LITHE_SIMD_INLINE
#endif
};

}  // namespace lithe::inline v0::simd
