// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/depthwise_conv2d.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/simd/depthwise_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"
#include "tests/simd/supports_depthwise.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::DepthwiseConv2D::Attributes;
using enum DType;

class SimdDepthwise : public OnEachIsa {
 protected:
  static void depthwise_matches(const Attributes& a, const Shape& input) {
    const index_t channels = input[3];
    matches<ops::DepthwiseConv2D>(a, depthwise_reference, {input, {3, 3, channels, 1}, {channels}},
                                  {.rows = {{{f32, f32, f32}, {f32}}}});
  }
};
INSTANTIATE_TEST_SUITE_P(
    On, SimdDepthwise,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::DepthwiseConv2DOn>(simd::isa::ForFloats{})), isa_name);

TEST_P(SimdDepthwise, Values) {
  for (std::int32_t stride : {1, 2})
    for (index_t channels : {16, 33, 144})
      for (std::int32_t pad : {0, 1, 2})
        depthwise_matches({.strides = {stride, stride}, .pads = {pad, 1, pad, pad}, .clamp = {-1.5f, 2}},
                          {2, 9, 7, channels});
}

TEST_P(SimdDepthwise, FewestChannels) {
  const index_t lanes = GetParam().lanes;
  for (index_t channels = lanes; channels < 2 * lanes; ++channels)
    depthwise_matches({.pads = {1, 1, 1, 1}}, {1, 4, 3, channels});
}

TEST_P(SimdDepthwise, EveryHeightOfABand) {
  for (std::int32_t stride : {1, 2})
    for (index_t height = 3; height < 17; ++height)
      depthwise_matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {1, height, 5, 20});
}

TEST_P(SimdDepthwise, InputSmallerThanTheFilter) {
  for (std::int32_t stride : {1, 2}) {
    depthwise_matches({.strides = {stride, stride}, .pads = {2, 2, 2, 2}}, {1, 1, 1, 16});
    depthwise_matches({.strides = {stride, stride}, .pads = {5, 5, 5, 5}}, {1, 2, 1, 19});
  }
}

TEST_P(SimdDepthwise, NotANumberStays) {
  std::vector<float> input(5 * 5 * 16, 1.0f), filter(9 * 16, 1.0f), output(input.size());
  input[(2 * 5 + 2) * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
  const TensorView inputs[] = {{input.data(), f32, {1, 5, 5, 16}}, {filter.data(), f32, {3, 3, 16, 1}}};
  Tensor outputs[] = {{output.data(), f32, {1, 5, 5, 16}}};
  RunContext context(inputs, outputs, {}, nullptr);
  const Attributes attributes{.pads = {1, 1, 1, 1}, .clamp = {0, 6}};
  ASSERT_TRUE(GetParam().run(&attributes, context).ok());
  for (index_t i = 0; i < 25; ++i) {
    const index_t y = i / 5, x = i % 5;
    const bool touched = y >= 1 && y <= 3 && x >= 1 && x <= 3;
    EXPECT_EQ(std::isnan(output[static_cast<std::size_t>(i * 16 + 3)]), touched) << i;
    EXPECT_FALSE(std::isnan(output[static_cast<std::size_t>(i * 16 + 4)])) << i;
  }
}

TEST_P(SimdDepthwise, Conditions) {
  const KernelEntry& kernel = GetParam().entry;
  const Cpu all = every_feature();
  const index_t lanes = GetParam().lanes;
  for (index_t channels : {lanes, index_t{33}, index_t{512}}) {
    EXPECT_TRUE(supports_depthwise(kernel, all, {}, {3, 3, channels, 1})) << channels;
    EXPECT_TRUE(supports_depthwise(kernel, all, {.strides = {2, 2}}, {3, 3, channels, 1})) << channels;
  }
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 3, lanes - 1, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 3, 16, 2}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {5, 3, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 5, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.strides = {3, 3}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.strides = {1, 2}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.dilations = {1, 2}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.dilations = {2, 1}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 3, 16, 1}, f16));
}

TEST(SimdDepthwiseList, NeedsTheInstructionSet) {
  for (const KernelEntry& kernel : simd::DepthwiseConv2D::entries)
    EXPECT_FALSE(supports_depthwise(kernel, Cpu{}, {}, {3, 3, 16, 1})) << kernel.name;
}

TEST(SimdDepthwiseList, LeavesToXnnpackWhatItIsFasterAt) {
  const auto taken = [](std::uint32_t cache, const Attributes& a, index_t channels) {
    Cpu cpu = every_feature();
    cpu.l1d_bytes = cache;
    bool any = false;
    for (const KernelEntry& kernel : simd::FasterDepthwiseConv2D::entries)
      any = any || supports_depthwise(kernel, cpu, a, {3, 3, channels, 1});
    return any;
  };
  const bool vectors = simd::FasterDepthwiseConv2D::size > 0;
  const Attributes twos{.strides = {2, 2}};
  const std::uint32_t zen4 = 32 * 1024, zen5 = 48 * 1024;
  EXPECT_EQ(taken(zen4, {}, 512), vectors);
  EXPECT_FALSE(taken(zen5, {}, 512));
  EXPECT_EQ(taken(zen5, {}, 256), vectors);
  EXPECT_EQ(taken(zen4, twos, 128), vectors);
  EXPECT_FALSE(taken(zen4, twos, 256));
  EXPECT_FALSE(taken(zen5, twos, 128));
  EXPECT_EQ(taken(zen5, twos, 64), vectors);
}

}  // namespace
}  // namespace lithe::test
