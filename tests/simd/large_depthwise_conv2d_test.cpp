// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/large_depthwise_conv2d.hpp"

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

class SimdLargeDepthwise : public OnEachIsa {
 protected:
  /// `filter` is {KH, KW}.
  static void depthwise_matches(const Attributes& a, const Shape& input, const Shape& filter) {
    const index_t channels = input[3];
    matches<ops::DepthwiseConv2D>(a, depthwise_reference,
                                  {input, {filter[0], filter[1], channels, 1}, {channels}},
                                  {.rows = {{{f32, f32, f32}, {f32}}}});
  }
};
INSTANTIATE_TEST_SUITE_P(
    On, SimdLargeDepthwise,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::LargeDepthwiseConv2DOn>(simd::isa::ForFloats{})),
    isa_name);

TEST_P(SimdLargeDepthwise, Filters) {
  for (const Shape& filter : {Shape{5, 5}, Shape{7, 7}, Shape{8, 8}, Shape{1, 9}, Shape{9, 1}, Shape{3, 5}})
    for (std::int32_t stride : {1, 2, 3})
      depthwise_matches({.strides = {stride, stride}, .pads = {2, 3, 1, 2}, .clamp = {-1.5f, 2}},
                        {2, 11, 12, 33}, filter);
}

TEST_P(SimdLargeDepthwise, EveryWidthOfATile) {
  for (index_t width = 5; width < 21; ++width) {
    depthwise_matches({.pads = {2, 2, 2, 2}}, {1, 3, width, 16}, {5, 5});
    depthwise_matches({}, {1, 6, width, 16}, {5, 5});
  }
}

TEST_P(SimdLargeDepthwise, EveryHeightOfABand) {
  for (index_t height = 5; height < 20; ++height)
    depthwise_matches({.pads = {2, 2, 2, 2}}, {1, height, 5, 16}, {5, 5});
}

TEST_P(SimdLargeDepthwise, StridesBeyondTheFilter) {
  depthwise_matches({.strides = {5, 4}, .pads = {1, 1, 1, 1}}, {1, 19, 17, 16}, {3, 3});
  depthwise_matches({.strides = {1, 3}}, {1, 5, 40, 16}, {2, 2});
}

TEST_P(SimdLargeDepthwise, InputSmallerThanTheFilter) {
  depthwise_matches({.pads = {3, 3, 3, 3}}, {1, 1, 1, 16}, {7, 7});
  depthwise_matches({.strides = {2, 2}, .pads = {9, 9, 9, 9}}, {1, 2, 1, 19}, {5, 5});
}

TEST_P(SimdLargeDepthwise, FewestChannels) {
  const index_t lanes = GetParam().lanes;
  for (index_t channels = lanes; channels < 2 * lanes; ++channels)
    depthwise_matches({.pads = {2, 2, 2, 2}}, {1, 4, 3, channels}, {5, 5});
}

TEST_P(SimdLargeDepthwise, InfinityTouchesItsWindowAlone) {
  constexpr index_t size = 13;
  std::vector<float> input(size * size * 16, 1.0f), filter(25 * 16, 1.0f), output(input.size());
  input[(6 * size + 6) * 16 + 3] = std::numeric_limits<float>::infinity();
  const TensorView inputs[] = {{input.data(), f32, {1, size, size, 16}}, {filter.data(), f32, {5, 5, 16, 1}}};
  Tensor outputs[] = {{output.data(), f32, {1, size, size, 16}}};
  RunContext context(inputs, outputs, {}, nullptr);
  const Attributes attributes{.pads = {2, 2, 2, 2}};
  ASSERT_TRUE(GetParam().run(&attributes, context).ok());
  for (index_t i = 0; i < size * size; ++i) {
    const index_t y = i / size, x = i % size;
    const bool touched = y >= 4 && y <= 8 && x >= 4 && x <= 8;
    EXPECT_EQ(std::isinf(output[static_cast<std::size_t>(i * 16 + 3)]), touched) << i;
    EXPECT_TRUE(std::isfinite(output[static_cast<std::size_t>(i * 16 + 4)])) << i;
  }
}

TEST_P(SimdLargeDepthwise, Conditions) {
  const KernelEntry& kernel = GetParam().entry;
  const Cpu all = every_feature();
  EXPECT_TRUE(supports_depthwise(kernel, all, {}, {7, 7, GetParam().lanes, 1}));
  EXPECT_TRUE(supports_depthwise(kernel, all, {.strides = {1, 3}}, {8, 8, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {8, 9, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {1 << 20, 1 << 20, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {5, 5, GetParam().lanes - 1, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {5, 5, 16, 2}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.dilations = {1, 2}}, {5, 5, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.dilations = {2, 1}}, {5, 5, 16, 1}));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {5, 5, 16, 1}, f16));
}

TEST(SimdLargeDepthwiseList, TakesWhatXnnpackIsSlowerAt) {
  Cpu cpu = every_feature();
  cpu.neon = lithe::cpu().neon;
  for (const KernelEntry& kernel : simd::FasterLargeDepthwiseConv2D::entries) {
    EXPECT_TRUE(supports_depthwise(kernel, cpu, {}, {7, 7, 16, 1})) << kernel.name;
    EXPECT_EQ(supports_depthwise(kernel, cpu, {}, {5, 5, 16, 1}), !cpu.neon) << kernel.name;
    EXPECT_FALSE(supports_depthwise(kernel, cpu, {}, {3, 3, 16, 1})) << kernel.name;
    EXPECT_FALSE(supports_depthwise(kernel, Cpu{}, {}, {5, 5, 16, 1})) << kernel.name;
  }
}

}  // namespace
}  // namespace lithe::test
