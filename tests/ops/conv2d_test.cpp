// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/conv2d.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::Conv2D;
using Attributes = Conv2D::Attributes;

ReferenceTensor reference_conv2d(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape &x = in[0].shape, &f = in[1].shape;
  const auto size = [&](int axis) {
    const auto i = static_cast<std::size_t>(axis);
    return (x[axis + 1] + a.pads[i] + a.pads[i + 2] - (f[axis + 1] - 1) * a.dilations[i] - 1) / a.strides[i] +
           1;
  };
  ReferenceTensor out(Shape{x[0], size(0), size(1), f[0]});
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    const auto at = out.index_of(i);
    const index_t first_channel = at[3] / (f[0] / a.group) * f[3];
    double sum = in.size() > 2 && !in[2].empty() ? in[2].at(at[3]) : 0;
    for (index_t h = 0; h < f[1]; ++h)
      for (index_t w = 0; w < f[2]; ++w)
        for (index_t c = 0; c < f[3]; ++c) {
          const index_t y = at[1] * a.strides[0] - a.pads[0] + h * a.dilations[0];
          const index_t z = at[2] * a.strides[1] - a.pads[1] + w * a.dilations[1];
          if (y < 0 || y >= x[1] || z < 0 || z >= x[2]) continue;
          sum += in[0].at(at[0], y, z, first_channel + c) * in[1].at(at[3], h, w, c);
        }
    out[i] = std::clamp<double>(sum, a.clamp.min, a.clamp.max);
  }
  return out;
}

TEST(Conv2D, Shapes) {
  OpTest<Conv2D> op{{.strides = {2, 2}, .pads = {1, 1, 1, 1}}};
  EXPECT_EQ(op.infer({{1, 224, 224, 3}, {32, 3, 3, 3}}), (Shape{1, 112, 112, 32}));
  EXPECT_EQ(op.infer({{0, 5, 5, 3}, {32, 3, 3, 3}, {32}}), (Shape{0, 3, 3, 32}));
  EXPECT_EQ(OpTest<Conv2D>({.dilations = {2, 3}}).infer({{2, 9, 9, 3}, {4, 3, 2, 3}}), (Shape{2, 5, 6, 4}));
  EXPECT_EQ(OpTest<Conv2D>({.pads = {0, 1, 2, 3}, .group = 2}).infer({{1, 4, 4, 6}, {8, 1, 1, 3}}),
            (Shape{1, 6, 8, 8}));
  EXPECT_EQ(OpTest<Conv2D>().infer({{1, 2, 4, 3}, {4, 3, 3, 3}}), (Shape{1, 0, 2, 4}));
}

TEST(Conv2D, Refusals) {
  OpTest<Conv2D>().refuses({{{{1, 8, 8, 4}, {32, 3, 3, 3}}, Code::shape},
                            {{{8, 8, 4}, {32, 3, 3, 4}}, Code::shape},
                            {{{1, 8, 8, 4}, {32, 3, 4}}, Code::shape},
                            {{{1, 8, 8, 4}, {32, 3, 3, 4}, {31}}, Code::shape},
                            {{{1, 8, 8, 4}, {32, 3, 3, 4}, {1, 32}}, Code::shape},
                            {{{1, 8, 8, 4}, {32, 0, 3, 4}}, Code::invalid_model},
                            {{{1, 1, 8, 4}, {32, 3, 3, 4}}, Code::shape},
                            {{{60000, 60000, 1, 1}, {60000, 1, 1, 1}}, Code::out_of_memory}});
  const std::vector<Input> fitting{{1, 8, 8, 4}, {6, 3, 3, 2}};
  const std::int32_t huge = std::numeric_limits<std::int32_t>::max(),
                     lowest = std::numeric_limits<std::int32_t>::min();
  const float nan = std::nanf("");
  for (const Attributes& bad : {Attributes{.strides = {0, 1}, .group = 2},
                                {.strides = {1, -1}, .group = 2},
                                {.strides = {huge, 1}, .group = 2},
                                {.dilations = {0, 1}, .group = 2},
                                {.dilations = {1, lowest}, .group = 2},
                                {.dilations = {1, huge}, .group = 2},
                                {.pads = {-1, 0, 0, 0}, .group = 2},
                                {.pads = {0, 0, 0, huge}, .group = 2},
                                {.pads = {0, 0, lowest, 0}, .group = 2},
                                {.group = 0},
                                {.group = -2},
                                {.group = 2, .clamp = {1, 0}},
                                {.group = 2, .clamp = {nan, 0}}})
    EXPECT_EQ(OpTest<Conv2D>(bad).infer(fitting).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<Conv2D>({.group = 2}).infer(fitting), (Shape{1, 6, 6, 6}));
  EXPECT_EQ(OpTest<Conv2D>({.group = 4}).infer(fitting).code(), Code::shape);
  EXPECT_EQ(OpTest<Conv2D>({.group = 2}).infer({{1, 8, 8, 4}, {7, 3, 3, 2}}).code(), Code::shape);
  EXPECT_EQ(OpTest<Conv2D>({.dilations = {1 << 20, 1}}).infer({{1, 8, 8, 4}, {6, 1 << 20, 1, 4}}).code(),
            Code::shape);
}

TEST(Conv2D, QuantizationRefusals) {
  using enum DType;
  const auto input = [] { return Input{1, 4, 4, 2}.as(s8); };
  const auto filter = [] { return Input{3, 1, 1, 2}.as(s8); };
  OpTest<Conv2D>().refuses(
      {{{input(), filter()}, Code::invalid_model},
       {{input().quantized(0.1f, 0), filter()}, Code::invalid_model},
       {{input().quantized(0.1f, 128), filter().quantized(0.1f, 0)}, Code::invalid_model},
       {{input().quantized(0.0f, 0), filter().quantized(0.1f, 0)}, Code::invalid_model},
       {{input().quantized(0.1f, 0), filter().quantized(INFINITY, 0)}, Code::invalid_model},
       {{input().quantized(0.1f, 0), filter().quantized(0.1f, 3)}, Code::unsupported},
       {{input().quantized(0.1f, 0), filter().quantized(0.1f, 0)}, Code::invalid_model}});
}

TEST(Conv2D, Values) {
  OpTest<Conv2D>({.strides = {2, 2}, .pads = {1, 1, 1, 1}})
      .matches(reference_conv2d, {{1, 9, 7, 3}, {5, 3, 3, 3}, {5}});
  OpTest<Conv2D>().matches(reference_conv2d, {{2, 5, 6, 9}, {7, 1, 1, 9}});
  OpTest<Conv2D>({.strides = {1, 2}, .dilations = {2, 3}, .pads = {3, 0, 1, 4}})
      .matches(reference_conv2d, {{2, 8, 9, 4}, {3, 3, 2, 4}, {3}});
  OpTest<Conv2D>({.pads = {1, 2, 1, 2}, .group = 3})
      .matches(reference_conv2d, {{1, 6, 6, 6}, {9, 3, 5, 2}, {9}});
  OpTest<Conv2D>({.pads = {1, 1, 1, 1}, .clamp = {-1.5f, 0.75f}})
      .matches(reference_conv2d, {{1, 5, 4, 5}, {4, 3, 3, 5}, {4}});
}

TEST(Conv2D, Edges) {
  OpTest<Conv2D>({.pads = {4, 4, 4, 4}}).matches(reference_conv2d, {{1, 2, 3, 2}, {3, 3, 2, 2}, {3}});
  OpTest<Conv2D>().matches(reference_conv2d, {{0, 4, 4, 2}, {3, 3, 3, 2}});
  OpTest<Conv2D>().matches(reference_conv2d, {{1, 4, 4, 2}, Input{0, 3, 3, 2}.per_tensor()});
  OpTest<Conv2D>().matches(reference_conv2d, {{1, 3, 3, 0}, {2, 3, 3, 0}, {2}},
                           {.rows = {{{DType::f32, DType::f32, DType::f32}, {DType::f32}}}});
  OpTest<Conv2D>().matches(reference_conv2d, {Input{1, 6, 5, 3}, Input{4, 3, 3, 3}.per_tensor(), Input{4}});
  OpTest<Conv2D>({.pads = {0, 1, 1, 0}})
      .matches(reference_conv2d,
               {Input{1, 4, 4, 3}.as(DType::u8), Input{4, 2, 2, 3}.as(DType::u8).per_channel(0), Input{4}});
}

/// Half steps go to the even step before an odd zero point is added.
TEST(Conv2D, RoundsToNearestEven) {
  std::vector<double> steps;
  for (int i = -40; i < 40; ++i) steps.push_back(i);
  const auto rounded = [](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out = reference_conv2d(a, in);
    for (double& v : out.values) v = std::nearbyint(v);
    return out;
  };
  OpTest<Conv2D>().matches(rounded,
                           {Input::values({1, 8, 10, 1}, steps).as(DType::s8).quantized(1.0f, 0),
                            Input::values({1, 1, 1, 1}, {0.5}).as(DType::s8).quantized(0.5f, 0)},
                           {.steps = 0, .output_quantization = {{1.0f, 3}}});
}

/// Accumulators beyond 32 bits wrap, as they do in XNNPACK.
TEST(Conv2D, AccumulatorWraps) {
  const auto wrapped = [](const Attributes&, const std::vector<ReferenceTensor>&) {
    return ReferenceTensor(Shape{1, 1, 1, 1}, {-128});
  };
  OpTest<Conv2D>().matches(wrapped,
                           {Input::values({1, 1, 1, 1}, {127}).as(DType::s8).quantized(1.0f, 0),
                            Input::values({1, 1, 1, 1}, {127}).as(DType::s8).quantized(1.0f, 0),
                            Input::values({1}, {2147483647}).as(DType::s32).quantized(1.0f, 0)},
                           {.steps = 0, .output_quantization = {{1.0f, 0}}});
}

TEST(Requantizer, AgreesWithTheFormula) {
  for (const std::int32_t zero_point : {-128, -1, 0, 5, 127})
    for (const float scale : {0x1p-24f, 0.00037f, 0.5f, 1.0f, 3.7f, 255.0f}) {
      const ops::detail::Requantizer<std::int8_t> requantize({-9.5f, 100.25f}, 0.5f, zero_point);
      const auto stored = [&](double real) {
        return std::clamp(std::nearbyint(real / 0.5) + zero_point, -128.0, 127.0);
      };
      for (std::int64_t acc = -100000; acc <= 100000; acc += 37) {
        const float steps = static_cast<float>(acc) * scale;
        const double wanted =
            std::clamp(std::nearbyint(static_cast<double>(steps)) + zero_point, stored(-9.5), stored(100.25));
        ASSERT_EQ(requantize(static_cast<std::int32_t>(acc), scale), static_cast<std::int8_t>(wanted))
            << acc << ' ' << scale;
      }
      EXPECT_EQ(requantize(std::numeric_limits<std::int32_t>::max(), 3e38f),
                static_cast<std::int8_t>(stored(100.25)));
    }
}

}  // namespace
}  // namespace lithe::test
