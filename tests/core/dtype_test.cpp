// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/dtype.hpp"

#include <gtest/gtest.h>

#include "lithe/core/tensor.hpp"

namespace lithe::test {
namespace {

TEST(DType, NamesGoBothWays) {
  for (int i = 1; i < dtype_count; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_TRUE(known(dtype));
    EXPECT_EQ(dtype_from_name(name(dtype)), dtype) << name(dtype);
    EXPECT_GT(bits(dtype), 0) << name(dtype);
  }
  EXPECT_EQ(dtype_from_name("float"), DType::none);
  EXPECT_EQ(dtype_from_name("none"), DType::none);
}

TEST(DType, WhatAFileMaySayIsKnownOrNot) {
  EXPECT_FALSE(known(DType::none));
  EXPECT_FALSE(known(DType::any));
  EXPECT_FALSE(known(DType::any_output));
  for (int i = dtype_count; i < 256; ++i) {
    EXPECT_FALSE(known(static_cast<DType>(i)));
    EXPECT_EQ(bits(static_cast<DType>(i)), 0);
    EXPECT_STREQ(name(static_cast<DType>(i)), "any");
  }
}

TEST(DType, NumbersOfTheFileNeverChange) {
  EXPECT_EQ(static_cast<int>(DType::f32), 1);
  EXPECT_EQ(static_cast<int>(DType::s8), 5);
  EXPECT_EQ(static_cast<int>(DType::u8), 9);
  EXPECT_EQ(static_cast<int>(DType::boolean), 13);
  EXPECT_EQ(static_cast<int>(DType::s4), 14);
  EXPECT_EQ(static_cast<int>(DType::f4e2m1), 23);
}

TEST(DType, BytesOfPackedElements) {
  EXPECT_EQ(bytes(DType::f64, 3), 24u);
  EXPECT_EQ(bytes(DType::boolean, 3), 3u);
  EXPECT_EQ(bytes(DType::s4, 3), 2u);
  EXPECT_EQ(bytes(DType::u2, 4), 1u);
  EXPECT_EQ(bytes(DType::u2, 5), 2u);
  EXPECT_EQ(bytes(DType::u4, 0), 0u);
  EXPECT_EQ(element_bytes(DType::bf16), 2);
  EXPECT_EQ(element_bytes(DType::s4), 0);
}

TEST(DType, EachIsOfOneKind) {
  for (int i = 1; i < dtype_count; ++i) {
    const auto d = static_cast<DType>(i);
    EXPECT_EQ(is_float(d) + is_signed_integer(d) + is_unsigned_integer(d) + (d == DType::boolean), 1)
        << name(d);
    EXPECT_EQ(is_integer(d), name(d)[0] == 's' || name(d)[0] == 'u') << name(d);
  }
}

TEST(DType, OfElements) {
  EXPECT_EQ(dtype_of<half>, DType::f16);
  EXPECT_EQ(dtype_of<bool>, DType::boolean);
  EXPECT_EQ(dtype_of<std::uint64_t>, DType::u64);
  EXPECT_EQ(dtype_of<char*>, DType::none);
  static_assert(Element<const float> && !Element<void>);
}

}  // namespace
}  // namespace lithe::test
