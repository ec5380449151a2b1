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
#define LITHE_SIMD_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define LITHE_SIMD_INLINE \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"), always_inline)) inline
#endif

namespace lithe::inline v0::simd {

/// 3x3 depthwise convolution in s8, strides 1 or 2, one filter a channel, at least 16 channels, with AVX-512
/// VNNI; the same bits as the portable kernel. The input rows under an output row, or under two of stride 1,
/// are interleaved when they are loaded, so that one instruction multiplies and adds a column of taps for 16
/// channels. Bands of rows and chunks of channels are shared among threads.
class QuantizedDepthwiseConv2D {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr const char* name = "simd::depthwise_conv2d_3x3_qs8_qc8w_avx512vnni";
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
#ifdef LITHE_SIMD_TARGET
    const Shape& filter = node.input(1).shape;
    return node.input(0).dtype == DType::s8 && node.cpu->avx512_vnni && filter[0] == taps &&
           filter[1] == taps && filter[3] == 1 && filter[2] >= lanes && a.strides[0] == a.strides[1] &&
           a.strides[0] <= 2 && a.dilations[0] == 1 && a.dilations[1] == 1;
#else
    return static_cast<void>(a), static_cast<void>(node), false;
#endif
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
#ifdef LITHE_SIMD_TARGET
    const Shape& output = context.output().shape;
    if (output.elements() == 0) return {};
    const Job job(a, context);
    const index_t rows = std::max<index_t>(band_pixels / output[2] / 2 * 2, 2);
    const index_t bands = (output[1] + rows - 1) / rows, chunks = (output[3] + chunk - 1) / chunk;
    ops::detail::in_parallel(context.threads(), output[0] * bands * chunks, [&](index_t i) {
      const index_t first = i / chunks % bands * rows;
      job.run_band(i / chunks / bands, first, std::min(first + rows, output[1]), i % chunks * chunk);
    });
    return {};
#else
    static_cast<void>(a), static_cast<void>(context);
    return {Code::unsupported, "no vector kernel for this architecture"};
#endif
  }

#ifdef LITHE_SIMD_TARGET
 private:
  /// A band is as many pixels as stay in L1 while its channels are computed, 16 at a time.
  static constexpr index_t taps = 3, lanes = 16, band_pixels = 256, chunk = 128;
  static constexpr int interleaved = 4;  ///< input rows in one vector
  /// VNNI multiplies u8 by s8: inputs are moved by this much, and biases make up for it.
  static constexpr std::int32_t offset = 128;

  /// Input rows under one or two output rows; one of padding is a pixel of zero points, again and again.
  struct Rows {
    std::array<const std::int8_t*, interleaved> pixels;
    std::array<index_t, interleaved> pitches;
  };

  /// The taps of 16 channels, a column of three a 32-bit lane, and what follows the sum.
  struct Channels {
    __m512i left[2], middle[2], right[2];  ///< [1]: one row lower, for the second output row
    __m512i start;                         ///< bias, less what offset and zero point add
    __m512 scales;
  };

  class Job {
   public:
    Job(const Op::Attributes& a, RunContext& context)
        : context_(context),
          window_(ops::detail::at_strip(ops::detail::window(a, taps, taps), context.strip())),
          stride_(a.strides[0]),
          input_zero_point_(context.input(0).quantization->zero_point_at(0)),
          output_zero_point_(context.output().quantization->zero_point_at(0)) {
      const auto range = ops::detail::quantized_range<std::int8_t>(
          a.clamp, context.output().quantization->scale_at(0), output_zero_point_);
      lowest_ = static_cast<std::int8_t>(range.min);
      most_steps_ = static_cast<float>(range.max - output_zero_point_);
      padding_.fill(static_cast<std::int8_t>(input_zero_point_));
    }

    /// Output rows [first, last) of an image, `chunk` channels from `channel` on.
    LITHE_SIMD_TARGET void run_band(index_t image, index_t first, index_t last, index_t channel) const {
      const index_t channels = context_.output().shape[3], end = std::min(channel + chunk, channels);
      for (; channel < end; channel += lanes) {
        const index_t c = std::min(channel, channels - lanes);  // the last vector overlaps the one before it
        const Channels filter = load_channels(c);
        index_t y = first;
        if (stride_ == 1)
          for (; y + 2 <= last; y += 2) slide<2, 1>(image, y, c, filter);
        for (; y < last; ++y)
          if (stride_ == 1)
            slide<1, 1>(image, y, c, filter);
          else
            slide<1, 2>(image, y, c, filter);
      }
    }

   private:
    LITHE_SIMD_INLINE Channels load_channels(index_t channel) const {
      const TensorView& filter = context_.input(1);
      const index_t channels = context_.output().shape[3];
      const auto* from = static_cast<const std::int8_t*>(filter.data) + channel;
      const __m512i flat = _mm512_set1_epi8(1);
      __m512i sum = _mm512_setzero_si512();
      __m512i columns[taps];
#pragma GCC unroll 3
      for (int k = 0; k < taps; ++k) {
        columns[k] = interleave(load(from + k * channels), load(from + (taps + k) * channels),
                                load(from + (2 * taps + k) * channels), _mm_setzero_si128());
        sum = _mm512_dpbusd_epi32(sum, flat, columns[k]);
      }
      const __m512i bias =
          context_.has(2)
              ? _mm512_loadu_si512(static_cast<const std::int32_t*>(context_.input(2).data) + channel)
              : _mm512_setzero_si512();
      return {{columns[0], one_row_lower(columns[0])},
              {columns[1], one_row_lower(columns[1])},
              {columns[2], one_row_lower(columns[2])},
              _mm512_sub_epi32(bias, _mm512_mullo_epi32(sum, _mm512_set1_epi32(offset + input_zero_point_))),
              load_scales(channel)};
    }

    LITHE_SIMD_INLINE __m512 load_scales(index_t channel) const {
      const Quantization& filter = *context_.input(1).quantization;
      const float input = context_.input(0).quantization->scale_at(0);
      const float output = context_.output().quantization->scale_at(0);
      float scales[lanes];
      for (index_t i = 0; i < lanes; ++i)
        scales[i] =
            ops::detail::requantization_scale(input, ops::detail::filter_scale(filter, channel + i), output);
      return _mm512_loadu_ps(scales);
    }

    Rows input_rows(index_t image, index_t y, index_t channel, index_t count) const {
      const TensorView& input = context_.input(0);
      Rows rows;
      for (index_t i = 0; i < interleaved; ++i) {
        const index_t at = window_.h.start(y) + i;
        const bool inside = i < count && at >= 0 && at < input.shape[1];
        const auto n = static_cast<std::size_t>(i);
        rows.pixels[n] =
            inside ? input.row<std::int8_t>((image * input.shape[1] + at) * input.shape[2]) + channel
                   : padding_.data();
        rows.pitches[n] = inside ? input.pitch : 0;
      }
      return rows;
    }

    /// Column `x` of the input, 16 channels of four rows.
    LITHE_SIMD_INLINE __m512i column(const Rows& rows, index_t x, __m512i padding) const {
      if (x < 0 || x >= context_.input(0).shape[2]) return padding;
      const __m512i rows_of_column =
          interleave(load(rows.pixels[0] + x * rows.pitches[0]), load(rows.pixels[1] + x * rows.pitches[1]),
                     load(rows.pixels[2] + x * rows.pitches[2]), load(rows.pixels[3] + x * rows.pitches[3]));
      return _mm512_xor_si512(rows_of_column, _mm512_set1_epi8(static_cast<char>(offset)));
    }

    /// `count` output rows from `y` on, 16 channels from `channel` on.
    template <int count, int stride>
    LITHE_SIMD_INLINE void slide(index_t image, index_t y, index_t channel, const Channels& filter) const {
      const Tensor& output = context_.output();
      const Rows rows = input_rows(image, y, channel, count + taps - 1);
      const __m512i padding = _mm512_set1_epi8(static_cast<char>(input_zero_point_ + offset));
      std::int8_t* to = output.row<std::int8_t>((image * output.shape[1] + y) * output.shape[2]) + channel;
      index_t x = -window_.w.before;
      __m512i left = column(rows, x++, padding), middle = padding;
      if constexpr (stride == 1) middle = column(rows, x++, padding);
      for (index_t i = 0; i < output.shape[2]; ++i, to += output.pitch) {
        if constexpr (stride == 2) middle = column(rows, x++, padding);
        const __m512i right = column(rows, x++, padding);
#pragma GCC unroll 2
        for (int r = 0; r < count; ++r) {
          __m512i sum = _mm512_dpbusd_epi32(filter.start, left, filter.left[r]);
          sum = _mm512_dpbusd_epi32(sum, middle, filter.middle[r]);
          sum = _mm512_dpbusd_epi32(sum, right, filter.right[r]);
          store(sum, filter.scales, to + r * output.shape[2] * output.pitch);
        }
        left = stride == 1 ? middle : right;
        middle = right;
      }
    }

    /// As Requantizer: round to nearest even, clamp, add the zero point. Steps below -2^31 become -2^31.
    LITHE_SIMD_INLINE void store(__m512i sum, __m512 scales, std::int8_t* to) const {
      const __m512 steps = _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(every, sum), scales);
      const __m512i rounded =
          _mm512_maskz_cvtps_epi32(every, _mm512_maskz_min_ps(every, steps, _mm512_set1_ps(most_steps_)));
      const __m512i stored = _mm512_add_epi32(
          _mm512_maskz_max_epi32(every, rounded, _mm512_set1_epi32(lowest_ - output_zero_point_)),
          _mm512_set1_epi32(output_zero_point_));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_maskz_cvtepi32_epi8(every, stored));
    }

    RunContext& context_;
    ops::detail::Window window_;
    std::int32_t stride_, input_zero_point_, output_zero_point_;
    std::int8_t lowest_;
    float most_steps_;
    std::array<std::int8_t, lanes> padding_;
  };

  /// Masks, because gcc 12 warns of the undefined operand in the plain intrinsics (bug 105593).
  static constexpr __mmask16 every = 0xFFFF;

  LITHE_SIMD_INLINE static __m512i one_row_lower(__m512i columns) {
    return _mm512_maskz_slli_epi32(every, columns, 8);
  }
  LITHE_SIMD_INLINE static __m128i load(const std::int8_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  }

  /// Byte i of a, b, c and d side by side in 32-bit lane i.
  LITHE_SIMD_INLINE static __m512i interleave(__m128i a, __m128i b, __m128i c, __m128i d) {
    const __m512i quarters = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_maskz_broadcast_i32x4(
        every, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m512i joined = _mm512_maskz_inserti64x4(0xFF, _mm512_castsi256_si512(_mm256_set_m128i(b, a)),
                                                    _mm256_set_m128i(d, c), 1);
    return _mm512_shuffle_epi8(_mm512_maskz_permutexvar_epi32(every, quarters, joined), bytes);
  }

#undef LITHE_SIMD_TARGET
#undef LITHE_SIMD_INLINE
#endif
};

}  // namespace lithe::inline v0::simd
