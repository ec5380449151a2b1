// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/half.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace lithe::test {
namespace {

/// Binary16 from its definition: sign, exponent of bias 15, ten bits.
double half_value(std::uint16_t bits) {
  const double sign = (bits & 0x8000u) != 0 ? -1 : 1;
  const int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  if (exponent == 31) return mantissa != 0 ? std::nan("") : sign * INFINITY;
  return sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

/// The nearest binary16, ties to even, searched for among the two neighbours of a truncated magnitude.
std::uint16_t nearest_half(float value) {
  const double magnitude = std::fabs(static_cast<double>(value));
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000u : 0u);
  if (magnitude >= 65520) return sign | 0x7C00u;
  int low = 0, high = 0x7C00;  // magnitudes are ordered like their bits
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (half_value(static_cast<std::uint16_t>(middle)) <= magnitude ? low : high) = middle;
  }
  const double below = half_value(static_cast<std::uint16_t>(low)),
               above = high == 0x7C00 ? 65536 : half_value(static_cast<std::uint16_t>(high));
  const bool up =
      magnitude - below > above - magnitude || (magnitude - below == above - magnitude && (low & 1) != 0);
  return static_cast<std::uint16_t>(sign | (up ? high : low));
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

TEST(Half, EveryValueIsExactAndComesBack) {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float value = detail::half_to_float(bits);
    const double wanted = half_value(bits);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(value)) << i;
      const std::uint16_t back = detail::float_to_half(value);
      ASSERT_EQ(back & 0x7C00u, 0x7C00u) << i;
      ASSERT_NE(back & 0x3FFu, 0u) << i;
      ASSERT_EQ(back & 0x8000u, bits & 0x8000u) << i;
      continue;
    }
    ASSERT_EQ(value, wanted) << i;
    ASSERT_EQ(std::signbit(value), (i & 0x8000u) != 0) << i;
    ASSERT_EQ(detail::float_to_half(value), bits) << i;
  }
}

TEST(Half, RoundsToNearestEvenBetweenEveryTwoNeighbours) {
  for (std::uint32_t i = 0; i < 0x7C00u; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const double below = half_value(bits),
                 above = i + 1 == 0x7C00u ? 65536 : half_value(static_cast<std::uint16_t>(i + 1));
    const auto middle = static_cast<float>((below + above) / 2);
    const auto even = static_cast<std::uint16_t>((i & 1u) != 0 ? i + 1 : i);
    ASSERT_EQ(detail::float_to_half(middle), even) << i;
    ASSERT_EQ(detail::float_to_half(-middle), even | 0x8000u) << i;
    ASSERT_EQ(detail::float_to_half(std::nextafter(middle, 0.0f)), bits) << i;
    ASSERT_EQ(detail::float_to_half(std::nextafter(middle, INFINITY)), bits + 1) << i;
  }
}

TEST(Half, RandomFloatsRoundLikeTheReference) {
  std::mt19937 generator(5);
  for (int i = 0; i < 300000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(generator()));
    if (std::isnan(value)) continue;
    ASSERT_EQ(detail::float_to_half(value), nearest_half(value)) << value;
    const auto scaled =
        std::ldexp(value, -std::ilogb(value == 0 ? 1 : value) + i % 44 - 26);  // where halves live
    if (!std::isfinite(scaled)) continue;
    ASSERT_EQ(detail::float_to_half(scaled), nearest_half(scaled)) << scaled;
  }
}

TEST(Half, Extremes) {
  EXPECT_EQ(half(65519.99f).bits, 0x7BFF);
  EXPECT_EQ(half(65520.0f).bits, 0x7C00);
  EXPECT_EQ(half(-std::numeric_limits<float>::max()).bits, 0xFC00);
  EXPECT_EQ(half(std::numeric_limits<float>::denorm_min()).bits, 0);
  EXPECT_EQ(half(-0.0f).bits, 0x8000);
  EXPECT_TRUE(std::isnan(static_cast<float>(half(std::bit_cast<float>(0x7F800001u)))))
      << "the NaN's bits are in the part that is cut off";
  static_assert(static_cast<float>(half(1.5f)) == 1.5f);
}

TEST(BFloat16, EveryValueComesBack) {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const float value = std::bit_cast<float>(i << 16);
    const std::uint16_t back = detail::float_to_bfloat16(value);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(std::bit_cast<float>(static_cast<std::uint32_t>(back) << 16))) << i;
    } else {
      ASSERT_EQ(back, i);
    }
  }
}

TEST(BFloat16, RoundsToNearestEven) {
  for (std::uint32_t i = 0; i < 0x7F80u; ++i) {
    const float middle = std::bit_cast<float>(i << 16 | 0x8000u);
    ASSERT_EQ(detail::float_to_bfloat16(middle), (i & 1u) != 0 ? i + 1 : i) << i;
    ASSERT_EQ(detail::float_to_bfloat16(std::bit_cast<float>(bits_of(middle) - 1)), i) << i;
    ASSERT_EQ(detail::float_to_bfloat16(std::bit_cast<float>(bits_of(middle) + 1)), i + 1) << i;
  }
  EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(std::bit_cast<float>(0x7F800001u)))));
  EXPECT_TRUE(std::isinf(static_cast<float>(bfloat16(std::numeric_limits<float>::max()))));
}

}  // namespace
}  // namespace lithe::test
