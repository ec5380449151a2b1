// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/shape.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lithe::test {
namespace {

TEST(Shape, Products) {
  const Shape s{2, 3, 4};
  EXPECT_EQ(s.rank(), 3);
  EXPECT_EQ(s.elements(), 24);
  EXPECT_EQ(s.rows(), 6);
  EXPECT_EQ(s.back(), 4);
  EXPECT_EQ(s.product(1, 2), 3);
  EXPECT_EQ(s.product(1, 1), 1);
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ(Shape{}.rows(), 1);
  EXPECT_EQ(Shape{}.back(), 1);
  EXPECT_EQ((Shape{5, 0}).elements(), 0);
  EXPECT_EQ(Shape::of_rank(3, 7), (Shape{7, 7, 7}));
}

TEST(Shape, JoinedDimensionsAreOneDimension) {
  EXPECT_EQ((Shape{2, 3, 4}).joined(1, 3), 12);
  EXPECT_EQ((Shape{2, 3, 4}).joined(1, 1), 1);
  EXPECT_EQ((Shape{2147483647, 1}).joined(0, 2), 2147483647);
  EXPECT_EQ((Shape{65536, 32768}).joined(0, 2), -1);
  EXPECT_EQ((Shape{65536, 65536, 65536, 65536}).joined(0, 4), -1) << "2^64 is not 0";
  EXPECT_FALSE((Shape{std::int64_t{65536} * 65536}).valid()) << "2^32 is not 0";
}

TEST(Shape, Equality) {
  EXPECT_EQ((Shape{1, 2}), (Shape{1, 2}));
  EXPECT_FALSE((Shape{1, 2} == Shape{1, 3}));
  EXPECT_FALSE((Shape{1} == Shape{1, 1}));
}

TEST(Shape, WhatDoesNotFitIsInvalid) {
  EXPECT_TRUE((Shape{0, 2147483647}).valid());
  EXPECT_FALSE((Shape{-1}).valid());
  EXPECT_FALSE(Shape(std::vector<std::int64_t>{std::int64_t{1} << 31}).valid());
  EXPECT_FALSE(Shape(std::vector<std::int64_t>{INT64_MAX}).valid());
  EXPECT_FALSE(Shape(std::vector<std::int64_t>{INT64_MIN}).valid());
  EXPECT_TRUE(Shape(std::vector<std::int64_t>(8, 2)).valid());
  EXPECT_FALSE(Shape(std::vector<std::int64_t>(9, 2)).valid());
  EXPECT_FALSE(Shape(std::vector<std::int64_t>(9, 2)) == Shape(std::vector<std::int64_t>(8, 2)));
}

TEST(Shape, CheckedBytes) {
  std::uint64_t bytes = 7;
  EXPECT_TRUE((Shape{2, 3}).checked_bytes(DType::f32, 24, bytes));
  EXPECT_EQ(bytes, 24u);
  EXPECT_FALSE((Shape{2, 3}).checked_bytes(DType::f32, 23, bytes));
  EXPECT_TRUE((Shape{3}).checked_bytes(DType::s4, 2, bytes));
  EXPECT_EQ(bytes, 2u);
  EXPECT_TRUE((Shape{0, 5}).checked_bytes(DType::f32, 1000, bytes));
  EXPECT_EQ(bytes, 0u);
  EXPECT_TRUE(Shape{}.checked_bytes(DType::f64, 8, bytes));
  EXPECT_EQ(bytes, 8u);
  EXPECT_FALSE((Shape{-1, 0}).checked_bytes(DType::f32, 1000, bytes));
}

TEST(Shape, CheckedBytesNeverOverflow) {
  std::uint64_t bytes = 0;
  const std::int64_t most = 2147483647;
  for (std::uint64_t limit : {std::uint64_t{1} << 30, std::uint64_t{1} << 40})
    for (int rank = 2; rank <= 8; ++rank) {
      const Shape huge(std::vector<std::int64_t>(static_cast<std::size_t>(rank), most));
      EXPECT_FALSE(huge.checked_bytes(DType::f64, limit, bytes)) << rank;
      EXPECT_FALSE(huge.checked_bytes(DType::u2, limit, bytes)) << rank;
    }
  EXPECT_FALSE((Shape{0, 2147483647, 2147483647}).checked_bytes(DType::s8, std::uint64_t{1} << 30, bytes))
      << "a zero does not hide the product of the others";
}

TEST(Shape, CheckedBytesFitTheAddressSpace) {
  std::uint64_t bytes = 0;
  const std::uint64_t limit = std::uint64_t{1} << 40;
  const bool wide = sizeof(index_t) == 8;
  EXPECT_EQ((Shape{65536, 65536}).checked_bytes(DType::u2, limit, bytes), wide) << "elements wrap in 32 bits";
  EXPECT_EQ((Shape{65536, 16384}).checked_bytes(DType::f32, limit, bytes), wide) << "bytes wrap in 32 bits";
  EXPECT_EQ((Shape{0, 65536, 65536}).checked_bytes(DType::u2, limit, bytes), wide);
  EXPECT_TRUE((Shape{65536, 16384}).checked_bytes(DType::u8, limit, bytes));
  EXPECT_FALSE((Shape{1 << 30, 1 << 30, 4}).checked_bytes(DType::f64, UINT64_MAX, bytes)) << "2^65 bytes";
}

TEST(NormalizeAxis, CountsFromTheBack) {
  EXPECT_EQ(normalize_axis(0, 3), 0);
  EXPECT_EQ(normalize_axis(2, 3), 2);
  EXPECT_EQ(normalize_axis(-1, 3), 2);
  EXPECT_EQ(normalize_axis(-3, 3), 0);
  EXPECT_EQ(normalize_axis(3, 3), -1);
  EXPECT_EQ(normalize_axis(-4, 3), -1);
  EXPECT_EQ(normalize_axis(0, 0), -1);
  EXPECT_EQ(normalize_axis(INT64_MIN, 3), -1);
  EXPECT_EQ(normalize_axis(INT64_MAX, 3), -1);
}

TEST(IntList, ComparesWhatItHolds) {
  IntList a{1, 2};
  EXPECT_EQ(a, (IntList{1, 2}));
  a.push_back(3);
  EXPECT_EQ(a.size(), 3);
  EXPECT_FALSE((a == IntList{1, 2}));
  EXPECT_FALSE((IntList{1} == IntList{2}));
  EXPECT_EQ(std::vector<std::int64_t>(a.begin(), a.end()), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_TRUE(IntList{}.empty());
}

}  // namespace
}  // namespace lithe::test
