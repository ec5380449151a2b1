// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// Finds the largest element of each window and where it lies; of equal elements the first.
///   input [N, H, W, C]    output, indices [N, OH, OW, C], OH and OW as in MaxPool2D
/// An index counts the elements of the whole input in the order [N, C, H, W], or with column_major [N, C, W,
/// H]. A window without any input gives the type's lowest value (-infinity for floats) and -1.
/// Units: kernel, strides, dilations and pads count input elements. s8 and u8: plain integers, or quantized
/// alike on both sides.
/// Errors: Code::invalid_model for an attribute out of range or quantizations that differ; Code::shape if the
/// rank is not 4, or OH or OW < 0.
/// Source: ONNX MaxPool-22 with Indices.
struct ArgmaxPool2D {
  struct Attributes {
    std::array<std::int32_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};  ///< {height, width}
    std::array<std::int32_t, 4> pads{};                                        ///< {top, left, bottom, right}
    bool ceil_mode = false, column_major = false;
    static constexpr auto fields() {
      return Fields{
          field("kernel", &Attributes::kernel),       field("strides", &Attributes::strides),
          field("dilations", &Attributes::dilations), field("pads", &Attributes::pads),
          field("ceil_mode", &Attributes::ceil_mode), field("column_major", &Attributes::column_major)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "ArgmaxPool2D",
                               .inputs = {"input"},
                               .outputs = {"output", "indices"},
                               .accuracy = Accuracy::exact};
  static constexpr TypeRow types[] = {
      {{f32}, {f32, s64}}, {{f16}, {f16, s64}}, {{f64}, {f64, s64}}, {{s8}, {s8, s64}}, {{u8}, {u8, s64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::same_scale(context, 0, 0));
    LITHE_ASSIGN_OR_RETURN(const Shape output, detail::pooled_shape(a, context.shape(0)));
    LITHE_TRY(context.output(0, output));
    return context.output(1, output);
  }
};
static_assert(Operator<ArgmaxPool2D>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::ArgmaxPool2D> Op>
struct Kernel<Op> {
  using Attributes = ops::ArgmaxPool2D::Attributes;

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_pooled_type(context.input(0).dtype,
                                        [&]<class T>() { return run_as<T>(a, context); });
  }

 private:
  template <class T>
  static Status run_as(const Attributes& a, RunContext& context) {
    const T lowest = std::is_integral_v<T> ? std::numeric_limits<T>::lowest()
                                           : static_cast<T>(-std::numeric_limits<float>::infinity());
    const TensorView& input = context.input(0);
    const Shape& s = input.shape;
    const Shape& pooled = context.output(0).shape;
    T* output = context.output(0).as<T>().data();
    std::int64_t* indices = context.output(1).as<std::int64_t>().data();
    // Steps between neighbours in the order of the indices.
    const index_t down = a.column_major ? 1 : s[2], across = a.column_major ? s[1] : 1, plane = s[1] * s[2];
    const auto pool = [&](const ops::detail::Pixel& pixel, index_t to) {
      const index_t image = to / pooled.product(1, 3);
      for (index_t c = 0; c < s[3]; ++c) {
        T best = lowest;
        index_t at = -1;
        for (index_t h = pixel.kh.first; h < pixel.kh.last; ++h)
          for (index_t w = pixel.kw.first; w < pixel.kw.last; ++w) {
            const T value = input.row<T>(pixel.at(h, w))[c];
            if (at >= 0 && !(value > best)) continue;
            if (value > best) best = value;
            const index_t y = pixel.row - image * s[1] + h * pixel.down, x = pixel.column + w * pixel.across;
            at = (image * s[3] + c) * plane + y * down + x * across;
          }
        output[to * s[3] + c] = best;
        indices[to * s[3] + c] = at;
      }
    };
    ops::detail::for_each_pixel(ops::detail::window(a, a.kernel[0], a.kernel[1]), s, pooled, pool);
    return {};
  }
};

}  // namespace lithe::inline v0::portable
