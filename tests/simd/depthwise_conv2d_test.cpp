// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/depthwise_conv2d.hpp"

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

class SimdDepthwise : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!simd::detail::available(*mask(cpu(), "avx512")))
      GTEST_SKIP() << "the processor has neither AVX2 with FMA nor NEON";
  }
  void matches(const Attributes& a, const std::vector<Input>& inputs) {
    const Threads two(2);
    OpTest<ops::DepthwiseConv2D> op{a};
    op.on({*mask(cpu(), "avx512"), {ThreadPool{}, two.pool()}})
        .kernel<simd::DepthwiseConv2D>({f32})
        .matches(depthwise_reference, inputs, {.rows = {{{f32, f32, f32}, {f32}}}});
  }
};

TEST_F(SimdDepthwise, Values) {
  for (std::int32_t stride : {1, 2})
    for (index_t channels : {8, 19, 32})
      for (std::int32_t pad : {0, 1, 2})
        matches({.strides = {stride, stride}, .pads = {pad, 1, pad, pad}, .clamp = {-1.5f, 2}},
                {{2, 9, 7, channels}, {3, 3, channels, 1}, {channels}});
}

TEST_F(SimdDepthwise, InputSmallerThanTheFilter) {
  matches({.pads = {2, 2, 2, 2}}, {{1, 1, 1, 8}, {3, 3, 8, 1}, {8}});
  matches({.strides = {2, 2}, .pads = {3, 3, 3, 3}}, {{1, 2, 1, 11}, {3, 3, 11, 1}, {11}});
}

TEST_F(SimdDepthwise, Conditions) {
  const auto supports = [](const Cpu& cpu, const Attributes& a, const Shape& filter, DType dtype = f32) {
    const ValueInfo inputs[] = {{dtype, {1, 8, 8, filter[2]}}, {dtype, filter}},
                    outputs[] = {{dtype, {1, 8, 8, filter[2]}}};
    return simd::DepthwiseConv2D::supports(a, {inputs, outputs, &cpu});
  };
  Cpu all;
  all.avx2 = all.fma3 = all.neon = true;
#if defined(__x86_64__) || defined(__aarch64__)
  EXPECT_TRUE(supports(all, {}, {3, 3, 8, 1}));
#endif
#if defined(__x86_64__)
  Cpu wide = all;
  wide.avx512 = true;
  EXPECT_FALSE(supports(wide, {}, {3, 3, 8, 1})) << "XNNPACK is faster there";
#endif
  EXPECT_FALSE(supports(Cpu{}, {}, {3, 3, 8, 1}));
  EXPECT_FALSE(supports(all, {}, {3, 3, 8, 2}));
  EXPECT_FALSE(supports(all, {}, {5, 3, 8, 1}));
  EXPECT_FALSE(supports(all, {}, {3, 3, 3, 1}));
  EXPECT_FALSE(supports(all, {.strides = {3, 3}}, {3, 3, 8, 1}));
  EXPECT_FALSE(supports(all, {.dilations = {2, 1}}, {3, 3, 8, 1}));
  EXPECT_FALSE(supports(all, {}, {3, 3, 8, 1}, f16));
}

}  // namespace
}  // namespace lithe::test
