// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/layer_normalization.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "tests/ops/layer_normalization_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

using enum DType;
using Attributes = ops::TrailingAxesAttributes;

template <class Op, auto reference>
class SimdNormalizedRows : public OnEachIsa {
 protected:
  static void normalizes(const std::vector<Input>& inputs, const Attributes& a = {}, DType dtype = f32,
                         double tolerance = 0) {
    std::vector<DType> outputs(Op::spec.outputs.size(), f32);
    outputs[0] = dtype;
    matches<Op>(a, reference, inputs,
                {.tolerance = tolerance, .rows = {{std::vector<DType>(inputs.size(), dtype), outputs}}});
  }
  static bool supports(DType dtype, const Cpu& cpu = every_feature()) {
    const Attributes a;
    const std::vector<ValueInfo> inputs{{dtype, {3, 8}}},
        outputs{{dtype, {3, 8}}, {f32, {3, 1}}, {f32, {3, 1}}};
    return GetParam().supports(&a, {inputs, outputs, &cpu});
  }

  static void every_length() {
    for (index_t n = 1; n < 200; n += n < 70 ? 1 : 13) {
      SCOPED_TRACE(n);
      normalizes({{3, n}, {n}});
    }
    normalizes({{2, 3, 1031}});
    normalizes({{4, 3, 11}, {3, 11}}, {.axis = 1, .epsilon = 0.1f});
    normalizes({{4, 32}, {4, 32}}, {.axis = 0});
    normalizes({{300, 129}, {129}});
    for (const Shape& empty : {Shape{0, 4}, Shape{2, 0}}) normalizes({Input(empty)});
  }
  static void half() {
    if (!supports(f16)) GTEST_SKIP() << GetParam().isa << " does not convert f16";
    for (const index_t n : {1, 7, 16, 64, 103}) normalizes({{3, n}, {n}}, {}, f16);
  }
  /// What is not finite, or overflows, is so in the output of the portable kernel too.
  static void special_numbers() {
    constexpr float inf = std::numeric_limits<float>::infinity(),
                    nan = std::numeric_limits<float>::quiet_NaN();
    for (const float epsilon : {0.0f, 1e-5f})
      for (const float special : {inf, -inf, nan, 1e20f, -3e38f, 0.0f})
        for (const std::size_t at : {0, 17, 36}) {
          std::vector<float> x(37);
          for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) - 18;
          x[at] = special;
          const std::vector<float> fast = row_of(GetParam().entry, x, epsilon),
                                   portable = row_of(portable_kernel<Op>(), x, epsilon);
          for (std::size_t i = 0; i < x.size(); ++i)
            EXPECT_TRUE(std::isfinite(portable[i]) ? std::abs(fast[i] - portable[i]) < 1e-5f
                                                   : std::isnan(portable[i]) == std::isnan(fast[i]))
                << "element " << i << " is " << fast[i] << " instead of " << portable[i] << " with "
                << special << " at " << at << " and epsilon " << epsilon;
        }
  }

 private:
  static std::vector<float> row_of(const KernelEntry& kernel, const std::vector<float>& x, float epsilon) {
    std::vector<float> y(x.size());
    const auto n = static_cast<index_t>(x.size());
    const TensorView inputs[] = {{x.data(), f32, {n}}};
    Tensor outputs[] = {{y.data(), f32, {n}}};
    RunContext context(inputs, outputs, {}, nullptr);
    const Attributes a{.epsilon = epsilon};
    EXPECT_TRUE((KernelOnIsa{"", nullptr, kernel, 0}).run(&a, context).ok());
    return y;
  }
};
class SimdLayerNormalization
    : public SimdNormalizedRows<ops::LayerNormalization, reference_layer_normalization> {};
class SimdRMSNormalization : public SimdNormalizedRows<ops::RMSNormalization, reference_rms_normalization> {};
INSTANTIATE_TEST_SUITE_P(
    On, SimdLayerNormalization,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::LayerNormalizationOn>(simd::isa::Every{})), isa_name);
INSTANTIATE_TEST_SUITE_P(
    On, SimdRMSNormalization,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::RMSNormalizationOn>(simd::isa::Every{})), isa_name);

TEST_P(SimdLayerNormalization, EveryLength) { every_length(); }
TEST_P(SimdRMSNormalization, EveryLength) { every_length(); }
TEST_P(SimdLayerNormalization, Half) { half(); }
TEST_P(SimdRMSNormalization, Half) { half(); }
TEST_P(SimdLayerNormalization, SpecialNumbersAsThePortableKernel) { special_numbers(); }
TEST_P(SimdRMSNormalization, SpecialNumbersAsThePortableKernel) { special_numbers(); }

TEST_P(SimdLayerNormalization, Bias) {
  for (const index_t n : {5, 16, 100}) {
    normalizes({{3, n}, {n}, {1, n}});
    normalizes({{3, n}, Input::absent(), {n}});
  }
  normalizes({{4, 20}, {4, 20}, {4, 20}}, {.axis = 0});
}

/// A mean that is rounded to f32 is off by up to 5e-4 there, and squares of the numbers themselves would lose all digits.
TEST_P(SimdLayerNormalization, KeepsItsDigitsFarFromZero) {
  for (const index_t n : {37, 1000, 100003})
    for (const double mean : {-1e4, 1e4})
      normalizes({Input{2, n}.between(mean - 1.7, mean + 1.7)}, {.epsilon = 0}, f32, 1e-6);
}

TEST_P(SimdRMSNormalization, LongRows) { normalizes({Input{2, 300007}.between(0.5, 3)}); }

TEST_P(SimdLayerNormalization, Conditions) {
  EXPECT_TRUE(supports(f32));
  EXPECT_FALSE(supports(bf16));
  EXPECT_FALSE(supports(f64));
}

}  // namespace
}  // namespace lithe::test
