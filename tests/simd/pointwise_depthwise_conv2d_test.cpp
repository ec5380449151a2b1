// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/pointwise_depthwise_conv2d.hpp"

#include <gtest/gtest.h>

#include "tests/simd/depthwise_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::DepthwiseConv2D::Attributes;
using enum DType;

class SimdPointwiseDepthwise : public OnEachIsa {};
INSTANTIATE_TEST_SUITE_P(
    On, SimdPointwiseDepthwise,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::PointwiseDepthwiseConv2DOn>(simd::isa::ForNonFinite{})),
    isa_name);

TEST_P(SimdPointwiseDepthwise, EveryNumberOfChannels) {
  for (index_t channels = 1; channels < 70; ++channels)
    matches<ops::DepthwiseConv2D>({.clamp = {-0.5f, 2}}, depthwise_reference,
                                  {{1, 3, 2, channels}, {1, 1, channels, 1}, {channels}},
                                  {.rows = {{{f32, f32, f32}, {f32}}}});
}

TEST_P(SimdPointwiseDepthwise, SharedAmongThreads) {
  matches<ops::DepthwiseConv2D>({}, depthwise_reference, {{2, 50, 30, 40}, {1, 1, 40, 1}},
                                {.rows = {{{f32, f32}, {f32}}}});
}

TEST_P(SimdPointwiseDepthwise, Conditions) {
  const auto supports = [](const Attributes& a, const Shape& filter, DType dtype = f32) {
    const Cpu cpu = every_feature();
    const ValueInfo inputs[] = {{dtype, {1, 8, 8, 8}}, {dtype, filter}}, outputs[] = {{dtype, {1, 8, 8, 8}}};
    return GetParam().supports(&a, {inputs, outputs, &cpu});
  };
  EXPECT_TRUE(supports({}, {1, 1, 8, 1}));
  EXPECT_FALSE(supports({}, {1, 1, 8, 2}));
  EXPECT_FALSE(supports({}, {3, 1, 8, 1}));
  EXPECT_FALSE(supports({.strides = {2, 1}}, {1, 1, 8, 1}));
  EXPECT_FALSE(supports({.pads = {0, 0, 0, 1}}, {1, 1, 8, 1}));
  EXPECT_FALSE(supports({}, {1, 1, 8, 1}, f16));
}

}  // namespace
}  // namespace lithe::test
