// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// 1x1 depthwise convolution in f32 without strides or padding: every channel times a factor, plus a bias.
/// Ranges of pixels are shared among threads.
template <class Isa>
class PointwiseDepthwiseConv2DOn {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr auto full_name = isa::joined("simd::depthwise_conv2d_1x1_f32_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const Shape& filter = node.input(1).shape;
    return Isa::on(*node.cpu) && node.input(0).dtype == DType::f32 && filter.elements() == filter[2] &&
           a.strides == std::array{1, 1} && a.pads == std::array{0, 0, 0, 0};
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const Pixels pixels{.input = context.input(0),
                        .factors = static_cast<const float*>(context.input(1).data),
                        .bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr,
                        .output = context.output(),
                        .clamp = a.clamp};
    const ops::detail::Ranges ranges(context.output().shape.rows(), context.output().shape.back(), grain,
                                     most_ranges);
    ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t i) {
      Isa::enter([&]() __attribute__((always_inline)) {
        pixels.template run<Isa::bytes>(ranges.first(i), ranges.length(i));
      });
    });
    return {};
  }

 private:
  static constexpr index_t grain = 48 * 1024, most_ranges = 64;

  struct Pixels {
    const TensorView& input;
    const float *factors, *bias;  ///< bias may be null
    const Tensor& output;
    Clamp clamp;

    /// In vectors that are not wider than a pixel; fewer than four channels are the first lanes of a vector.
    template <int bytes>
    [[gnu::always_inline]] void run(index_t first, index_t count) const {
      using Floats = detail::Vector<float, bytes>;
      constexpr index_t lanes = bytes / sizeof(float);
      const index_t channels = output.shape.back();
      if constexpr (bytes > 16) {
        if (channels < lanes) return run<bytes / 2>(first, count);
      } else {
        if (channels == 1) return run_in<Floats, 1>(first, count);
        if (channels == 2) return run_in<Floats, 2>(first, count);
        if (channels == 3) return run_in<Floats, 3>(first, count);
      }
      run_in<Floats, lanes>(first, count);
    }

   private:
    template <class Floats, index_t lanes>
    [[gnu::always_inline]] void run_in(index_t first, index_t count) const {
      const index_t channels = output.shape.back();
      Floats low, high;
      detail::fill(low, clamp.min);
      detail::fill(high, clamp.max);
      for (index_t i = first; i < first + count; ++i) {
        const float* from = input.template row<float>(i);
        float* to = output.template row<float>(i);
        for (index_t next = 0; next < channels; next += lanes) {
          const index_t c = std::min(next, channels - lanes);
          Floats value, factor, sum{};
          detail::load_lanes<lanes>(value, from + c);
          detail::load_lanes<lanes>(factor, factors + c);
          if (bias != nullptr) detail::load_lanes<lanes>(sum, bias + c);
          sum += value * factor;
          detail::clamp(sum, low, high);
          detail::store_lanes<lanes>(to + c, sum);
        }
      }
    }
  };
};

/// In order of preference.
using PointwiseDepthwiseConv2D = isa::ForNonFinite::kernels<PointwiseDepthwiseConv2DOn>;

}  // namespace lithe::inline v0::simd
