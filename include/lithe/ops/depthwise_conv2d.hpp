// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// 2-D convolution of each channel by itself, with M filters each.
///   input [N, H, W, C]    filter [KH, KW, C, M]    bias [C * M] optional
///   output [N, OH, OW, C * M], channel c * M + m; OH and OW as in Conv2D
/// Units: strides and dilations are {height, width}, pads {top, left, bottom, right}; all count input
/// elements. clamp is in real units. s8 and u8: input and output are quantized per tensor; the filter per
/// tensor, or with C * M scales along axis 2, in the order of the output channels (s8: zero point 0); bias is
/// s32 in steps of input scale * filter scale.
/// Errors: Code::invalid_model for an attribute or a quantization out of range; Code::unsupported for a
/// quantization of another kind; Code::shape if ranks or C disagree, or OH or OW < 0.
/// Source: ONNX Conv-22 with group = C.
struct DepthwiseConv2D {
  struct Attributes {
    std::array<std::int32_t, 2> strides{1, 1}, dilations{1, 1};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};                          ///< {top, left, bottom, right}
    Clamp clamp{};
    static constexpr auto fields() {
      return Fields{field("strides", &Attributes::strides), field("dilations", &Attributes::dilations),
                    field("pads", &Attributes::pads), field("clamp", &Attributes::clamp)};
    }
    detail::Window window(const Shape& filter) const { return detail::window(*this, filter[0], filter[1]); }
  };
  static constexpr OpSpec spec = detail::linear_spec("DepthwiseConv2D");
  static constexpr const auto& types = detail::linear_types;
  static constexpr Weights weights{.depthwise = true};
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::depthwise_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& filter = context.shape(1);
    if (filter.rank() != 4) return {Code::shape, "the filter must be [KH, KW, C, M]"};
    LITHE_TRY(detail::check_clamp(a.clamp));
    const std::int64_t channels = std::int64_t{filter[2]} * filter[3];
    if (channels > detail::max_channels) return {Code::shape, "the filter has too many channels"};
    LITHE_ASSIGN_OR_RETURN(const Shape output, detail::output_shape(a.window(filter), context.shape(0),
                                                                    static_cast<index_t>(channels)));
    if (filter[2] != context.shape(0)[3]) return {Code::shape, "the filter's C is not the input's"};
    if (context.has(2) && context.shape(2) != Shape{static_cast<index_t>(channels)})
      return {Code::shape, "the bias must be [C * M]"};
    if (detail::is_quantized_8bit(context.dtype(0)))
      LITHE_TRY(detail::check_quantized_layer(context, 2, static_cast<index_t>(channels)));
    return context.output(0, output);
  }

  static RowSpan rows(const Attributes& a, const NodeInfo& node, int input, RowSpan output) {
    if (input != 0) return {};  // needed whole
    return detail::input_rows(a.window(node.input(1).shape).h, output);
  }
};
static_assert(Operator<DepthwiseConv2D> && RowStreamable<DepthwiseConv2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// A depthwise convolution as a LinearKernel runs it: whole, or a strip of rows.
struct DepthwiseConvolution {
  using Attributes = DepthwiseConv2D::Attributes;

  static index_t channels(const Shape& filter) { return filter.product(2, 4); }

  template <class T>
  static void run(const Attributes& a, const RunContext& context) {
    const TensorView& input = context.input(0);
    const TensorView& filter = context.input(1);
    const Window window = at_strip(a.window(filter.shape), context.strip());
    const Linear<T> linear(a.clamp, context, channels(filter.shape));
    const bool contiguous = filter.shape[3] == 1 && filter.pitch == 1;
    for_each_pixel(window, input.shape, context.output().shape, [&](const Pixel& pixel, index_t to) {
      if (contiguous)
        single<T>(pixel, linear, input, filter, context.output().row<T>(to));
      else
        multiple<T>(pixel, linear, input, filter, context.output().row<T>(to));
    });
  }

 private:
  /// For M = 1: walks blocks of channels, which are contiguous in input, filter and output.
  template <class T>
  static void single(const Pixel& pixel, const Linear<T>& linear, const TensorView& input,
                     const TensorView& filter, T* to) {
    const index_t channels = filter.shape[2];
    typename Linear<T>::Acc sums[channel_block];
    for (index_t c = 0; c < channels; c += channel_block) {
      const index_t count = std::min(channels - c, channel_block);
      for (index_t i = 0; i < count; ++i) sums[i] = linear.start(c + i);
      for (index_t kh = pixel.kh.first; kh < pixel.kh.last; ++kh)
        for (index_t kw = pixel.kw.first; kw < pixel.kw.last; ++kw) {
          const T* x = input.row<T>(pixel.at(kh, kw)) + c;
          const T* weights = filter.row<T>((kh * filter.shape[1] + kw) * channels) + c;
          for_block(count, [&](index_t i) { sums[i] += linear.product(x[i], weights[i], c + i); });
        }
      for (index_t i = 0; i < count; ++i) to[c + i] = linear.store(sums[i], c + i);
    }
  }

  /// For any M: walks blocks of the filters of one channel.
  template <class T>
  static void multiple(const Pixel& pixel, const Linear<T>& linear, const TensorView& input,
                       const TensorView& filter, T* to) {
    const index_t channels = filter.shape[2], multiplier = filter.shape[3];
    typename Linear<T>::Acc sums[channel_block];
    for (index_t c = 0; c < channels; ++c)
      for (index_t m = 0; m < multiplier; m += channel_block) {
        const index_t count = std::min(multiplier - m, channel_block), o = c * multiplier + m;
        for (index_t i = 0; i < count; ++i) sums[i] = linear.start(o + i);
        for (index_t kh = pixel.kh.first; kh < pixel.kh.last; ++kh)
          for (index_t kw = pixel.kw.first; kw < pixel.kw.last; ++kw) {
            const T x = input.row<T>(pixel.at(kh, kw))[c];
            const T* weights = filter.row<T>((kh * filter.shape[1] + kw) * channels + c) + m;
            for (index_t i = 0; i < count; ++i) sums[i] += linear.product(x, weights[i], o + i);
          }
        for (index_t i = 0; i < count; ++i) to[o + i] = linear.store(sums[i], o + i);
      }
  }
};

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <std::same_as<ops::DepthwiseConv2D> Op>
struct Kernel<Op> : ops::detail::LinearKernel<ops::detail::DepthwiseConvolution> {};

}  // namespace lithe::inline v0::portable
