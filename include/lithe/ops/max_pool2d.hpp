// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// The largest element of each window, NaN if one is. Padding never wins; a window without any input gives
/// the type's lowest value (-infinity for floats).
///   input [N, H, W, C]    output [N, OH, OW, C]
///   OH = (H + top + bottom - (KH - 1) * dilation - 1) / stride + 1, and so OW; ceil_mode rounds the quotient
///   up unless the last window would start after the input and its leading padding
/// Units: kernel, strides, dilations and pads count input elements; clamp is in real units. s8 and u8: plain
/// integers, or quantized per tensor with the same scale and zero point on both sides.
/// Errors: Code::invalid_model for an attribute out of range or quantizations that differ; Code::shape if the
/// rank is not 4, or OH or OW < 0.
/// Source: ONNX MaxPool-22 without Indices.
struct MaxPool2D {
  struct Attributes {
    std::array<std::int32_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};                                        ///< {top, left, bottom, right}
    bool ceil_mode = false;
    Clamp clamp{};
    static constexpr auto fields() {
      return Fields{field("kernel", &Attributes::kernel),       field("strides", &Attributes::strides),
                    field("dilations", &Attributes::dilations), field("pads", &Attributes::pads),
                    field("ceil_mode", &Attributes::ceil_mode), field("clamp", &Attributes::clamp)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{
      .name = "MaxPool2D", .inputs = {"input"}, .outputs = {"output"}, .accuracy = Accuracy::exact};
  static constexpr TypeRow types[] = {
      {{f32}, {f32}}, {{f16}, {f16}}, {{f64}, {f64}}, {{s8}, {s8}}, {{u8}, {u8}}};
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  static Movement movement(const Attributes& a) {
    return a.clamp.active() ? Movement::computes : Movement::picks;
  }

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::check_clamp(a.clamp));
    LITHE_ASSIGN_OR_RETURN(const Shape output, detail::pooled_shape(a, context.shape(0)));
    const Quantization* in = context.quantization(0);
    const Quantization* out = context.output_quantization();
    if (detail::is_quantized_8bit(context.dtype(0)) && (in != nullptr || out != nullptr)) {
      LITHE_TRY(detail::check_activation(in, context.dtype(0)));
      LITHE_TRY(detail::check_activation(out, context.output_dtype()));
      if (in->scale_at(0) != out->scale_at(0) || in->zero_point_at(0) != out->zero_point_at(0))
        return {Code::invalid_model, "the output must be quantized as the input is"};
    }
    return context.output(0, output);
  }

  static RowSpan rows(const Attributes& a, const NodeInfo&, int, RowSpan output) {
    return detail::input_rows(detail::window(a, a.kernel[0], a.kernel[1]).h, output);
  }
};
static_assert(Operator<MaxPool2D> && RowStreamable<MaxPool2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::MaxPool2D> Op>
struct Kernel<Op> {
  using Attributes = ops::MaxPool2D::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_pooled_type<types>(context.output().dtype, [&]<class T>() {
      if constexpr (!std::is_integral_v<T>)
        return run_as<T>(a, context, static_cast<T>(a.clamp.min), static_cast<T>(a.clamp.max));
      else {
        const Quantization* q = context.output().quantization;
        const auto range = ops::detail::quantized_range<T>(a.clamp, q == nullptr ? 1.0f : q->scale_at(0),
                                                           q == nullptr ? 0 : q->zero_point_at(0));
        return run_as<T>(a, context, static_cast<T>(range.min), static_cast<T>(range.max));
      }
    });
  }

 private:
  /// NaN is larger than any number.
  template <class T>
  static bool larger(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return a > b;
    else
      return a > b || a != a;
  }
  template <class T>
  static Status run_as(const Attributes& a, RunContext& context, T min, T max) {
    constexpr index_t block = 64;
    using Limits = std::numeric_limits<T>;
    const T lowest =
        std::is_integral_v<T> ? Limits::lowest() : static_cast<T>(-std::numeric_limits<float>::infinity());
    const TensorView& input = context.input(0);
    const index_t channels = input.shape[3];
    const auto window =
        ops::detail::at_strip(ops::detail::window(a, a.kernel[0], a.kernel[1]), context.strip());
    auto pool = [&](const ops::detail::Pixel& pixel, index_t to) {
      T best[block];
      for (index_t c = 0; c < channels; c += block) {
        const index_t count = std::min(channels - c, block);
        for (index_t i = 0; i < count; ++i) best[i] = lowest;
        for (index_t h = pixel.kh.first; h < pixel.kh.last; ++h)
          for (index_t w = pixel.kw.first; w < pixel.kw.last; ++w) {
            const T* from = input.row<T>(pixel.at(h, w)) + c;
            for (index_t i = 0; i < count; ++i) best[i] = larger(from[i], best[i]) ? from[i] : best[i];
          }
        T* out = context.output().row<T>(to) + c;
        for (index_t i = 0; i < count; ++i) out[i] = best[i] < min ? min : best[i] > max ? max : best[i];
      }
    };
    ops::detail::for_each_pixel(window, input.shape, context.output().shape, pool);
    return {};
  }
};

}  // namespace lithe::inline v0::portable
