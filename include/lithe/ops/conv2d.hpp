// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/convolve.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
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
      return Fields{field("strides", &Attributes::strides), field("dilations", &Attributes::dilations),
                    field("pads", &Attributes::pads), field("group", &Attributes::group),
                    field("clamp", &Attributes::clamp)};
    }
  };
  static constexpr OpSpec spec{.name = "Conv2D",
                               .version = 1,
                               .inputs = {"input", "filter", "bias?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr const auto& types = detail::linear_types;
  static constexpr Weights weights{};
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::filter_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& input = context.shape(0);
    const Shape& filter = context.shape(1);
    if (filter.rank() != 4) return {Code::shape, "the filter must be [O, KH, KW, C / group]"};
    if (a.group < 1) return {Code::invalid_model, "group must be at least 1"};
    LITHE_TRY(detail::check_clamp(a.clamp));
    LITHE_ASSIGN_OR_RETURN(const Shape output,
                           detail::output_shape(detail::window(a, filter[1], filter[2]), input, filter[0]));
    LITHE_TRY(detail::check_convolution(a.group, input[3], context));
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

template <std::same_as<ops::Conv2D> Op>
struct Kernel<Op> {
  using Attributes = ops::Conv2D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return ops::detail::linear_workspace(context, context.inputs[1].shape[0]);
  }
  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_linear_type<types>(context.output().dtype,
                                               [&]<class T>() { return run_as<T>(a, context), Status{}; });
  }

 private:
  template <class T>
  static void run_as(const Attributes& a, RunContext& context) {
    const Shape& filter = context.input(1).shape;
    ops::detail::convolve<T>(
        ops::detail::at_strip(ops::detail::window(a, filter[1], filter[2]), context.strip()), a, context);
  }
};

}  // namespace lithe::inline v0::portable
