// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/quantized_depthwise_conv2d.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/threads.hpp"
#include "tests/simd/depthwise_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::DepthwiseConv2D::Attributes;
using enum DType;

class SimdQuantizedDepthwise : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cpu().avx512_vnni) GTEST_SKIP() << "the processor has no AVX-512 VNNI";
  }
  /// The same bits as the portable kernel, on one and two threads, with a filter scale for each channel.
  void matches(const Attributes& a, const Shape& input, MatchOptions options = {}) {
    const index_t channels = input[3];
    const std::vector<Input> inputs{input, Input{3, 3, channels, 1}.per_channel(2), {channels}};
    const Threads two(2);
    OpTest<ops::DepthwiseConv2D> op{a};
    options.bit_exact = true;
    options.rows = {{{s8, s8, s32}, {s8}}};
    op.on({cpu(), {ThreadPool{}, two.pool()}})
        .kernels<portable::Kernel<ops::DepthwiseConv2D>, simd::QuantizedDepthwiseConv2D>()
        .matches(depthwise_reference, inputs, options);
  }
};

TEST_F(SimdQuantizedDepthwise, Values) {
  for (std::int32_t stride : {1, 2})
    for (index_t channels : {16, 33, 144})
      for (std::int32_t pad : {0, 1, 2})
        matches({.strides = {stride, stride}, .pads = {pad, 1, pad, pad}, .clamp = {-1.5f, 2}},
                {2, 9, 7, channels});
}

TEST_F(SimdQuantizedDepthwise, EveryHeightAndWidth) {
  for (std::int32_t stride : {1, 2})
    for (index_t size = 3; size < 9; ++size) {
      matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {1, size, 5, 20});
      matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {1, 4, size, 20});
    }
}

TEST_F(SimdQuantizedDepthwise, BandsOfWideAndNarrowPictures) {
  for (std::int32_t stride : {1, 2}) {
    matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {1, 7, 150, 16});
    matches({.strides = {stride, stride}, .pads = {1, 1, 1, 1}}, {2, 80, 3, 16});
  }
}

TEST_F(SimdQuantizedDepthwise, InputSmallerThanTheFilter) {
  for (std::int32_t stride : {1, 2}) {
    matches({.strides = {stride, stride}, .pads = {2, 2, 2, 2}}, {1, 1, 1, 16});
    matches({.strides = {stride, stride}, .pads = {5, 5, 5, 5}}, {1, 2, 1, 19});
  }
}

TEST_F(SimdQuantizedDepthwise, SumsFarBeyondTheOutput) {
  for (const std::int32_t zero_point : {-128, 0, 127})
    matches({.pads = {1, 1, 1, 1}}, {1, 5, 5, 32},
            {.steps = 255, .output_quantization = std::pair{1e-30f, zero_point}});
}

TEST(SimdQuantizedDepthwiseConditions, Conditions) {
  const auto supports = [](const Cpu& cpu, const Attributes& a, const Shape& filter, DType dtype = s8) {
    const ValueInfo inputs[] = {{dtype, {1, 8, 8, filter[2]}}, {dtype, filter}},
                    outputs[] = {{dtype, {1, 8, 8, filter[2]}}};
    return simd::QuantizedDepthwiseConv2D::supports(a, {inputs, outputs, &cpu});
  };
  Cpu vnni;
  vnni.avx512_vnni = true;
#if defined(__x86_64__)
  EXPECT_TRUE(supports(vnni, {}, {3, 3, 16, 1}));
  EXPECT_TRUE(supports(vnni, {.strides = {2, 2}}, {3, 3, 64, 1}));
#endif
  EXPECT_FALSE(supports(Cpu{}, {}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(vnni, {}, {3, 3, 16, 2}));
  EXPECT_FALSE(supports(vnni, {}, {5, 3, 16, 1}));
  EXPECT_FALSE(supports(vnni, {}, {3, 5, 16, 1}));
  EXPECT_FALSE(supports(vnni, {}, {3, 3, 15, 1}));
  EXPECT_FALSE(supports(vnni, {.strides = {3, 3}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(vnni, {.strides = {1, 2}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(vnni, {.dilations = {1, 2}}, {3, 3, 16, 1}));
  EXPECT_FALSE(supports(vnni, {}, {3, 3, 16, 1}, f32));
  EXPECT_FALSE(supports(vnni, {}, {3, 3, 16, 1}, u8));
}

}  // namespace
}  // namespace lithe::test
