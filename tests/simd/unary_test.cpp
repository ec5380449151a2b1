// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/unary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

template <class Op>
double right(const typename Op::Attributes& a, double x) {
  if constexpr (requires { Op::apply(a, x); })
    return Op::apply(a, x);
  else
    return Op::apply(x);
}

/// One operator on every set of instructions, in double precision as reference.
class SimdUnary : public OnEachIsa {
 protected:
  template <class Op>
  static void values(double low, double high, const typename Op::Attributes& a = {},
                     DType dtype = DType::f32) {
    const auto reference = [&](const std::vector<ReferenceTensor>& in) {
      ReferenceTensor out = in[0];
      for (double& v : out.values) v = right<Op>(a, v);
      return out;
    };
    for (const Shape& shape : {Shape{}, Shape{3, 37}, Shape{2, 16}, Shape{1, 100003}})
      matches<Op>(a, reference, {Input(shape).between(low, high)}, {.rows = {{{dtype}, {dtype}}}});
  }
  /// The same in f16, where the set of instructions converts it.
  template <class Op>
  static void half(double low, double high, const typename Op::Attributes& a = {}) {
    const Cpu cpu = every_feature();
    const ValueInfo inputs[] = {{DType::f16, {8}}}, outputs[] = {{DType::f16, {8}}};
    if (!GetParam().supports(&a, {inputs, outputs, &cpu}))
      GTEST_SKIP() << GetParam().isa << " does not convert f16";
    values<Op>(low, high, a, DType::f16);
  }

  /// How far from 0 an error counts: at the result, or where a formula subtracts, at the input too.
  enum class Beside : std::uint8_t { result, input };

  /// Numbers of all magnitudes and signs are right to `ulps` units in the last place, or to about 2^-126; those that
  /// are not finite have the portable kernel's class.
  template <class Op>
  static void every_magnitude(double ulps, const typename Op::Attributes& attributes = {},
                              Beside beside = Beside::result) {
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
    ASSERT_TRUE(GetParam().run(&attributes, context).ok());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::fpclassify(x[i]) == FP_SUBNORMAL) continue;  // flushed to zero in a session
      const float wanted = static_cast<float>(right<Op>(attributes, static_cast<double>(x[i])));
      if (!std::isfinite(wanted)) {
        EXPECT_TRUE(std::isnan(wanted) ? std::isnan(y[i]) : y[i] == wanted) << x[i] << ": " << y[i];
        continue;
      }
      if (x[i] == 0.0f && wanted == 0.0f) {
        EXPECT_EQ(std::signbit(y[i]), std::signbit(wanted)) << x[i] << ": " << y[i];
      }
      const double size = std::max(std::abs(static_cast<double>(wanted)),
                                   beside == Beside::input ? std::abs(static_cast<double>(x[i])) : 0.0);
      // An exponential that is not normal is 0, and x may be multiplied by it.
      const double least = 0x1p-126 * std::clamp(std::abs(static_cast<double>(x[i])), 1.0, 128.0);
      const double unit = std::max(size * 0x1p-23, least / ulps);
      EXPECT_LE(std::abs(static_cast<double>(y[i]) - wanted), ulps * unit) << x[i] << ": " << y[i];
    }
  }
};

/// What recurrent networks compute; as an operator XNNPACK's is right.
template <class Isa>
struct TanhOn : simd::detail::UnaryOn<Isa, ops::Tanh, simd::detail::HyperbolicTangent<Isa>> {};

class SimdErf : public SimdUnary {};
class SimdGelu : public SimdUnary {};
class SimdHardSigmoid : public SimdUnary {};
class SimdLog : public SimdUnary {};
class SimdMish : public SimdUnary {};
class SimdSigmoid : public SimdUnary {};
class SimdSoftplus : public SimdUnary {};
class SimdSqrt : public SimdUnary {};
class SimdTanh : public SimdUnary {};
INSTANTIATE_TEST_SUITE_P(On, SimdErf,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::ErfOn>(simd::isa::Every{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdGelu,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::GeluOn>(simd::isa::Every{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(
    On, SimdHardSigmoid,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::HardSigmoidOn>(simd::isa::Every{})), isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdLog, ::testing::ValuesIn(kernels_on<simd::LogOn>(simd::isa::ForNonFinite{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdMish,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::MishOn>(simd::isa::Every{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdSigmoid,
                         ::testing::ValuesIn(kernels_on<simd::SigmoidOn>(simd::isa::ForNonFinite{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdSoftplus,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::SoftplusOn>(simd::isa::Every{})),
                         isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdSqrt,
                         ::testing::ValuesIn(kernels_on<simd::SqrtOn>(simd::isa::ForNonFinite{})), isa_name);
INSTANTIATE_TEST_SUITE_P(On, SimdTanh,
                         ::testing::ValuesIn(kernels_on_baseline_and<TanhOn>(simd::isa::Every{})), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdLog);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdSigmoid);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdSqrt);

constexpr ops::Gelu::Attributes tanh_gelu{.approximate = ops::GeluApproximation::tanh};

TEST_P(SimdErf, Values) { values<ops::Erf>(-5, 5); }
TEST_P(SimdErf, Half) { half<ops::Erf>(-5, 5); }
TEST_P(SimdErf, EveryMagnitude) { every_magnitude<ops::Erf>(2); }
TEST_P(SimdGelu, Values) { values<ops::Gelu>(-6, 6, tanh_gelu); }
TEST_P(SimdGelu, Half) { half<ops::Gelu>(-6, 6, tanh_gelu); }
TEST_P(SimdGelu, EveryMagnitude) { every_magnitude<ops::Gelu>(1, tanh_gelu, Beside::input); }
TEST_P(SimdGelu, Conditions) {
  const Cpu cpu = every_feature();
  const ValueInfo inputs[] = {{DType::f32, {8}}}, outputs[] = {{DType::f32, {8}}};
  const ops::Gelu::Attributes exact;
  EXPECT_TRUE(GetParam().supports(&tanh_gelu, {inputs, outputs, &cpu}));
  EXPECT_FALSE(GetParam().supports(&exact, {inputs, outputs, &cpu}));
}
TEST_P(SimdHardSigmoid, Values) {
  values<ops::HardSigmoid>(-4, 4);
  values<ops::HardSigmoid>(-4, 4, {.alpha = -0.5f, .beta = 0.3f});
}
TEST_P(SimdHardSigmoid, Half) { half<ops::HardSigmoid>(-4, 4); }
TEST_P(SimdHardSigmoid, EveryMagnitude) { every_magnitude<ops::HardSigmoid>(1, {.beta = 0}); }
TEST_P(SimdLog, Values) { values<ops::Log>(0.01, 50); }
TEST_P(SimdLog, EveryMagnitude) { every_magnitude<ops::Log>(2); }
TEST_P(SimdMish, Values) { values<ops::Mish>(-10, 10); }
TEST_P(SimdMish, Half) { half<ops::Mish>(-10, 10); }
TEST_P(SimdMish, EveryMagnitude) { every_magnitude<ops::Mish>(4); }
TEST_P(SimdSigmoid, Values) { values<ops::Sigmoid>(-10, 10); }
TEST_P(SimdSigmoid, EveryMagnitude) { every_magnitude<ops::Sigmoid>(8); }
TEST_P(SimdSoftplus, Values) { values<ops::Softplus>(-10, 10); }
TEST_P(SimdSoftplus, Half) { half<ops::Softplus>(-10, 10); }
TEST_P(SimdSoftplus, EveryMagnitude) { every_magnitude<ops::Softplus>(3); }
TEST_P(SimdSqrt, Values) { values<ops::Sqrt>(0, 50); }
TEST_P(SimdSqrt, EveryMagnitude) { every_magnitude<ops::Sqrt>(4); }
TEST_P(SimdTanh, Values) { values<ops::Tanh>(-10, 10); }
TEST_P(SimdTanh, EveryMagnitude) { every_magnitude<ops::Tanh>(4); }

}  // namespace
}  // namespace lithe::test
