// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops::detail {

/// One pixel of a grouped convolution; the filter is [O, (KD,) KH, KW, C / group].
template <class T>
void convolve_pixel(const Pixel& pixel, const Linear<T>& linear, const RunContext& context, index_t group,
                    T* to) {
  const TensorView& input = context.input(0);
  const TensorView& filter = context.input(1);
  const Shape& f = filter.shape;
  const int axis = f.rank() - 3;  // KH
  const index_t channels = f.back(), per_group = f[0] / group, taps = f.product(1, f.rank() - 1);
  // Neighbouring taps whose channels touch, on both sides, are one longer sum.
  const bool joined = pixel.across == 1 && input.pitch == channels && filter.pitch == channels;
  const index_t steps = joined && pixel.kw.count() > 0 ? 1 : pixel.kw.count();
  const index_t length = joined ? pixel.kw.count() * channels : channels;
  for (index_t o = 0; o < f[0]; ++o) {
    const index_t first_channel = o / per_group * channels;
    auto sum = linear.start(o);
    for (index_t kd = pixel.kd.first; kd < pixel.kd.last; ++kd)
      for (index_t kh = pixel.kh.first; kh < pixel.kh.last; ++kh)
        for (index_t kw = pixel.kw.first; kw < pixel.kw.first + steps; ++kw) {
          const T* weights = filter.row<T>(o * taps + (kd * f[axis] + kh) * f[axis + 1] + kw);
          sum += linear.sum(input.row<T>(pixel.at(kd, kh, kw)) + first_channel, weights, length, o);
        }
    to[o] = linear.store(sum, o);
  }
}

/// Input 0 convolved with filter 1 and bias 2 into output 0, over two or three spatial axes.
template <class T, class Attributes>
void convolve(const Window& window, const Attributes& a, const RunContext& context) {
  const Linear<T> linear(a.clamp, context, context.input(1).shape[0]);
  for_each_pixel(window, context.input(0).shape, context.output().shape, [&](const Pixel& pixel, index_t to) {
    convolve_pixel<T>(pixel, linear, context, a.group, context.output().row<T>(to));
  });
}

/// Rules of every convolution whose filter is [O, ..., C / group]: `channels` are the input's.
[[gnu::cold]] inline Status check_convolution(std::int32_t group, index_t channels,
                                              const InferContext& context) {
  const Shape& filter = context.shape(1);
  if (std::int64_t{filter.back()} * group != channels)
    return {Code::shape, "the input's C is not group times the filter's last dimension"};
  if (filter[0] % group != 0) return {Code::shape, "O is not a multiple of group"};
  if (context.has(2) && context.shape(2) != Shape{filter[0]}) return {Code::shape, "the bias must be [O]"};
  return is_quantized_8bit(context.dtype(0)) ? check_quantized_layer(context, 0, filter[0]) : Status{};
}

}  // namespace lithe::inline v0::ops::detail
