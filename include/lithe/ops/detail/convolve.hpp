// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

/// Convolutions over two or three spatial axes.
namespace lithe::inline v0::ops::detail {

/// A 1 for each axis: the default of strides and dilations.
template <std::size_t Axes>
inline constexpr std::array<std::int32_t, Axes> ones = [] {
  std::array<std::int32_t, Axes> all{};
  all.fill(1);
  return all;
}();

/// The window of a filter [O, (KD,) KH, KW, C / group].
template <std::size_t Axes, class Attributes>
Window filter_window(const Attributes& a, const Shape& filter) {
  if constexpr (Axes == 2)
    return window(a, filter[1], filter[2]);
  else
    return window(a, filter[1], filter[2], filter[3]);
}

/// Attributes of a grouped convolution, one number for each axis: {height, width} or {depth, height, width}.
template <std::size_t Axes>
struct ConvAttributes {
  std::array<std::int32_t, Axes> strides = ones<Axes>, dilations = ones<Axes>;
  std::array<std::int32_t, 2 * Axes> pads{};  ///< those before each axis, then those after each axis
  std::int32_t group = 1;
  Clamp clamp{};
  static constexpr auto fields() {
    using A = ConvAttributes;
    return Fields{field("strides", &A::strides), field("dilations", &A::dilations), field("pads", &A::pads),
                  field("group", &A::group), field("clamp", &A::clamp)};
  }
  Window window(const Shape& filter) const { return filter_window<Axes>(*this, filter); }
};

/// Computes one pixel of a grouped convolution with a filter [O, (KD,) KH, KW, C / group].
template <class T>
void convolve_pixel(const Pixel& pixel, const Linear<T>& linear, const RunContext& context, index_t group,
                    T* to) {
  const TensorView& input = context.input(0);
  const TensorView& filter = context.input(1);
  const Shape& f = filter.shape;
  const int axis = f.rank() - 3;  // KH
  const index_t channels = f.back(), per_group = f[0] / group, taps = f.product(1, f.rank() - 1);
  // Neighbouring taps are one longer sum where their channels touch in both input and filter.
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

/// Checks what all convolutions with a filter [O, ..., C / group] ask; `channels` are those of the input.
/// Errors: Code::shape; those of check_quantized_layer.
[[gnu::cold]] inline Status check_convolution(std::int32_t group, index_t channels,
                                              const InferContext& context) {
  const Shape& filter = context.shape(1);
  if (std::int64_t{filter.back()} * group != channels)
    return {Code::shape, "the input's C is not group times the filter's last dimension"};
  if (filter[0] % group != 0) return {Code::shape, "O is not a multiple of group"};
  if (context.has(2) && context.shape(2) != Shape{filter[0]}) return {Code::shape, "the bias must be [O]"};
  return is_quantized_8bit(context.dtype(0)) ? check_quantized_layer(context, 0, filter[0]) : Status{};
}

/// Infers a convolution: checks everything and sets the output's shape.
template <std::size_t Axes>
Status infer_convolution(const ConvAttributes<Axes>& a, InferContext& context) {
  const Shape& input = context.shape(0);
  const Shape& filter = context.shape(1);
  if (filter.rank() != static_cast<int>(Axes) + 2)
    return {Code::shape, Axes == 2 ? "the filter must be [O, KH, KW, C / group]"
                                   : "the filter must be [O, KD, KH, KW, C / group]"};
  if (a.group < 1) return {Code::invalid_model, "group must be at least 1"};
  LITHE_TRY(check_clamp(a.clamp));
  const Window window = a.window(filter);
  LITHE_ASSIGN_OR_RETURN(const Shape output, Axes == 2 ? output_shape(window, input, filter[0])
                                                       : output_volume(window, input, filter[0]));
  LITHE_TRY(check_convolution(a.group, input.back(), context));
  return context.output(0, output);
}

/// A convolution as a LinearKernel runs it: whole, or a strip of rows.
template <std::size_t Axes>
struct Convolution {
  using Attributes = ConvAttributes<Axes>;

  static index_t channels(const Shape& filter) { return filter[0]; }

  template <class T>
  static void run(const Attributes& a, const RunContext& context) {
    const Shape& filter = context.input(1).shape;
    const Linear<T> linear(a.clamp, context, channels(filter));
    for_each_pixel(at_strip(a.window(filter), context.strip()), context.input(0).shape,
                   context.output().shape, [&](const Pixel& pixel, index_t to) {
                     convolve_pixel<T>(pixel, linear, context, a.group, context.output().row<T>(to));
                   });
  }
};

}  // namespace lithe::inline v0::ops::detail
