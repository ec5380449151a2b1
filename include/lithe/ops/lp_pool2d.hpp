// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// The p-norm of each window: (sum of |x|^p)^(1/p); padding adds nothing.
///   input [N, H, W, C]    output [N, OH, OW, C], OH and OW as in MaxPool2D
/// Units: kernel, strides, dilations and pads count input elements.
/// Errors: Code::invalid_model for an attribute out of range or p < 1; Code::shape if the rank is not 4, or
/// OH or OW < 0.
/// Source: ONNX LpPool-22.
struct LpPool2D {
  struct Attributes {
    std::array<std::int32_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};                                        ///< {top, left, bottom, right}
    bool ceil_mode = false;
    std::int32_t p = 2;
    static constexpr auto fields() {
      return Fields{field("kernel", &Attributes::kernel),       field("strides", &Attributes::strides),
                    field("dilations", &Attributes::dilations), field("pads", &Attributes::pads),
                    field("ceil_mode", &Attributes::ceil_mode), field("p", &Attributes::p)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "LpPool2D", .inputs = {"input"}, .outputs = {"output"}, .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32}, {f32}}, {{f16}, {f16}}, {{f64}, {f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    if (a.p < 1) return {Code::invalid_model, "the p of a norm must be at least 1"};
    LITHE_ASSIGN_OR_RETURN(const Shape output, detail::pooled_shape(a, context.shape(0)));
    return context.output(0, output);
  }

  static RowSpan rows(const Attributes& a, const NodeInfo&, int, RowSpan output) {
    return detail::input_rows(detail::window(a, a.kernel[0], a.kernel[1]).h, output);
  }
};
static_assert(Operator<LpPool2D> && RowStreamable<LpPool2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::LpPool2D> Op>
struct Kernel<Op> {
  using Attributes = ops::LpPool2D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_element_type<every_type, float, half, double>(
        context.output().dtype, [&]<class T>() { return run_as<T>(a, context); });
  }

 private:
  template <class T>
  static Status run_as(const Attributes& a, RunContext& context) {
    using Acc = ops::detail::Accumulator<T>;
    const TensorView& input = context.input(0);
    const index_t channels = input.shape[3];
    const auto window =
        ops::detail::at_strip(ops::detail::window(a, a.kernel[0], a.kernel[1]), context.strip());
    const auto p = static_cast<Acc>(a.p);
    const auto power = [&](Acc x) {
      return a.p == 1 ? std::abs(x) : a.p == 2 ? x * x : std::pow(std::abs(x), p);
    };
    const auto root = [&](Acc x) { return a.p == 1 ? x : a.p == 2 ? std::sqrt(x) : std::pow(x, 1 / p); };
    const auto pool = [&](const ops::detail::Pixel& pixel, index_t to) {
      for (index_t c = 0; c < channels; c += ops::detail::channel_block) {
        const index_t count = std::min(channels - c, ops::detail::channel_block);
        Acc sums[ops::detail::channel_block] = {};
        for (index_t h = pixel.kh.first; h < pixel.kh.last; ++h)
          for (index_t w = pixel.kw.first; w < pixel.kw.last; ++w) {
            const T* from = input.row<T>(pixel.at(h, w)) + c;
            ops::detail::for_block(count, [&](index_t i) { sums[i] += power(static_cast<Acc>(from[i])); });
          }
        T* out = context.output().row<T>(to) + c;
        for (index_t i = 0; i < count; ++i) out[i] = static_cast<T>(root(sums[i]));
      }
    };
    ops::detail::for_each_pixel(window, input.shape, context.output().shape, pool);
    return {};
  }
};

}  // namespace lithe::inline v0::portable
