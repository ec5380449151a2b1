// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
#define LITHE_SIMD_TARGET __attribute__((target("avx2,fma")))
#elif defined(__aarch64__)
#include <arm_neon.h>
#define LITHE_SIMD_TARGET
#endif

namespace lithe::inline v0::simd {

#ifdef LITHE_SIMD_TARGET

/// A few neighbouring floats. The macro above is one because attributes take no constants.
namespace detail {
#if defined(__x86_64__)
using Floats = __m256;
/// XNNPACK's AVX-512 kernel is faster than this one.
inline bool available(const Cpu& cpu) { return cpu.avx2 && cpu.fma3 && !cpu.avx512; }
LITHE_SIMD_TARGET inline Floats load(const float* p) { return _mm256_loadu_ps(p); }
LITHE_SIMD_TARGET inline void store(float* p, Floats v) { _mm256_storeu_ps(p, v); }
LITHE_SIMD_TARGET inline Floats all(float v) { return _mm256_set1_ps(v); }
LITHE_SIMD_TARGET inline Floats multiply_add(Floats a, Floats b, Floats sum) {
  return _mm256_fmadd_ps(a, b, sum);
}
/// NaN stays: both instructions return their second operand then.
LITHE_SIMD_TARGET inline Floats clamp(Floats v, Floats low, Floats high) {
  return _mm256_min_ps(high, _mm256_max_ps(low, v));
}
#else
using Floats = float32x4_t;
inline bool available(const Cpu& cpu) { return cpu.neon; }
inline Floats load(const float* p) { return vld1q_f32(p); }
inline void store(float* p, Floats v) { vst1q_f32(p, v); }
inline Floats all(float v) { return vdupq_n_f32(v); }
inline Floats multiply_add(Floats a, Floats b, Floats sum) { return vfmaq_f32(sum, a, b); }
inline Floats clamp(Floats v, Floats low, Floats high) { return vminq_f32(high, vmaxq_f32(low, v)); }
#endif
inline constexpr index_t lanes = sizeof(Floats) / sizeof(float);
}  // namespace detail

/// 3x3 depthwise convolution in f32, strides 1 or 2, one filter a channel, at least as many channels as a
/// vector has lanes: AVX2 with FMA, or AArch64. Rows are shared among threads; a filter's nine taps stay in
/// registers along a row.
class DepthwiseConv2D {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr const char* name =
      detail::lanes == 8 ? "simd::depthwise_conv2d_3x3_f32_avx2" : "simd::depthwise_conv2d_3x3_f32_neon";
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const Shape& filter = node.input(1).shape;
    return node.input(0).dtype == DType::f32 && detail::available(*node.cpu) && filter[0] == 3 &&
           filter[1] == 3 && filter[3] == 1 && filter[2] >= detail::lanes && a.strides[0] == a.strides[1] &&
           a.strides[0] <= 2 && a.dilations[0] == 1 && a.dilations[1] == 1;
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    Job job{context, ops::detail::at_strip(ops::detail::window(a, 3, 3), context.strip()), a.clamp};
    const Shape& output = context.output().shape;
    const auto rows = static_cast<std::size_t>(output[0] * output[1]);
    if (output.elements() == 0) return {};
    constexpr auto task = [](void* self, std::size_t row) {
      static_cast<const Job*>(self)->run_row(static_cast<index_t>(row));
    };
    if (context.threads() != nullptr)
      context.threads()->for_each(task, &job, rows);
    else
      ThreadPool{}.for_each(task, &job, rows);
    return {};
  }

 private:
  static constexpr index_t taps = 3;

  struct Job {
    RunContext& context;
    ops::detail::Window window;
    Clamp clamp;

    /// One row of one image.
    void run_row(index_t row) const {
      const TensorView &input = context.input(0), &filter = context.input(1);
      const Tensor& output = context.output();
      const index_t image = row / output.shape[1], y = row % output.shape[1];
      const ops::detail::Taps rows = window.h.taps(y, 0, input.shape[1]);
      Line line;
      line.height = rows.count();
      for (index_t r = 0; r < rows.count(); ++r) {
        const index_t from = image * input.shape[1] + window.h.start(y) + rows.first + r;
        line.input[static_cast<std::size_t>(r)] = input.row<float>(from * input.shape[2]);
      }
      line.channels = output.shape[3];
      line.filter = static_cast<const float*>(filter.data) + rows.first * taps * line.channels;
      line.bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr;
      line.output = output.row<float>(row * output.shape[2]);
      line.input_pitch = input.pitch, line.output_pitch = output.pitch;
      line.input_width = input.shape[2], line.output_width = output.shape[2];
      for (index_t c = 0; c < line.channels; c += detail::lanes) {
        // The last vector overlaps the one before it.
        const index_t channel = std::min(c, line.channels - detail::lanes);
        switch (line.height) {
          case 3:
            run_channels<3>(line, channel);
            break;
          case 2:
            run_channels<2>(line, channel);
            break;
          case 1:
            run_channels<1>(line, channel);
            break;
          default:
            run_channels<0>(line, channel);
        }
      }
    }

    struct Line {
      std::array<const float*, taps> input{};  ///< the rows under the filter that are not padding
      const float *filter = nullptr, *bias = nullptr;
      float* output = nullptr;
      index_t height = 0, channels = 0, input_pitch = 0, output_pitch = 0, input_width = 0, output_width = 0;
    };

    /// Three taps, spelled out so that they stay in registers.
    struct Row {
      detail::Floats a, b, c;
    };
    LITHE_SIMD_TARGET static Row load_row(const float* filter, index_t channels) {
      return {detail::load(filter), detail::load(filter + channels), detail::load(filter + 2 * channels)};
    }
    LITHE_SIMD_TARGET static detail::Floats add_row(const float* in, index_t pitch, const Row& row,
                                                    detail::Floats sum) {
      sum = detail::multiply_add(detail::load(in), row.a, sum);
      sum = detail::multiply_add(detail::load(in + pitch), row.b, sum);
      return detail::multiply_add(detail::load(in + 2 * pitch), row.c, sum);
    }

    template <int height>
    LITHE_SIMD_TARGET void run_channels(const Line& line, index_t channel) const {
      const float* filter = line.filter + channel;
      const index_t row = taps * line.channels;
      Row first{}, second{}, third{};
      if constexpr (height > 0) first = load_row(filter, line.channels);
      if constexpr (height > 1) second = load_row(filter + row, line.channels);
      if constexpr (height > 2) third = load_row(filter + 2 * row, line.channels);
      const detail::Floats low = detail::all(clamp.min), high = detail::all(clamp.max);
      const detail::Floats bias = line.bias != nullptr ? detail::load(line.bias + channel) : detail::all(0);
      for (index_t x = 0; x < line.output_width; ++x) {
        const index_t at = window.w.start(x), offset = at * line.input_pitch + channel;
        detail::Floats sum = bias;
        if (at >= 0 && at + taps <= line.input_width) {
          if constexpr (height > 0) sum = add_row(line.input[0] + offset, line.input_pitch, first, sum);
          if constexpr (height > 1) sum = add_row(line.input[1] + offset, line.input_pitch, second, sum);
          if constexpr (height > 2) sum = add_row(line.input[2] + offset, line.input_pitch, third, sum);
        } else {
          sum = add_border(line, x, channel, sum);
        }
        detail::store(line.output + x * line.output_pitch + channel, detail::clamp(sum, low, high));
      }
    }

    /// The taps of output `x` that fall on the input.
    LITHE_SIMD_TARGET detail::Floats add_border(const Line& line, index_t x, index_t channel,
                                                detail::Floats sum) const {
      const ops::detail::Taps columns = window.w.taps(x, 0, line.input_width);
      for (index_t r = 0; r < line.height; ++r)
        for (index_t k = columns.first; k < columns.last; ++k) {
          const index_t offset = (window.w.start(x) + k) * line.input_pitch + channel;
          const detail::Floats weight = detail::load(line.filter + (r * taps + k) * line.channels + channel);
          sum = detail::multiply_add(detail::load(line.input[static_cast<std::size_t>(r)] + offset), weight,
                                     sum);
        }
      return sum;
    }
  };
};

#undef LITHE_SIMD_TARGET

#else

namespace detail {
inline bool available(const Cpu&) { return false; }
}  // namespace detail

/// No vectors for this architecture: supports nothing.
struct DepthwiseConv2D {
  using Op = ops::DepthwiseConv2D;
  static constexpr const char* name = "simd::depthwise_conv2d_3x3_f32";
  static bool supports(const Op::Attributes&, const NodeInfo&) { return false; }
  static Status run(const Op::Attributes&, RunContext&) {
    return {Code::unsupported, "no vector kernel for this architecture"};
  }
};

#endif

}  // namespace lithe::inline v0::simd
