// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/unary.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

/// One operator on every set of instructions, in double precision as reference.
class SimdUnary : public OnEachIsa {
 protected:
  template <class Op>
  static void values(double low, double high) {
    const auto reference = [](const std::vector<ReferenceTensor>& in) {
      ReferenceTensor out = in[0];
      for (double& v : out.values) v = Op::apply(v);
      return out;
    };
    for (const Shape& shape : {Shape{}, Shape{3, 37}, Shape{2, 16}, Shape{1, 100003}})
      matches<Op>({}, reference, {Input(shape).between(low, high)}, {.rows = {{{DType::f32}, {DType::f32}}}});
  }

  /// Numbers of all magnitudes and signs are right to `ulps` units in the last place, or to 2^-126; those that
  /// are not finite have the portable kernel's class.
  template <class Op>
  static void every_magnitude(double ulps) {
    std::vector<float> x, y;
    for (std::uint32_t i = 0; i < 0xFFFFFFFF - 99991; i += 99991) x.push_back(std::bit_cast<float>(i));
    using Limits = std::numeric_limits<float>;
    for (float v :
         {0.0f, Limits::infinity(), Limits::max(), 1e38f, Limits::min(), 1.0f, Limits::quiet_NaN()}) {
      x.push_back(v);
      x.push_back(-v);
    }
    y.resize(x.size());
    const auto n = static_cast<index_t>(x.size());
    const TensorView inputs[] = {{x.data(), DType::f32, {n}}};
    Tensor outputs[] = {{y.data(), DType::f32, {n}}};
    RunContext context(inputs, outputs, {}, nullptr);
    const typename Op::Attributes attributes;
    ASSERT_TRUE(GetParam().run(&attributes, context).ok());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::fpclassify(x[i]) == FP_SUBNORMAL) continue;  // flushed to zero in a session
      const float right = static_cast<float>(Op::apply(static_cast<double>(x[i])));
      if (!std::isfinite(right)) {
        EXPECT_TRUE(std::isnan(right) ? std::isnan(y[i]) : y[i] == right) << x[i] << ": " << y[i];
        continue;
      }
      const double unit = std::max(std::abs(static_cast<double>(right)) * 0x1p-23, 0x1p-126 / ulps);
      EXPECT_LE(std::abs(static_cast<double>(y[i]) - right), ulps * unit) << x[i] << ": " << y[i];
    }
  }
};

/// What recurrent networks compute; as an operator XNNPACK's is right.
template <class Isa>
struct TanhOn : simd::detail::UnaryOn<Isa, ops::Tanh, simd::detail::HyperbolicTangent<Isa>> {};

class SimdLog : public SimdUnary {};
class SimdSigmoid : public SimdUnary {};
class SimdSqrt : public SimdUnary {};
class SimdTanh : public SimdUnary {};
INSTANTIATE_TEST_SUITE_P(On, SimdLog, ::testing::ValuesIn(kernels_on<simd::LogOn>(simd::isa::ForNonFinite{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdSigmoid,
                         ::testing::ValuesIn(kernels_on<simd::SigmoidOn>(simd::isa::ForNonFinite{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdSqrt,
                         ::testing::ValuesIn(kernels_on<simd::SqrtOn>(simd::isa::ForNonFinite{})), isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdTanh,
                         ::testing::ValuesIn(kernels_on_baseline_and<TanhOn>(simd::isa::Every{})), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdLog);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdSigmoid);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdSqrt);

TEST_P(SimdLog, Values) { values<ops::Log>(0.01, 50); }
TEST_P(SimdLog, EveryMagnitude) { every_magnitude<ops::Log>(2); }
TEST_P(SimdSigmoid, Values) { values<ops::Sigmoid>(-10, 10); }
TEST_P(SimdSigmoid, EveryMagnitude) { every_magnitude<ops::Sigmoid>(8); }
TEST_P(SimdSqrt, Values) { values<ops::Sqrt>(0, 50); }
TEST_P(SimdSqrt, EveryMagnitude) { every_magnitude<ops::Sqrt>(4); }
TEST_P(SimdTanh, Values) { values<ops::Tanh>(-10, 10); }
TEST_P(SimdTanh, EveryMagnitude) { every_magnitude<ops::Tanh>(4); }

}  // namespace
}  // namespace lithe::test
