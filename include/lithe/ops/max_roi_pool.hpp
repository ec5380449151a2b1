// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// Cuts regions of images into bins and takes the largest element of each; an empty bin is 0.
///   input [N, H, W, C]    regions [R, 5]: image, x1, y1, x2, y2    output [R, OH, OW, C]
/// Units: spatial_scale turns the regions' units into input elements, which are rounded; both ends belong to
/// the region.
/// Errors: Code::invalid_model for an attribute out of range; Code::shape for ranks or sizes that do not fit;
/// Code::out_of_range from run for an image outside of the input, or a region that is not finite.
/// Source: ONNX MaxRoiPool-22, channels last.
struct MaxRoiPool {
  struct Attributes {
    std::int32_t output_height = 1, output_width = 1;
    float spatial_scale = 1;
    static constexpr auto fields() {
      return Fields{field("output_height", &Attributes::output_height),
                    field("output_width", &Attributes::output_width),
                    field("spatial_scale", &Attributes::spatial_scale)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "MaxRoiPool", .inputs = {"input", "regions"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {
      {{f32, f32}, {f32}}, {{f16, f16}, {f16}}, {{bf16, bf16}, {bf16}}, {{f64, f64}, {f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    if (a.output_height < 1 || a.output_width < 1)
      return {Code::invalid_model, "MaxRoiPool has an output size below 1"};
    if (!std::isfinite(a.spatial_scale))
      return {Code::invalid_model, "MaxRoiPool's spatial_scale is not finite"};
    const Shape &input = context.shape(0), &regions = context.shape(1);
    if (input.rank() != 4) return {Code::shape, "the input of a MaxRoiPool must be [N, H, W, C]"};
    if (regions.rank() != 2 || regions[1] != 5) return {Code::shape, "regions must be [R, 5]"};
    return context.output(0, {regions[0], a.output_height, a.output_width, input[3]});
  }
};
static_assert(Operator<MaxRoiPool>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::MaxRoiPool> Op>
struct Kernel<Op> {
  using Attributes = ops::MaxRoiPool::Attributes;

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_float_type(context.input(0).dtype,
                                       [&]<class T>() { return pool<T>(a, context); });
  }

 private:
  /// The elements of one bin along one axis.
  struct Bin {
    index_t first, last;
  };
  static Bin bin(double low, double high, index_t number, index_t count, index_t size) {
    const double start = std::round(low), length = std::max(std::round(high) - start + 1, 1.0);
    const double each = length / static_cast<double>(count), limit = static_cast<double>(size);
    const auto inside = [&](double at) { return static_cast<index_t>(std::clamp(at + start, 0.0, limit)); };
    return {inside(std::floor(static_cast<double>(number) * each)),
            inside(std::ceil(static_cast<double>(number + 1) * each))};
  }

  template <class T>
  static Status pool(const Attributes& a, RunContext& context) {
    const Shape& shape = context.input(0).shape;
    const index_t count = context.output().shape[0], channels = shape[3],
                  taken = index_t{a.output_height} * a.output_width * channels;
    const auto* regions = static_cast<const T*>(context.input(1).data);
    const auto number = [&](index_t r, int i) { return static_cast<double>(regions[r * 5 + i]); };
    for (index_t r = 0; r < count; ++r) {
      bool good = number(r, 0) >= 0 && number(r, 0) < static_cast<double>(shape[0]);
      for (int i = 1; i < 5; ++i) good = good && std::isfinite(number(r, i));
      if (!good) return {Code::out_of_range, "a region of a MaxRoiPool lies in no image, or is not finite"};
    }
    ops::detail::in_parallel(context.threads(), count, [&](index_t r) {
      const T* from = static_cast<const T*>(context.input(0).data) +
                      static_cast<index_t>(number(r, 0)) * shape[1] * shape[2] * channels;
      T* to = static_cast<T*>(context.output().data) + r * taken;
      const auto scaled = [&](int i) { return number(r, i) * static_cast<double>(a.spatial_scale); };
      for (index_t h = 0; h < a.output_height; ++h)
        for (index_t w = 0; w < a.output_width; ++w, to += channels) {
          const Bin y = bin(scaled(2), scaled(4), h, a.output_height, shape[1]),
                    x = bin(scaled(1), scaled(3), w, a.output_width, shape[2]);
          largest(from, to, y, x, shape[2], channels);
        }
    });
    return {};
  }
  template <class T>
  static void largest(const T* from, T* to, Bin y, Bin x, index_t width, index_t channels) {
    if (y.first >= y.last || x.first >= x.last)
      return (void)std::fill(to, to + channels, static_cast<T>(0.0f));
    std::copy_n(from + (y.first * width + x.first) * channels, channels, to);
    for (index_t i = y.first; i < y.last; ++i)
      for (index_t j = x.first; j < x.last; ++j) {
        const T* at = from + (i * width + j) * channels;
        for (index_t c = 0; c < channels; ++c) to[c] = to[c] < at[c] ? at[c] : to[c];
      }
  }
};

}  // namespace lithe::inline v0::portable
