// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/group_normalization.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "tests/ops/group_normalization_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

using enum DType;
using Attributes = ops::GroupNormalization::Attributes;

class SimdGroupNormalization : public OnEachIsa {
 protected:
  static void normalizes(const std::vector<Input>& inputs, const Attributes& a = {}, DType dtype = f32) {
    matches<ops::GroupNormalization>(a, reference_group_normalization, inputs,
                                     {.rows = {{std::vector<DType>(inputs.size(), dtype), {dtype}}}});
  }
  static bool supports(DType dtype, index_t channels) {
    const Attributes a;
    const Cpu cpu = every_feature();
    const ValueInfo inputs[] = {{dtype, {2, 5, channels}}}, outputs[] = {{dtype, {2, 5, channels}}};
    return GetParam().supports(&a, {inputs, outputs, &cpu});
  }
};
INSTANTIATE_TEST_SUITE_P(
    On, SimdGroupNormalization,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::GroupNormalizationOn>(simd::isa::Every{})), isa_name);

TEST_P(SimdGroupNormalization, EveryNumberOfChannels) {
  for (index_t c = GetParam().lanes; c < 150; c += c < 70 ? 1 : 13) {
    SCOPED_TRACE(c);
    normalizes({{2, 7, c}, {c}, {c}});
  }
}

TEST_P(SimdGroupNormalization, Groups) {
  normalizes({{2, 7, 40}, {40}, {40}}, {.groups = 4});
  normalizes({{2, 7, 40}, {4}, {40}}, {.groups = 4});
  normalizes({{2, 7, 38}}, {.groups = 1, .epsilon = 0.1f});
  normalizes({{3, 64}, Input::absent(), {2}}, {.groups = 2});
  normalizes({{0, 3, 16}});
  normalizes({{2, 0, 16}});
}

/// Blocks of rows, parts of an image, and threads.
TEST_P(SimdGroupNormalization, ManyRows) {
  for (const std::int32_t groups : {0, 1, 11}) normalizes({{2, 31, 67, 33}, {33}, {33}}, {.groups = groups});
  normalizes({{1, 3, 5001}});
}

TEST_P(SimdGroupNormalization, Half) {
  if (!supports(f16, 64)) GTEST_SKIP() << GetParam().isa << " does not convert f16";
  for (const index_t c : {16, 19, 64, 77}) normalizes({{2, 9, c}, {c}, {c}}, {}, f16);
}

/// A mean that is rounded to f32 is off by up to 5e-4 there.
TEST_P(SimdGroupNormalization, KeepsItsDigitsFarFromZero) {
  for (const index_t c : {16, 67}) normalizes({Input{1, 4000, c}.between(9998.3, 10001.7)});
}

/// What is not finite, or overflows, is so in the output of the portable kernel too.
TEST_P(SimdGroupNormalization, SpecialNumbersAsThePortableKernel) {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  constexpr index_t rows = 9, channels = 21;
  for (const std::int32_t groups : {0, 3})
    for (const float special : {inf, -inf, nan, 1e20f, -3e38f})
      for (const std::size_t at : {0, 20, 77, 188}) {
        std::vector<float> x(rows * channels);
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) - 8;
        x[at] = special;
        const TensorView inputs[] = {{x.data(), f32, {1, rows, channels}}};
        const Attributes a{.groups = groups};
        const auto run = [&](const KernelEntry& kernel) {
          std::vector<float> y(x.size()), workspace(10 * channels);
          Tensor outputs[] = {{y.data(), f32, {1, rows, channels}}};
          RunContext context(inputs, outputs, std::as_writable_bytes(std::span(workspace)), nullptr);
          EXPECT_TRUE((KernelOnIsa{"", nullptr, kernel, 0}).run(&a, context).ok());
          return y;
        };
        const std::vector<float> fast = run(GetParam().entry),
                                 portable = run(portable_kernel<ops::GroupNormalization>());
        for (std::size_t i = 0; i < x.size(); ++i)
          EXPECT_TRUE(std::isfinite(portable[i]) ? std::abs(fast[i] - portable[i]) < 1e-5f
                                                 : std::isnan(portable[i]) == std::isnan(fast[i]))
              << "element " << i << " is " << fast[i] << " instead of " << portable[i] << " with " << special
              << " at " << at;
      }
}

TEST_P(SimdGroupNormalization, Conditions) {
  EXPECT_TRUE(supports(f32, 16));
  EXPECT_FALSE(supports(f32, 3)) << "a vector holds more channels";
  EXPECT_FALSE(supports(bf16, 16));
  EXPECT_FALSE(supports(f64, 16));
}

}  // namespace
}  // namespace lithe::test
