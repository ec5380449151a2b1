// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/depthwise_conv2d.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::DepthwiseConv2D;
using Attributes = DepthwiseConv2D::Attributes;

ReferenceTensor reference_depthwise(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape &x = in[0].shape, &f = in[1].shape;
  const auto size = [&](int axis) {
    const auto i = static_cast<std::size_t>(axis);
    return (x[axis + 1] + a.pads[i] + a.pads[i + 2] - (f[axis] - 1) * a.dilations[i] - 1) / a.strides[i] + 1;
  };
  ReferenceTensor out(Shape{x[0], size(0), size(1), f[2] * f[3]});
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    const auto at = out.index_of(i);
    double sum = in.size() > 2 && !in[2].empty() ? in[2].at(at[3]) : 0;
    for (index_t h = 0; h < f[0]; ++h)
      for (index_t w = 0; w < f[1]; ++w) {
        const index_t y = at[1] * a.strides[0] - a.pads[0] + h * a.dilations[0];
        const index_t z = at[2] * a.strides[1] - a.pads[1] + w * a.dilations[1];
        if (y < 0 || y >= x[1] || z < 0 || z >= x[2]) continue;
        sum += in[0].at(at[0], y, z, at[3] / f[3]) * in[1].at(h, w, at[3] / f[3], at[3] % f[3]);
      }
    out[i] = std::clamp<double>(sum, a.clamp.min, a.clamp.max);
  }
  return out;
}

/// A filter with a scale per output channel where it is quantized.
Input filter(index_t h, index_t w, index_t c, index_t m) { return Input{h, w, c, m}.per_channel(2, c * m); }

TEST(DepthwiseConv2D, Shapes) {
  EXPECT_EQ(
      OpTest<DepthwiseConv2D>({.strides = {2, 1}, .pads = {1, 1, 1, 1}}).infer({{1, 9, 7, 8}, {3, 3, 8, 1}}),
      (Shape{1, 5, 7, 8}));
  EXPECT_EQ(OpTest<DepthwiseConv2D>().infer({{2, 9, 7, 8}, {3, 2, 8, 3}, {24}}), (Shape{2, 7, 6, 24}));
  EXPECT_EQ(OpTest<DepthwiseConv2D>().infer({{0, 9, 7, 8}, {3, 2, 8, 0}}), (Shape{0, 7, 6, 0}));
}

TEST(DepthwiseConv2D, Refusals) {
  OpTest<DepthwiseConv2D>().refuses({{{{1, 8, 8, 4}, {3, 3, 3, 1}}, Code::shape},
                                     {{{8, 8, 4}, {3, 3, 4, 1}}, Code::shape},
                                     {{{1, 8, 8, 4}, {3, 3, 4}}, Code::shape},
                                     {{{1, 8, 8, 4}, {3, 3, 4, 2}, {4}}, Code::shape},
                                     {{{1, 8, 8, 4}, {3, 0, 4, 2}}, Code::invalid_model},
                                     {{{1, 8, 1, 4}, {3, 3, 4, 2}}, Code::shape},
                                     {{{1, 8, 8, 65536}, {3, 3, 65536, 65536}}, Code::shape}});
  const std::int32_t huge = std::numeric_limits<std::int32_t>::max();
  for (const Attributes& bad : {Attributes{.strides = {0, 1}},
                                {.strides = {1, huge}},
                                {.dilations = {-1, 1}},
                                {.dilations = {huge, huge}},
                                {.pads = {0, -1, 0, 0}},
                                {.pads = {huge, huge, huge, huge}},
                                {.clamp = {2, 1}}})
    EXPECT_EQ(OpTest<DepthwiseConv2D>(bad).infer({{1, 8, 8, 4}, {3, 3, 4, 1}}).code(), Code::invalid_model);
}

TEST(DepthwiseConv2D, QuantizationRefusals) {
  using enum DType;
  const auto input = [] { return Input{1, 4, 4, 2}.as(s8); };
  const auto weights = [] { return Input{1, 1, 2, 3}.as(s8); };
  OpTest<DepthwiseConv2D>().refuses(
      {{{input(), weights()}, Code::invalid_model},
       {{input().quantized(0.1f, 0), weights().quantized(-0.1f, 0)}, Code::invalid_model},
       {{input().quantized(0.1f, 0), weights().quantized(0.1f, -1)}, Code::unsupported}});
}

TEST(DepthwiseConv2D, Values) {
  OpTest<DepthwiseConv2D>({.pads = {1, 1, 1, 1}})
      .matches(reference_depthwise, {{1, 9, 7, 37}, filter(3, 3, 37, 1), {37}});
  OpTest<DepthwiseConv2D>({.strides = {2, 2}, .pads = {0, 0, 1, 1}})
      .matches(reference_depthwise, {{2, 8, 7, 4}, filter(3, 3, 4, 1)});
  OpTest<DepthwiseConv2D>({.dilations = {3, 2}, .pads = {3, 1, 2, 4}, .clamp = {-1, 2}})
      .matches(reference_depthwise, {{1, 9, 8, 5}, filter(3, 2, 5, 1), {5}});
  OpTest<DepthwiseConv2D>({.pads = {1, 1, 1, 1}})
      .matches(reference_depthwise, {{1, 5, 5, 3}, filter(3, 3, 3, 2), {6}});
  OpTest<DepthwiseConv2D>().matches(reference_depthwise, {{1, 5, 4, 2}, filter(2, 2, 2, 40), {80}});
}

TEST(DepthwiseConv2D, Edges) {
  OpTest<DepthwiseConv2D>({.pads = {5, 5, 5, 5}})
      .matches(reference_depthwise, {{1, 2, 2, 3}, filter(2, 3, 3, 1), {3}});
  OpTest<DepthwiseConv2D>().matches(reference_depthwise, {{0, 4, 4, 2}, filter(3, 3, 2, 1)});
  OpTest<DepthwiseConv2D>().matches(reference_depthwise,
                                    {Input{1, 4, 4, 6}, Input{3, 3, 6, 1}.per_tensor(), Input{6}});
}

}  // namespace
}  // namespace lithe::test
