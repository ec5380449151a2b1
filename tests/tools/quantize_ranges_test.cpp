// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/tools/quantize_testing.hpp"
#include "tools/quantize/ranges.hpp"

namespace lithe::quantize {
namespace {

using namespace test;

Histogram histogram_of(const std::vector<float>& values) {
  Histogram h;
  h.add(values);
  return h;
}

/// The mean squared error of storing `values` with the step that `range` gives, value by value.
double measured_error(const std::vector<float>& values, const Range& range) {
  const passes::Step step = step_for(range);
  const double scale = step.scale;
  double sum = 0;
  for (float v : values) {
    const double stored = std::clamp(std::nearbyint(v / scale) + step.zero_point, -128.0, 127.0);
    const double error = (stored - step.zero_point) * scale - v;
    sum += error * error;
  }
  return sum / static_cast<double>(values.size());
}

TEST(Histogram, CountsTheSameWhateverTheOrderOfGrowth) {
  std::vector<float> values = normal_numbers(10000, 1);
  values.push_back(700);
  values.push_back(-0.001f);
  values.push_back(0);
  values.push_back(0);
  const Histogram at_once = histogram_of(values);
  Histogram grown;
  std::sort(values.begin(), values.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  for (float v : values) grown.add({&v, 1});
  EXPECT_EQ(at_once.width(), grown.width());
  EXPECT_EQ(grown.width(), 1024.0 / Histogram::side);
  for (int b = -Histogram::side; b < Histogram::side; ++b) {
    std::uint64_t wanted = 0;
    for (float v : values) wanted += v != 0 && std::floor(static_cast<double>(v) / grown.width()) == b;
    ASSERT_EQ(at_once.count(b), wanted) << b;
    ASSERT_EQ(grown.count(b), wanted) << b;
  }
  EXPECT_EQ(grown.zeros(), 2u);
  EXPECT_EQ(grown.values(), values.size());
  EXPECT_EQ(grown.high(), 700);
}

TEST(Histogram, SetsApartWhatIsNotFinite) {
  const Histogram h = histogram_of({1, std::numeric_limits<float>::infinity(), -2, std::nanf("")});
  EXPECT_EQ(h.not_finite(), 2u);
  EXPECT_EQ(h.values(), 2u);
  EXPECT_EQ(h.low(), -2);
  EXPECT_EQ(h.high(), 1);
}

TEST(Ranges, StepHoldsTheRangeAndZeroExactly) {
  for (const Range& r : {Range{-1, 3}, Range{0, 6}, Range{-5, 0}, Range{-1e-6f, 2e4f}, Range{-127, 127}}) {
    const passes::Step step = step_for(r);
    EXPECT_EQ(step.dtype, DType::s8);
    EXPECT_GE(step.zero_point, -128);
    EXPECT_LE(step.zero_point, 127);
    EXPECT_NEAR((-128 - step.zero_point) * step.scale, r.low, 0.51 * step.scale);
    EXPECT_NEAR((127 - step.zero_point) * step.scale, r.high, 0.51 * step.scale);
  }
  EXPECT_EQ(step_for({}), (passes::Step{DType::s8, 1.0f, 0}));
  EXPECT_EQ(step_for({0, 6}).zero_point, -128);
}

TEST(Ranges, MinmaxIsWhatWasSeen) {
  EXPECT_EQ(choose(histogram_of({-1, 4, 2}), Method::minmax), (Range{-1, 4}));
  EXPECT_EQ(choose(histogram_of({3, 4}), Method::minmax), (Range{0, 4}));
  for (Method m : {Method::minmax, Method::percentile, Method::entropy, Method::mse})
    EXPECT_EQ(choose(histogram_of({0, 0}), m), Range{}) << name(m);
}

TEST(Ranges, PercentileLeavesOneInTenThousandOutAtEachEnd) {
  const std::vector<float> values = normal_numbers(200000, 3);
  std::vector<float> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const Histogram h = histogram_of(values);
  const Range r = choose(h, Method::percentile);
  EXPECT_NEAR(r.low, sorted[20], h.width());
  EXPECT_NEAR(r.high, sorted[sorted.size() - 21], h.width());
}

TEST(Ranges, ExpectedErrorIsTheMeasuredOne) {
  const std::vector<float> values = normal_numbers(100000, 4);
  const Histogram h = histogram_of(values);
  for (const Range& r : {Range{-5, 5}, Range{-2, 2}, Range{-1, 3}})
    EXPECT_NEAR(mean_squared_error(h, r) / measured_error(values, r), 1, 0.05) << r.low << ' ' << r.high;
}

TEST(Ranges, MseFindsTheLeastErrorOfAll) {
  std::vector<float> values = normal_numbers(200000, 5);
  values.push_back(15);
  values.push_back(-12);
  const double found = measured_error(values, choose(histogram_of(values), Method::mse));
  double least = std::numeric_limits<double>::infinity();
  for (float low = -12; low <= -3; ++low)
    for (float high = 3; high <= 15; ++high) least = std::min(least, measured_error(values, {low, high}));
  EXPECT_LT(found, 1.02 * least);
  EXPECT_LT(found, 0.9 * measured_error(values, {-12, 15}));
}

/// The divergence of a symmetric threshold after Migacz's description, on the histogram's bins.
double reference_divergence(const Histogram& h, int bins) {
  std::vector<double> p, own;
  double clipped = 0;
  for (int b = 0; b < Histogram::side; ++b)
    if (b < bins) {
      p.push_back(static_cast<double>(h.count(b)));
      own.push_back(p.back());
    } else
      clipped += static_cast<double>(h.count(b));
  p.back() += clipped;
  double all = 0, inside = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    all += p[i];
    inside += own[i];
  }
  double distance = 0;
  for (int g = 0; g < 256; ++g) {
    const int begin = bins * g / 256, end = bins * (g + 1) / 256;
    double sum = 0, present = 0;
    for (int b = begin; b < end; ++b) {
      sum += own[static_cast<std::size_t>(b)];
      present += own[static_cast<std::size_t>(b)] > 0;
    }
    for (int b = begin; b < end; ++b) {
      const auto i = static_cast<std::size_t>(b);
      if (p[i] > 0)
        distance += p[i] / all * std::log(p[i] / all / (own[i] > 0 ? sum / present / inside : 1e-6));
    }
  }
  return distance;
}

TEST(Ranges, EntropyFindsTheLeastDivergence) {
  std::vector<float> values = normal_numbers(300000, 6);
  for (float& v : values) v = std::fabs(v);
  values.push_back(40);
  const Histogram h = histogram_of(values);
  const Range r = choose(h, Method::entropy);
  const auto bins = [&](float high) {
    return static_cast<int>(std::ceil(static_cast<double>(high) / h.width()));
  };
  double least = std::numeric_limits<double>::infinity();
  for (int b = 256; b <= bins(40); b += 8) least = std::min(least, reference_divergence(h, b));
  EXPECT_EQ(r.low, 0);
  EXPECT_LT(r.high, 10);
  EXPECT_LT(reference_divergence(h, std::max(bins(r.high), 256)), 1.1 * least + 1e-4);
}

/// Behind a Relu6: four fifths of the elements have one of five values, the others lie anywhere.
TEST(Ranges, EntropyIsNotMisledByABackground) {
  std::vector<float> values = normal_numbers(300000, 8, 2.5f);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] =
        i % 5 == 0 ? std::min(std::fabs(values[i]), 6.0f) : 0.11f + 0.17f * static_cast<float>(i / 5 % 5);
  const Histogram h = histogram_of(values);
  EXPECT_LE(measured_error(values, choose(h, Method::entropy)),
            9 * measured_error(values, choose(h, Method::minmax)));
}

TEST(Ranges, EntropyOfFewValuesIsMse) {
  const Histogram h = histogram_of(normal_numbers(1000, 7));
  EXPECT_EQ(choose(h, Method::entropy), choose(h, Method::mse));
}

TEST(Ranges, MethodsHaveTheirNames) {
  for (Method m : {Method::minmax, Method::percentile, Method::entropy, Method::mse})
    EXPECT_EQ(method_named(name(m)), m);
}

}  // namespace
}  // namespace lithe::quantize
