// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::RandomNormal;
using ops::RandomUniform;

/// Draws `n` numbers of a kernel as a session does, in one run.
template <class Op, class T>
std::vector<T> drawn(portable::Kernel<Op>& kernel, const typename Op::Attributes& attributes, index_t n) {
  std::vector<T> numbers(static_cast<std::size_t>(n));
  const std::int64_t size = n;
  const TensorView shape(&size, DType::s64, Shape{1});
  Tensor output(numbers.data(), dtype_of<T>, Shape{n});
  RunContext context({&shape, 1}, {&output, 1}, {}, nullptr);
  EXPECT_TRUE(kernel.run(attributes, context).ok());
  return numbers;
}

struct Moments {
  double mean = 0, variance = 0, skew = 0, kurtosis = 0;
  explicit Moments(const std::vector<float>& numbers) {
    const auto n = static_cast<double>(numbers.size());
    for (float v : numbers) mean += v / n;
    for (float v : numbers) variance += std::pow(v - mean, 2) / n;
    for (float v : numbers) skew += std::pow((v - mean) / std::sqrt(variance), 3) / n;
    for (float v : numbers) kurtosis += std::pow((v - mean) / std::sqrt(variance), 4) / n;
  }
};

constexpr index_t many = 200'000;

TEST(RandomUniform, IsUniform) {
  portable::Kernel<RandomUniform> kernel;
  const auto numbers = drawn<RandomUniform, float>(kernel, {.low = -2, .high = 6, .seed = 7}, many);
  const Moments m(numbers);
  EXPECT_NEAR(m.mean, 2, 0.03);
  EXPECT_NEAR(m.variance, 64.0 / 12, 0.05);
  std::vector<int> bins(16);
  for (float v : numbers) {
    ASSERT_TRUE(v >= -2 && v < 6);
    ++bins[static_cast<std::size_t>((v + 2) * 2)];
  }
  double chi = 0;
  for (int count : bins) chi += std::pow(count - many / 16.0, 2) / (many / 16.0);
  EXPECT_LT(chi, 45);  // 15 degrees of freedom: above it once in 10,000 seeds
  double correlation = 0;
  for (std::size_t i = 1; i < numbers.size(); ++i)
    correlation += (numbers[i] - m.mean) * (numbers[i - 1] - m.mean);
  EXPECT_NEAR(correlation / many / m.variance, 0, 0.01);
}

TEST(RandomUniform, NeverReachesItsHighEnd) {
  portable::Kernel<RandomUniform> kernel;
  for (half v : drawn<RandomUniform, half>(kernel, {.low = 0, .high = 1, .seed = 3}, many)) {
    ASSERT_GE(static_cast<float>(v), 0);
    ASSERT_LT(static_cast<float>(v), 1);
  }
}

TEST(RandomNormal, IsNormal) {
  portable::Kernel<RandomNormal> kernel;
  const auto numbers = drawn<RandomNormal, float>(kernel, {.mean = 3, .scale = 0.5, .seed = 11}, many);
  const Moments m(numbers);
  EXPECT_NEAR(m.mean, 3, 0.006);
  EXPECT_NEAR(m.variance, 0.25, 0.004);
  EXPECT_NEAR(m.skew, 0, 0.03);
  EXPECT_NEAR(m.kurtosis, 3, 0.06);
  const auto within = static_cast<double>(
      std::count_if(numbers.begin(), numbers.end(), [](float v) { return std::abs(v - 3) < 0.5F; }));
  EXPECT_NEAR(within / many, 0.6827, 0.005);
}

TEST(Random, SeedsAndRuns) {
  portable::Kernel<RandomUniform> first, same, other;
  const auto a = drawn<RandomUniform, float>(first, {.seed = 1}, 100),
             b = drawn<RandomUniform, float>(same, {.seed = 1}, 100),
             c = drawn<RandomUniform, float>(other, {.seed = 2}, 100),
             again = drawn<RandomUniform, float>(first, {.seed = 1}, 100);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(a, again);
  EXPECT_EQ(again, (drawn<RandomUniform, float>(same, {.seed = 1}, 100)));
  std::set<float> all(a.begin(), a.end());
  all.insert(again.begin(), again.end());
  EXPECT_GT(all.size(), 195U);
}

TEST(Random, Refuses) {
  EXPECT_EQ(OpTest<RandomUniform>({.low = NAN}).infer({Input::ints({2, 3})}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<RandomNormal>({.scale = INFINITY}).infer({Input::ints({2, 3})}).code(),
            Code::invalid_model);
  EXPECT_EQ(OpTest<RandomNormal>{}.infer({Input::ints({-2, 3})}).code(), Code::shape);
  EXPECT_EQ(OpTest<RandomNormal>{}.infer({{2}}).code(), Code::needs_value);
  EXPECT_EQ(OpTest<RandomUniform>{}.infer({Input::ints({2, 3})}), (Shape{2, 3}));
}

}  // namespace
}  // namespace lithe::test
