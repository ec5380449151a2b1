// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/wide_depthwise_conv2d.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/threads.hpp"
#include "tests/simd/depthwise_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::DepthwiseConv2D::Attributes;
using enum DType;

class SimdWideDepthwise : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cpu().avx512) GTEST_SKIP() << "the processor has no AVX-512";
  }
  void matches(const Attributes& a, const std::vector<Input>& inputs) {
    const Threads two(2);
    OpTest<ops::DepthwiseConv2D> op{a};
    op.on({cpu(), {ThreadPool{}, two.pool()}})
        .kernel<simd::WideDepthwiseConv2D>({f32})
        .matches(depthwise_reference, inputs, {.rows = {{{f32, f32, f32}, {f32}}}});
  }
};

TEST_F(SimdWideDepthwise, Values) {
  for (std::int32_t stride : {1, 2})
    for (index_t channels : {16, 33, 144})
      for (std::int32_t pad : {0, 1, 2})
        matches({.strides = {stride, stride}, .pads = {pad, 1, pad, pad}, .clamp = {-1.5f, 2}},
                {{2, 9, 7, channels}, {3, 3, channels, 1}, {channels}});
}

TEST_F(SimdWideDepthwise, EveryHeightOfABand) {
  for (std::int32_t stride : {1, 2})
    for (index_t height = 3; height < 17; ++height)
      matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {{1, height, 5, 20}, {3, 3, 20, 1}, {20}});
}

TEST_F(SimdWideDepthwise, InputSmallerThanTheFilter) {
  for (std::int32_t stride : {1, 2}) {
    matches({.strides = {stride, stride}, .pads = {2, 2, 2, 2}}, {{1, 1, 1, 16}, {3, 3, 16, 1}, {16}});
    matches({.strides = {stride, stride}, .pads = {5, 5, 5, 5}}, {{1, 2, 1, 19}, {3, 3, 19, 1}, {19}});
  }
}

TEST_F(SimdWideDepthwise, NotANumberStays) {
  std::vector<float> input(5 * 5 * 16, 1.0f), filter(9 * 16, 1.0f), output(input.size());
  input[(2 * 5 + 2) * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
  const TensorView inputs[] = {{input.data(), f32, {1, 5, 5, 16}}, {filter.data(), f32, {3, 3, 16, 1}}};
  Tensor outputs[] = {{output.data(), f32, {1, 5, 5, 16}}};
  RunContext context(inputs, outputs, {}, nullptr);
  ASSERT_TRUE(simd::WideDepthwiseConv2D::run({.pads = {1, 1, 1, 1}, .clamp = {0, 6}}, context).ok());
  for (index_t i = 0; i < 25; ++i) {
    const index_t y = i / 5, x = i % 5;
    const bool touched = y >= 1 && y <= 3 && x >= 1 && x <= 3;
    EXPECT_EQ(std::isnan(output[static_cast<std::size_t>(i * 16 + 3)]), touched) << i;
    EXPECT_FALSE(std::isnan(output[static_cast<std::size_t>(i * 16 + 4)])) << i;
  }
}

TEST(SimdWideDepthwiseConditions, Conditions) {
  const auto supports = [](const Cpu& cpu, const Attributes& a, const Shape& filter, DType dtype = f32) {
    const ValueInfo inputs[] = {{dtype, {1, 8, 8, filter[2]}}, {dtype, filter}},
                    outputs[] = {{dtype, {1, 8, 8, filter[2]}}};
    return simd::WideDepthwiseConv2D::supports(a, {inputs, outputs, &cpu});
  };
  Cpu wide;
  wide.avx512 = true;
#if defined(__x86_64__)
  EXPECT_TRUE(supports(wide, {}, {3, 3, 16, 1}));
  EXPECT_TRUE(supports(wide, {}, {3, 3, 256, 1}));
  EXPECT_TRUE(supports(wide, {.strides = {2, 2}}, {3, 3, 64, 1}));
#endif
  EXPECT_FALSE(supports(Cpu{}, {}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(wide, {}, {3, 3, 512, 1})) << "XNNPACK is faster there";
  EXPECT_FALSE(supports(wide, {.strides = {2, 2}}, {3, 3, 256, 1})) << "XNNPACK is faster there";
  EXPECT_FALSE(supports(wide, {}, {3, 3, 16, 2}));
  EXPECT_FALSE(supports(wide, {}, {5, 3, 16, 1}));
  EXPECT_FALSE(supports(wide, {}, {3, 5, 16, 1}));
  EXPECT_FALSE(supports(wide, {}, {3, 3, 15, 1}));
  EXPECT_FALSE(supports(wide, {.strides = {3, 3}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(wide, {.strides = {1, 2}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(wide, {.dilations = {1, 2}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(wide, {}, {3, 3, 16, 1}, f16));
}

}  // namespace
}  // namespace lithe::test
