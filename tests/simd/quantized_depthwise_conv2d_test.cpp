// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/quantized_depthwise_conv2d.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simd/depthwise_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"
#include "tests/simd/supports_depthwise.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::DepthwiseConv2D::Attributes;
using enum DType;

class SimdQuantizedDepthwise : public OnEachIsa {
 protected:
  /// That are computed at once.
  static index_t channels() { return std::max<index_t>(GetParam().lanes, 8); }
  /// The same bits as the portable kernel, on one and two threads, with a filter scale for each channel.
  static void depthwise_matches(const Attributes& a, const Shape& input, MatchOptions options = {}) {
    const index_t channels = input[3];
    options.bit_exact = true;
    options.rows = {{{s8, s8, s32}, {s8}}};
    matches<ops::DepthwiseConv2D>(a, depthwise_reference,
                                  {input, Input{3, 3, channels, 1}.per_channel(2), {channels}}, options);
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdQuantizedDepthwise);
INSTANTIATE_TEST_SUITE_P(
    On, SimdQuantizedDepthwise,
    ::testing::ValuesIn(kernels_on<simd::QuantizedDepthwiseConv2DOn>(simd::isa::ForBytes{})), isa_name);

TEST_P(SimdQuantizedDepthwise, Values) {
  for (std::int32_t stride : {1, 2})
    for (index_t channels : {16, 33, 144})
      for (std::int32_t pad : {0, 1, 2})
        depthwise_matches({.strides = {stride, stride}, .pads = {pad, 1, pad, pad}, .clamp = {-1.5f, 2}},
                          {2, 9, 7, channels});
}

TEST_P(SimdQuantizedDepthwise, EveryHeightAndWidth) {
  for (std::int32_t stride : {1, 2})
    for (index_t size = 3; size < 9; ++size) {
      depthwise_matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {1, size, 5, 20});
      depthwise_matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {1, 4, size, 20});
    }
}

TEST_P(SimdQuantizedDepthwise, BandsOfWideAndNarrowPictures) {
  for (std::int32_t stride : {1, 2}) {
    depthwise_matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {1, 7, 150, 16});
    depthwise_matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {2, 80, 3, 16});
  }
}

TEST_P(SimdQuantizedDepthwise, InputSmallerThanTheFilter) {
  for (std::int32_t stride : {1, 2}) {
    depthwise_matches({.strides = {stride, stride}, .pads = {2, 2, 2, 2}}, {1, 1, 1, 16});
    depthwise_matches({.strides = {stride, stride}, .pads = {5, 5, 5, 5}}, {1, 2, 1, 19});
  }
}

TEST_P(SimdQuantizedDepthwise, SumsFarBeyondTheOutput) {
  for (const std::int32_t zero_point : {-128, 0, 127})
    depthwise_matches({.pads = {1, 1, 1, 1}}, {1, 5, 5, 32},
                      {.steps = 255, .output_quantization = std::pair{1e-30f, zero_point}});
}

TEST_P(SimdQuantizedDepthwise, FewestChannels) {
  const index_t lanes = channels();
  for (index_t channels = lanes; channels < 2 * lanes; ++channels)
    depthwise_matches({.pads = {1, 1, 1, 1}}, {1, 4, 3, channels});
}

TEST_P(SimdQuantizedDepthwise, Conditions) {
  const KernelEntry& kernel = GetParam().entry;
  const Cpu all = every_feature();
  EXPECT_TRUE(supports_depthwise(kernel, all, {}, {3, 3, channels(), 1}, s8));
  EXPECT_TRUE(supports_depthwise(kernel, all, {}, {3, 3, 16, 1}, s8));
  EXPECT_TRUE(supports_depthwise(kernel, all, {.strides = {2, 2}}, {3, 3, 512, 1}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 3, channels() - 1, 1}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 3, 16, 2}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {5, 3, 16, 1}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 5, 16, 1}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.strides = {3, 3}}, {3, 3, 16, 1}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.strides = {1, 2}}, {3, 3, 16, 1}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {.dilations = {1, 2}}, {3, 3, 16, 1}, s8));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 3, 16, 1}, f32));
  EXPECT_FALSE(supports_depthwise(kernel, all, {}, {3, 3, 16, 1}, u8));
}

TEST(SimdQuantizedDepthwiseList, NeedsTheInstructionSet) {
  for (const KernelEntry& kernel : simd::QuantizedDepthwiseConv2D::entries)
    EXPECT_FALSE(supports_depthwise(kernel, Cpu{}, {}, {3, 3, 16, 1}, s8)) << kernel.name;
}

TEST(SimdQuantizedDepthwiseList, LeavesToXnnpackWhatWasNotMeasured) {
  Cpu cpu = every_feature();
  cpu.neon = lithe::cpu().neon;
  for (const KernelEntry& kernel : simd::FasterQuantizedDepthwiseConv2D::entries)
    EXPECT_EQ(supports_depthwise(kernel, cpu, {}, {3, 3, 64, 1}, s8), !cpu.neon) << kernel.name;
}

}  // namespace
}  // namespace lithe::test
