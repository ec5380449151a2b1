// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <tuple>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/convolve.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/transposed.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// 2-D transposed convolution (deconvolution), grouped: input element (h, w) times tap (kh, kw) is added to
/// output (h * stride + kh * dilation - top, w * stride + kw * dilation - left).
///   input [N, H, W, C]    filter [O, KH, KW, C / group]    bias [O] optional
///   output [N, OH, OW, O], OH = (H - 1) * stride + (KH - 1) * dilation + 1 + output_padding - top - bottom,
///   OW alike
/// Units: strides, dilations, pads and output_padding count output elements; clamp is in real units. s8 and
/// u8: input and output are quantized per tensor, the filter per tensor or along axis 0 (s8: zero point 0),
/// bias is s32 in input * filter steps.
/// Errors: Code::invalid_model for an attribute or a quantization out of range, Code::unsupported for a
/// quantization of another kind; Code::shape if ranks, C, O or group disagree, H or W is 0, or OH or OW < 0.
/// Source: ONNX ConvTranspose-22; the filter is XNNPACK's.
struct ConvTranspose2D {
  struct Attributes {
    std::array<std::int32_t, 2> strides{1, 1}, dilations{1, 1}, output_padding{};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};  ///< {top, left, bottom, right}
    std::int32_t group = 1;
    Clamp clamp{};
    static constexpr auto fields() {
      return std::tuple{
          field("strides", &Attributes::strides), field("dilations", &Attributes::dilations),
          field("pads", &Attributes::pads),       field("output_padding", &Attributes::output_padding),
          field("group", &Attributes::group),     field("clamp", &Attributes::clamp)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "ConvTranspose2D",
                               .version = 1,
                               .inputs = {"input", "filter", "bias?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {
      {{f32, f32, f32}, {f32}}, {{f16, f16, f16}, {f16}}, {{s8, s8, s32}, {s8}}, {{u8, u8, s32}, {u8}}};

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& filter = context.shape(1);
    if (context.rank(0) != 4) return {Code::shape, "the input must be [N, H, W, C]"};
    if (filter.rank() != 4) return {Code::shape, "the filter must be [O, KH, KW, C / group]"};
    LITHE_ASSIGN_OR_RETURN(const Shape output,
                           detail::transposed_shape(a, detail::window(a, filter[1], filter[2]), context));
    LITHE_TRY(detail::check_convolution(a.group, context.shape(0).back(), context));
    return context.output(0, output);
  }
};
static_assert(Operator<ConvTranspose2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <>
struct Kernel<ops::ConvTranspose2D> {
  using Attributes = ops::ConvTranspose2D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return ops::detail::linear_workspace(context, context.inputs[1].shape[0]);
  }
  static Status run(const Attributes& a, RunContext& context) {
    const Shape& filter = context.input(1).shape;
    const ops::detail::Window window = ops::detail::window(a, filter[1], filter[2]);
    return ops::detail::for_linear_type(context.output().dtype, [&]<class T>() {
      return ops::detail::convolve_transposed<T>(window, a, context), Status{};
    });
  }
};

}  // namespace lithe::inline v0::portable
