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
#include "lithe/ops/detail/reduce.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// The mean of each window: over its elements of the input, or with count_include_pad over those and the
/// zeros of the padding, but never over what lies beyond the padding under ceil_mode. A window without any
/// element gives 0.
///   input [N, H, W, C]    output [N, OH, OW, C], OH and OW as in MaxPool2D
/// Units: kernel, strides, dilations and pads count input elements; clamp is in real units. s8 and u8:
/// quantized per tensor; the mean of the stored integers is requantized, rounded to nearest even.
/// Errors: Code::invalid_model for an attribute or a quantization out of range; Code::unsupported for an
/// 8-bit window of more than 2^23 elements; Code::shape if the rank is not 4, or OH or OW < 0.
/// Source: ONNX AveragePool-22.
struct AveragePool2D {
  struct Attributes {
    std::array<std::int32_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};                                        ///< {top, left, bottom, right}
    bool ceil_mode = false, count_include_pad = false;
    Clamp clamp{};
    static constexpr auto fields() {
      return Fields{field("kernel", &Attributes::kernel),
                    field("strides", &Attributes::strides),
                    field("dilations", &Attributes::dilations),
                    field("pads", &Attributes::pads),
                    field("ceil_mode", &Attributes::ceil_mode),
                    field("count_include_pad", &Attributes::count_include_pad),
                    field("clamp", &Attributes::clamp)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "AveragePool2D", .inputs = {"input"}, .outputs = {"output"}, .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {
      {{f32}, {f32}}, {{f16}, {f16}}, {{f64}, {f64}}, {{s8}, {s8}}, {{u8}, {u8}}};
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::check_clamp(a.clamp));
    LITHE_ASSIGN_OR_RETURN(const Shape output, detail::pooled_shape(a, context.shape(0)));
    if (detail::is_quantized_8bit(context.dtype(0)))
      LITHE_TRY(detail::check_quantized_mean(context, std::int64_t{a.kernel[0]} * a.kernel[1]));
    return context.output(0, output);
  }

  static RowSpan rows(const Attributes& a, const NodeInfo&, int, RowSpan output) {
    return detail::input_rows(detail::window(a, a.kernel[0], a.kernel[1]).h, output);
  }
};
static_assert(Operator<AveragePool2D> && RowStreamable<AveragePool2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::AveragePool2D> Op>
struct Kernel<Op> {
  using Attributes = ops::AveragePool2D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_pooled_type<types>(context.output().dtype,
                                               [&]<class T>() { run_as<T>(a, context); });
  }

 private:
  template <class T>
  static void run_as(const Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const index_t height = input.shape[1], width = input.shape[2], channels = input.shape[3];
    const auto window =
        ops::detail::at_strip(ops::detail::window(a, a.kernel[0], a.kernel[1]), context.strip());
    const ops::detail::Mean<T> mean(context, a.clamp);
    auto pool = [&](const ops::detail::Pixel& pixel, index_t to) {
      const index_t present = pixel.kh.count() * pixel.kw.count();
      index_t count = present;
      if (a.count_include_pad)
        count = window.h.taps(pixel.y, -window.h.before, height + window.h.after).count() *
                window.w.taps(pixel.x, -window.w.before, width + window.w.after).count();
      for (index_t c = 0; c < channels; c += ops::detail::channel_block) {
        ops::detail::SumBlock<T> sums(std::min(channels - c, ops::detail::channel_block));
        for (index_t h = pixel.kh.first; h < pixel.kh.last; ++h)
          for (index_t w = pixel.kw.first; w < pixel.kw.last; ++w) sums.add(input.row<T>(pixel.at(h, w)) + c);
        mean.store(sums, present, std::max(count, index_t{1}), context.output().row<T>(to) + c);
      }
    };
    ops::detail::for_each_pixel(window, input.shape, context.output().shape, pool);
  }
};

}  // namespace lithe::inline v0::portable
