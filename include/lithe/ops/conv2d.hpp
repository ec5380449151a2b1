// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <tuple>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// 2-D convolution, grouped; depthwise is its own operator.
///   input [N, H, W, C]    filter [O, KH, KW, C / group]    bias [O] optional
///   output [N, OH, OW, O], OH = (H + top + bottom - (KH - 1) * dilation - 1) / stride + 1, OW alike
/// Units: strides, dilations and pads count input elements; clamp is in real units. s8 and u8: input and
/// output are quantized per tensor, the filter per tensor or along axis 0 (s8: zero point 0), bias is s32 in
/// input * filter steps.
/// Errors: Code::invalid_model for an attribute or a quantization out of range, Code::unsupported for a
/// quantization of another kind; Code::shape if ranks, C, O or group disagree, or OH or OW < 0.
/// Source: ONNX Conv-11.
struct Conv2D {
  struct Attributes {
    std::array<std::int32_t, 2> strides{1, 1}, dilations{1, 1};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};                          ///< {top, left, bottom, right}
    std::int32_t group = 1;
    Clamp clamp{};
    static constexpr auto fields() {
      return std::tuple{field("strides", &Attributes::strides), field("dilations", &Attributes::dilations),
                        field("pads", &Attributes::pads), field("group", &Attributes::group),
                        field("clamp", &Attributes::clamp)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Conv2D",
                               .version = 1,
                               .inputs = {"input", "filter", "bias?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {
      {{f32, f32, f32}, {f32}}, {{f16, f16, f16}, {f16}}, {{s8, s8, s32}, {s8}}, {{u8, u8, s32}, {u8}}};

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& input = context.shape(0);
    const Shape& filter = context.shape(1);
    if (filter.rank() != 4) return {Code::shape, "the filter must be [O, KH, KW, C / group]"};
    if (a.group < 1) return {Code::invalid_model, "group must be at least 1"};
    LITHE_TRY(detail::check_clamp(a.clamp));
    LITHE_ASSIGN_OR_RETURN(const Shape output,
                           detail::output_shape(detail::window(a, filter[1], filter[2]), input, filter[0]));
    if (std::int64_t{filter[3]} * a.group != input[3])
      return {Code::shape, "the input's C is not group times the filter's last dimension"};
    if (filter[0] % a.group != 0) return {Code::shape, "O is not a multiple of group"};
    if (context.has(2) && context.shape(2) != Shape{filter[0]}) return {Code::shape, "the bias must be [O]"};
    if (detail::is_quantized_8bit(context.dtype(0)))
      LITHE_TRY(detail::check_quantized_layer(context, 0, filter[0]));
    return context.output(0, output);
  }

  static RowSpan rows(const Attributes& a, const NodeInfo& node, int input, RowSpan output) {
    if (input != 0) return {};  // needed whole
    return detail::input_rows(detail::window(a, node.input(1).shape[1], node.input(1).shape[2]).h, output);
  }
};
static_assert(Operator<Conv2D> && RowStreamable<Conv2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <>
struct Kernel<ops::Conv2D> {
  using Attributes = ops::Conv2D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return ops::detail::linear_workspace(context, context.inputs[1].shape[0]);
  }
  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_linear_type(context.output().dtype,
                                        [&]<class T>() { return run_as<T>(a, context), Status{}; });
  }

 private:
  template <class T>
  static void run_as(const Attributes& a, RunContext& context) {
    const Shape& filter = context.input(1).shape;
    const auto window = ops::detail::at_strip(ops::detail::window(a, filter[1], filter[2]), context.strip());
    const ops::detail::Linear<T> linear(a.clamp, context, filter[0]);
    ops::detail::for_each_pixel(window, context.input(0).shape, context.output().shape,
                                [&](const ops::detail::Pixel& pixel, index_t to) {
                                  compute<T>(pixel, linear, context, a.group, context.output().row<T>(to));
                                });
  }

  template <class T>
  static void compute(const ops::detail::Pixel& pixel, const ops::detail::Linear<T>& linear,
                      const RunContext& context, index_t group, T* to) {
    const TensorView& input = context.input(0);
    const TensorView& filter = context.input(1);
    const index_t channels = filter.shape[3], per_group = filter.shape[0] / group;
    // Neighbouring taps whose channels touch, on both sides, are one longer sum.
    const bool joined = pixel.across == 1 && input.pitch == channels && filter.pitch == channels;
    const index_t steps = joined && pixel.kw.count() > 0 ? 1 : pixel.kw.count();
    const index_t length = joined ? pixel.kw.count() * channels : channels;
    for (index_t g = 0; g < group; ++g)
      for (index_t o = g * per_group; o < (g + 1) * per_group; ++o) {
        auto sum = linear.start(o);
        for (index_t kh = pixel.kh.first; kh < pixel.kh.last; ++kh)
          for (index_t kw = pixel.kw.first; kw < pixel.kw.first + steps; ++kw) {
            const T* weights = filter.row<T>((o * filter.shape[1] + kh) * filter.shape[2] + kw);
            sum += linear.sum(input.row<T>(pixel.at(kh, kw)) + g * channels, weights, length, o);
          }
        to[o] = linear.store(sum, o);
      }
  }
};

}  // namespace lithe::inline v0::portable
