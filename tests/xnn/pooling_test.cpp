// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lithe/xnn/average_pool2d.hpp"
#include "lithe/xnn/max_pool2d.hpp"
#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;

TEST(XnnMaxPool2D, Values) {
  const std::vector<DType> all{f32, f16, s8, u8};
  agrees<xnn::MaxPool2D>({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}}, {{2, 9, 7, 5}}, all);
  agrees<xnn::MaxPool2D>({.kernel = {2, 3}, .strides = {2, 1}, .pads = {0, 1, 1, 0}, .ceil_mode = true},
                         {{1, 10, 12, 70}}, all);
  agrees<xnn::MaxPool2D>({.kernel = {3, 3}, .strides = {3, 2}, .ceil_mode = true}, {{1, 10, 12, 7}}, all);
  agrees<xnn::MaxPool2D>({.kernel = {3, 2}, .dilations = {2, 3}}, {{1, 8, 9, 3}}, all);
  agrees<xnn::MaxPool2D>({.kernel = {2, 2}, .clamp = {-0.5f, 1.0f}}, {{1, 6, 5, 3}}, {f32, f16});
  agrees<xnn::MaxPool2D>({.kernel = {5, 5}, .pads = {4, 4, 4, 4}}, {{1, 1, 2, 16}}, all);
  agrees<xnn::MaxPool2D>({.kernel = {2, 2}, .clamp = {-0.5f, 1.0f}}, {{1, 6, 5, 3}}, {s8, u8},
                         {.quantized = Quantized::always, .same_quantization = true});
}

TEST(XnnMaxPool2D, RefusesWhatXnnpackWould) {
  const auto takes = [](const ops::MaxPool2D::Attributes& a, const Shape& out) {
    return supports<xnn::MaxPool2D>(a, {{f32, {1, 8, 8, 4}}}, {f32, out});
  };
  EXPECT_TRUE(takes({.kernel = {2, 2}}, {1, 7, 7, 4}));
  EXPECT_FALSE(takes({}, {1, 8, 8, 4})) << "one element";
  EXPECT_FALSE(takes({.kernel = {2, 2}, .strides = {3, 1}}, {1, 3, 7, 4})) << "a stride above the kernel";
  EXPECT_FALSE(takes({.kernel = {2, 2}, .pads = {2, 0, 0, 0}}, {1, 9, 7, 4})) << "a window of padding alone";
  EXPECT_FALSE(supports<xnn::MaxPool2D>({.kernel = {4, 4}}, {{f32, {1, 8, 8, 3}}}, {f32, {1, 5, 5, 3}}))
      << "pixels that are not whole vectors";
  EXPECT_FALSE(takes({.kernel = {2, 2}, .dilations = {2, 1}, .pads = {1, 0, 0, 0}}, {1, 7, 7, 4}))
      << "dilation with padding";
  EXPECT_FALSE(
      takes({.kernel = {2, 2}, .strides = {2, 2}, .dilations = {2, 1}, .ceil_mode = true}, {1, 4, 4, 4}))
      << "dilation with overhang";
}

TEST(XnnAveragePool2D, Values) {
  agrees<xnn::AveragePool2D>({.kernel = {3, 3}, .strides = {2, 2}, .clamp = {-0.3f, 0.2f}}, {{2, 9, 7, 37}},
                             {f32, f16, u8});
  agrees<xnn::AveragePool2D>({.kernel = {2, 3}, .strides = {2, 1}, .pads = {1, 1, 1, 0}}, {{1, 8, 9, 3}},
                             {f32, f16});
  agrees<xnn::AveragePool2D>(
      {.kernel = {3, 2}, .strides = {2, 2}, .pads = {1, 1, 1, 1}, .count_include_pad = true}, {{1, 8, 9, 3}},
      {u8});
  agrees<xnn::AveragePool2D>(
      {.kernel = {3, 3}, .strides = {2, 2}, .ceil_mode = true, .count_include_pad = true}, {{1, 8, 8, 3}},
      {f32, f16});
  agrees<xnn::AveragePool2D>({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}, .ceil_mode = true},
                             {{1, 8, 7, 3}}, {f32, f16});
  agrees<xnn::AveragePool2D>({.kernel = {12, 12}}, {{1, 13, 14, 5}}, {f32, f16, u8});
}

/// Top and bottom padding meet in every output row: XNNPACK would read outside of the input.
TEST(XnnAveragePool2D, RefusesPaddingThatMeets) {
  const auto takes = [](const ops::AveragePool2D::Attributes& a, const Shape& in, const Shape& out) {
    return supports<xnn::AveragePool2D>(a, {{f32, in}}, {f32, out});
  };
  EXPECT_FALSE(takes({.kernel = {5, 5}, .pads = {0, 2, 4, 2}}, {1, 2, 6, 4}, {1, 2, 6, 4}));
  EXPECT_FALSE(takes({.kernel = {7, 7}, .pads = {3, 3, 3, 3}}, {1, 3, 9, 4}, {1, 3, 9, 4}));
  EXPECT_TRUE(takes({.kernel = {7, 7}, .pads = {3, 3, 3, 3}}, {1, 6, 9, 4}, {1, 6, 9, 4}));
  EXPECT_FALSE(
      takes({.kernel = {7, 7}, .strides = {2, 2}, .pads = {3, 3, 3, 3}}, {1, 5, 9, 4}, {1, 3, 5, 4}));
}

/// Strips of one row are refused here: their padding meets.
TEST(XnnAveragePool2D, PaddingNearlyMeets) {
  const auto whole = [](const ops::AveragePool2D::Attributes& a, const Input& input) {
    agrees<xnn::AveragePool2D>(a, {input}, {f32, f16}, {.strips = false});
  };
  whole({.kernel = {5, 5}, .pads = {0, 2, 4, 2}}, {1, 4, 6, 4});
  whole({.kernel = {7, 7}, .pads = {3, 3, 3, 3}}, {1, 6, 9, 4});
  whole({.kernel = {7, 7}, .strides = {2, 2}, .pads = {3, 3, 3, 3}}, {1, 9, 9, 4});
}

TEST(XnnAveragePool2D, RefusesWhatItWouldMean) {
  const auto takes = [](const ops::AveragePool2D::Attributes& a, DType dtype = f32) {
    static constexpr float scale = 0.1f;
    static const Quantization q{.scale = &scale, .count = 1};
    return supports<xnn::AveragePool2D>(a, {{dtype, {1, 8, 8, 4}, nullptr, &q}},
                                        {dtype, {1, 4, 4, 4}, nullptr, &q});
  };
  EXPECT_TRUE(takes({.kernel = {2, 2}, .strides = {2, 2}}));
  EXPECT_TRUE(takes({.kernel = {2, 2}, .strides = {2, 2}}, u8));
  EXPECT_FALSE(takes({.kernel = {2, 2}, .strides = {2, 2}}, s8));
  EXPECT_FALSE(takes({.kernel = {2, 2}, .strides = {2, 2}, .dilations = {2, 2}}));
  EXPECT_FALSE(takes({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}, .count_include_pad = true}));
  EXPECT_FALSE(takes({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}}, u8));
  EXPECT_FALSE(takes({.kernel = {2, 2}, .strides = {2, 2}, .ceil_mode = true}, u8));
}

}  // namespace
}  // namespace lithe::test
