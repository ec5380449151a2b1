// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// 2-D convolution of every channel by itself, M filters each.
///   input [N, H, W, C]    filter [KH, KW, C, M]    bias [C * M] optional
///   output [N, OH, OW, C * M], channel c * M + m; OH and OW as in Conv2D
/// Units: strides, dilations and pads count input elements; clamp is in real units. s8 and u8: input and
/// output are quantized per tensor, the filter per tensor or by C * M pairs along axis 2, output channel
/// c * M + m (s8: zero point 0), bias is s32 in input * filter steps.
/// Errors: Code::invalid_model for an attribute or a quantization out of range, Code::unsupported for a
/// quantization of another kind; Code::shape if ranks or C disagree, or OH or OW < 0.
/// Source: ONNX Conv-11 with group = C.
struct DepthwiseConv2D {
  struct Attributes {
    std::array<std::int32_t, 2> strides{1, 1}, dilations{1, 1};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};                          ///< {top, left, bottom, right}
    Clamp clamp{};
    static constexpr auto fields() {
      return Fields{field("strides", &Attributes::strides), field("dilations", &Attributes::dilations),
                    field("pads", &Attributes::pads), field("clamp", &Attributes::clamp)};
    }
  };
  static constexpr OpSpec spec{.name = "DepthwiseConv2D",
                               .version = 1,
                               .inputs = {"input", "filter", "bias?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
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
    LITHE_ASSIGN_OR_RETURN(const Shape output,
                           detail::output_shape(detail::window(a, filter[0], filter[1]), context.shape(0),
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
    return detail::input_rows(detail::window(a, node.input(1).shape[0], node.input(1).shape[1]).h, output);
  }
};
static_assert(Operator<DepthwiseConv2D> && RowStreamable<DepthwiseConv2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::DepthwiseConv2D> Op>
struct Kernel<Op> {
  using Attributes = ops::DepthwiseConv2D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return ops::detail::linear_workspace(context, context.inputs[1].shape.product(2, 4));
  }
  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_linear_type<types>(context.output().dtype,
                                               [&]<class T>() { return run_as<T>(a, context), Status{}; });
  }

 private:
  using Pixel = ops::detail::Pixel;

  template <class T>
  static void run_as(const Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const TensorView& filter = context.input(1);
    const auto window =
        ops::detail::at_strip(ops::detail::window(a, filter.shape[0], filter.shape[1]), context.strip());
    const ops::detail::Linear<T> linear(a.clamp, context, filter.shape.product(2, 4));
    const bool contiguous = filter.shape[3] == 1 && filter.pitch == 1;
    ops::detail::for_each_pixel(window, input.shape, context.output().shape,
                                [&](const Pixel& pixel, index_t to) {
                                  if (contiguous)
                                    single<T>(pixel, linear, input, filter, context.output().row<T>(to));
                                  else
                                    multiple<T>(pixel, linear, input, filter, context.output().row<T>(to));
                                });
  }

  /// M = 1: blocks of channels, contiguous in input, filter and output.
  template <class T>
  static void single(const Pixel& pixel, const ops::detail::Linear<T>& linear, const TensorView& input,
                     const TensorView& filter, T* to) {
    const index_t channels = filter.shape[2];
    typename ops::detail::Linear<T>::Acc sums[ops::detail::channel_block];
    for (index_t c = 0; c < channels; c += ops::detail::channel_block) {
      const index_t count = std::min(channels - c, ops::detail::channel_block);
      for (index_t i = 0; i < count; ++i) sums[i] = linear.start(c + i);
      for (index_t kh = pixel.kh.first; kh < pixel.kh.last; ++kh)
        for (index_t kw = pixel.kw.first; kw < pixel.kw.last; ++kw) {
          const T* x = input.row<T>(pixel.at(kh, kw)) + c;
          const T* weights = filter.row<T>((kh * filter.shape[1] + kw) * channels) + c;
          ops::detail::for_block(count,
                                 [&](index_t i) { sums[i] += linear.product(x[i], weights[i], c + i); });
        }
      for (index_t i = 0; i < count; ++i) to[c + i] = linear.store(sums[i], c + i);
    }
  }

  /// Any M: blocks of the filters of one channel.
  template <class T>
  static void multiple(const Pixel& pixel, const ops::detail::Linear<T>& linear, const TensorView& input,
                       const TensorView& filter, T* to) {
    const index_t channels = filter.shape[2], multiplier = filter.shape[3];
    typename ops::detail::Linear<T>::Acc sums[ops::detail::channel_block];
    for (index_t c = 0; c < channels; ++c)
      for (index_t m = 0; m < multiplier; m += ops::detail::channel_block) {
        const index_t count = std::min(multiplier - m, ops::detail::channel_block), o = c * multiplier + m;
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

}  // namespace lithe::inline v0::portable
