// SPDX-License-Identifier: Apache-2.0
#include "lithe/xnn/winograd_conv2d.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/simd/kernel_on_isa.hpp"
#include "tests/xnn/against_portable.hpp"
#include "tests/xnn/default_kernel.hpp"

namespace lithe::test {
namespace {

using enum DType;
using Attributes = ops::Conv2D::Attributes;

class XnnWinogradConv2D : public OnEachIsa {};
INSTANTIATE_TEST_SUITE_P(
    On, XnnWinogradConv2D,
    ::testing::ValuesIn(kernels_on_baseline_and<xnn::WinogradConv2DOn>(simd::isa::ForFloats{})), isa_name);

TEST_P(XnnWinogradConv2D, Values) {
  const auto agree = [](const Attributes& a, const std::vector<Input>& inputs) {
    std::vector<DType> dtypes(inputs.size(), f32);
    matches<ops::Conv2D>(a, portable_in_float<ops::Conv2D>, inputs,
                         {.tolerance = 5e-5, .rows = {{dtypes, {f32}}}});
  };
  agree({.pads = {1, 1, 1, 1}, .clamp = {-0.5f, 3}}, {{1, 8, 8, 16}, {16, 3, 3, 16}, {16}});
  agree({}, {{1, 3, 3, 16}, {16, 3, 3, 16}});
  agree({.pads = {2, 0, 1, 2}}, {{2, 9, 6, 19}, {37, 3, 3, 19}, {37}});
  agree({.pads = {0, 2, 2, 0}, .clamp = {.min = 0}}, {{3, 5, 13, 33}, {16, 3, 3, 33}, {16}});
  agree({.pads = {1, 1, 1, 1}}, {{1, 70, 66, 16}, {16, 3, 3, 16}, {16}});  // several blocks
}

TEST_P(XnnWinogradConv2D, TheLastBlockMayBeShort) {
  const Threads two(2);
  Platform platform{cpu(), {ThreadPool{}, two.pool()}};
  platform.cpu.l2_bytes = 1;
  OpTest<ops::Conv2D> op{{.pads = {1, 1, 1, 1}}};
  op.on(platform)
      .kernels<>()
      .kernel(GetParam().entry)
      .matches(portable_in_float<ops::Conv2D>, {{2, 13, 11, 16}, {16, 3, 3, 16}, {16}},
               {.tolerance = 2e-5, .rows = {{{f32, f32, f32}, {f32}}}});
}

/// A number goes nowhere but to the outputs whose window holds it.
TEST_P(XnnWinogradConv2D, NumbersThatAreNotFinite) {
  constexpr float inf = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
  const Attributes a{.pads = {1, 1, 1, 1}};
  Case c;
  c.op = &operator_entry<ops::Conv2D>;
  c.attributes = &a;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (const Shape& shape : {Shape{1, 9, 7, 16}, Shape{16, 3, 3, 16}, Shape{16}}) {
    ReferenceTensor values(shape);
    for (double& v : values.values) v = uniform(random);
    c.constant.push_back(!c.inputs.empty());
    c.known.push_back(false);
    c.inputs.emplace_back(f32, values);
  }
  c.output_dtypes = {f32};
  const InferResult inferred = infer_case(c);
  ASSERT_TRUE(inferred.status.ok()) << inferred.status.text();
  const StoredTensor clean = c.inputs[0];
  for (const float number : {std::nanf(""), inf, -inf, most, 1e38f, -1e25f})
    for (const index_t at : {0, 16 * 23 + 5, 16 * 63 - 1}) {
      c.inputs[0] = clean;
      store_value(f32, c.inputs[0].bytes.data(), static_cast<std::size_t>(at), number);
      SCOPED_TRACE(std::to_string(number) + " at " + std::to_string(at));
      const StoredTensor right = run_portable(c, inferred);
      const StoredTensor result = run_on(GetParam().entry, c, inferred);
      for (index_t i = 0; i < right.shape.elements(); ++i) {
        const double x = result.raw(i), y = right.raw(i);
        const bool same = std::isnan(y)   ? std::isnan(x)
                          : std::isinf(y) ? x == y
                                          : std::abs(x - y) <= 1e-4 + 1e-4 * std::abs(y);
        ASSERT_TRUE(same) << "element " << i << " is " << x << " instead of " << y;
      }
    }
}

/// What it does not run, and what XNNPACK's own kernel runs faster.
TEST(XnnWinogradConv2DRule, Conditions) {
  using Any = xnn::WinogradConv2DOn<simd::isa::Baseline>;
  using Faster = xnn::FasterWinogradConv2DOn<simd::isa::Baseline>;
  const auto taken = []<class Kernel>(Kernel*, const Attributes& a, const Shape& input, const Shape& filter) {
    ValueInfo values[] = {{f32, input}, {f32, filter}};
    static const float some = 0;
    values[1].data = &some;
    const index_t height = input[1] + a.pads[0] + a.pads[2] - filter[1] + 1,
                  width = input[2] + a.pads[1] + a.pads[3] - filter[2] + 1;
    return supports<Kernel>(a, {values[0], values[1]}, {f32, Shape{input[0], height, width, filter[0]}});
  };
  constexpr Any* any = nullptr;
  constexpr Faster* faster = nullptr;
  const Attributes same{.pads = {1, 1, 1, 1}};
  EXPECT_TRUE(taken(any, same, {1, 7, 7, 512}, {512, 3, 3, 512}));
  EXPECT_FALSE(taken(any, same, {1, 56, 56, 3}, {64, 3, 3, 3}));  // less than a vector
  EXPECT_FALSE(taken(any, {.dilations = {2, 2}, .pads = {1, 1, 1, 1}}, {1, 56, 56, 64}, {64, 3, 3, 64}));
  EXPECT_FALSE(taken(any, {.pads = {1, 1, 1, 1}, .group = 2}, {1, 56, 56, 64}, {64, 3, 3, 32}));
  EXPECT_FALSE(taken(any, {.pads = {2, 2, 2, 2}}, {1, 56, 56, 64}, {64, 5, 5, 64}));
  EXPECT_FALSE(taken(any, {.pads = {3, 3, 3, 3}}, {1, 56, 56, 64}, {64, 3, 3, 64}));
  EXPECT_TRUE(taken(faster, same, {1, 56, 56, 64}, {64, 3, 3, 64}));
  EXPECT_TRUE(taken(faster, same, {1, 28, 28, 128}, {128, 3, 3, 128}));
  EXPECT_FALSE(
      taken(faster, same, {1, 7, 7, 512}, {512, 3, 3, 512}));  // the transformed weights take longer to read
}

}  // namespace
}  // namespace lithe::test
