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
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// 3-D convolution, grouped.
///   input [N, D, H, W, C]    filter [O, KD, KH, KW, C / group]    bias [O] optional
///   output [N, OD, OH, OW, O], OD = (D + front + back - (KD - 1) * dilation - 1) / stride + 1, OH, OW alike
/// Units, quantization and errors as in Conv2D.
/// Source: ONNX Conv-22.
struct Conv3D {
  struct Attributes {
    std::array<std::int32_t, 3> strides{1, 1, 1}, dilations{1, 1, 1};  ///< {depth, height, width}
    std::array<std::int32_t, 6> pads{};  ///< {front, top, left, back, bottom, right}
    std::int32_t group = 1;
    Clamp clamp{};
    static constexpr auto fields() {
      return Fields{field("strides", &Attributes::strides), field("dilations", &Attributes::dilations),
                    field("pads", &Attributes::pads), field("group", &Attributes::group),
                    field("clamp", &Attributes::clamp)};
    }
  };
  static constexpr OpSpec spec{.name = "Conv3D",
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
    const Shape& filter = context.shape(1);
    if (filter.rank() != 5) return {Code::shape, "the filter must be [O, KD, KH, KW, C / group]"};
    if (a.group < 1) return {Code::invalid_model, "group must be at least 1"};
    LITHE_TRY(detail::check_clamp(a.clamp));
    LITHE_ASSIGN_OR_RETURN(const Shape output,
                           detail::output_volume(detail::window(a, filter[1], filter[2], filter[3]),
                                                 context.shape(0), filter[0]));
    LITHE_TRY(detail::check_convolution(a.group, context.shape(0)[4], context));
    return context.output(0, output);
  }
};
static_assert(Operator<Conv3D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Conv3D> Op>
struct Kernel<Op> {
  using Attributes = ops::Conv3D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return ops::detail::linear_workspace(context, context.inputs[1].shape[0]);
  }
  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    const Shape& filter = context.input(1).shape;
    const ops::detail::Window window = ops::detail::window(a, filter[1], filter[2], filter[3]);
    return ops::detail::for_linear_type<types>(context.output().dtype, [&]<class T>() {
      return ops::detail::convolve<T>(window, a, context), Status{};
    });
  }
};

}  // namespace lithe::inline v0::portable
