// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "lithe/core/kernel.hpp"

/// An operator that lithe does not have, in a namespace of the application.
namespace example {

/// Each element becomes the median of the `width` elements around it in its row; beyond the ends the last one
/// repeats.
///   input [..., N]    output [..., N]
/// Errors: lithe::Code::invalid_model for a width that is even or outside of 1..15.
struct MedianFilter {
  struct Attributes {
    std::int32_t width = 3;
    static constexpr auto fields() { return lithe::Fields{lithe::field("width", &Attributes::width)}; }
  };
  static constexpr lithe::OpSpec spec{
      .name = "example::MedianFilter", .inputs = {"input"}, .outputs = {"output"}};
  static constexpr lithe::TypeRow types[] = {{{lithe::DType::f32}, {lithe::DType::f32}}};

  static lithe::Status infer(const Attributes& a, lithe::InferContext& context) {
    if (a.width < 1 || a.width > 15 || a.width % 2 == 0)
      return {lithe::Code::invalid_model, "width must be odd and at most 15"};
    return context.output(0, context.shape(0));
  }
};
static_assert(lithe::Operator<MedianFilter>);

struct MedianFilterKernel {
  using Op = MedianFilter;
  static constexpr const char* name = "example";

  static lithe::Status run(const Op::Attributes& a, lithe::RunContext& context) {
    const lithe::Shape& shape = context.input(0).shape;
    const lithe::index_t n = shape.back(), half = a.width / 2;
    std::array<float, 15> window{};
    for (lithe::index_t row = 0; row < shape.rows(); ++row) {
      const float* in = context.input(0).row<float>(row);
      float* out = context.output().row<float>(row);
      for (lithe::index_t i = 0; i < n; ++i) {
        for (lithe::index_t k = 0; k < a.width; ++k)
          window[static_cast<std::size_t>(k)] = in[std::clamp<lithe::index_t>(i + k - half, 0, n - 1)];
        std::nth_element(window.begin(), window.begin() + half, window.begin() + a.width);
        out[i] = window[static_cast<std::size_t>(half)];
      }
    }
    return {};
  }
};

}  // namespace example
