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

/// 3-D transposed convolution, grouped.
///   input [N, D, H, W, C]    filter [O, KD, KH, KW, C / group]    bias [O] optional
///   output [N, OD, OH, OW, O], OD = (D - 1) * stride + (KD - 1) * dilation + 1 + output_padding - front -
///   back, OH, OW alike
/// Units, quantization and errors as in ConvTranspose2D.
/// Source: ONNX ConvTranspose-22.
struct ConvTranspose3D {
  struct Attributes {
    std::array<std::int32_t, 3> strides{1, 1, 1}, dilations{1, 1, 1},
        output_padding{};                ///< {depth, height, width}
    std::array<std::int32_t, 6> pads{};  ///< {front, top, left, back, bottom, right}
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
  static constexpr OpSpec spec{.name = "ConvTranspose3D",
                               .version = 1,
                               .inputs = {"input", "filter", "bias?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {
      {{f32, f32, f32}, {f32}}, {{f16, f16, f16}, {f16}}, {{s8, s8, s32}, {s8}}, {{u8, u8, s32}, {u8}}};

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& filter = context.shape(1);
    if (context.rank(0) != 5) return {Code::shape, "the input must be [N, D, H, W, C]"};
    if (filter.rank() != 5) return {Code::shape, "the filter must be [O, KD, KH, KW, C / group]"};
    LITHE_ASSIGN_OR_RETURN(
        const Shape output,
        detail::transposed_shape(a, detail::window(a, filter[1], filter[2], filter[3]), context));
    LITHE_TRY(detail::check_convolution(a.group, context.shape(0).back(), context));
    return context.output(0, output);
  }
};
static_assert(Operator<ConvTranspose3D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <>
struct Kernel<ops::ConvTranspose3D> {
  using Attributes = ops::ConvTranspose3D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return ops::detail::linear_workspace(context, context.inputs[1].shape[0]);
  }
  static Status run(const Attributes& a, RunContext& context) {
    const Shape& filter = context.input(1).shape;
    const ops::detail::Window window = ops::detail::window(a, filter[1], filter[2], filter[3]);
    return ops::detail::for_linear_type(context.output().dtype, [&]<class T>() {
      return ops::detail::convolve_transposed<T>(window, a, context), Status{};
    });
  }
};

}  // namespace lithe::inline v0::portable
