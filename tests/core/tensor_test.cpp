// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/tensor.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace lithe::test {
namespace {

TEST(Tensor, DenseElements) {
  std::array<float, 6> data{0, 1, 2, 3, 4, 5};
  const Tensor tensor(data.data(), DType::f32, {2, 3});
  EXPECT_TRUE(tensor);
  EXPECT_TRUE(tensor.dense());
  EXPECT_EQ(tensor.elements(), 6);
  EXPECT_EQ(tensor.bytes(), 24u);
  EXPECT_EQ(tensor.as<float>()[5], 5);
  EXPECT_EQ(tensor.row<float>(1)[0], 3);
  tensor.as<float>()[4] = 9;
  const TensorView view = tensor;
  EXPECT_EQ(view.as<float>()[4], 9);
  static_assert(std::is_same_v<decltype(view.as<float>()), std::span<const float>>);
  EXPECT_FALSE(Tensor{});
}

TEST(Tensor, RowsMayLieApart) {
  std::array<std::int32_t, 10> data{};
  std::iota(data.begin(), data.end(), 0);
  Tensor tensor(data.data(), DType::s32, {2, 3});
  tensor.pitch = 5;
  EXPECT_FALSE(tensor.dense());
  EXPECT_EQ(tensor.row<std::int32_t>(1)[2], 7);
  EXPECT_EQ(TensorView(tensor).pitch, 5);
  tensor.shape = {1, 3};
  EXPECT_TRUE(tensor.dense()) << "a single row is dense whatever its pitch";
}

TEST(Tensor, SubByteElementsArePacked) {
  EXPECT_EQ(Tensor(nullptr, DType::s4, {3, 3}).bytes(), 5u);
  EXPECT_EQ(Tensor(nullptr, DType::f32, {3, 0}).bytes(), 0u);
}

template <class T>
void expect_integer(T value) {
  const std::array<T, 2> data{T{0}, value};
  EXPECT_EQ(integer_at(TensorView(data.data(), dtype_of<T>, {2}), 1), static_cast<std::int64_t>(value))
      << name(dtype_of<T>);
}

TEST(IntegerAt, WidensEveryType) {
  expect_integer<std::int64_t>(INT64_MIN);
  expect_integer<std::int32_t>(INT32_MIN);
  expect_integer<std::int16_t>(-3);
  expect_integer<std::int8_t>(-128);
  expect_integer<std::uint32_t>(UINT32_MAX);
  expect_integer<std::uint16_t>(65535);
  expect_integer<std::uint8_t>(255);
  const std::array<std::uint8_t, 1> yes{1};
  EXPECT_EQ(integer_at(TensorView(yes.data(), DType::boolean, {}), 0), 1);
}

TEST(Quantization, ReadsScalesAndZeroPointsOfTheirOwnTypes) {
  const std::array<half, 2> scales{half(0.5f), half(0.25f)};
  const std::array<std::int8_t, 2> zeros{-3, 7};
  Quantization q;
  q.scale = scales.data();
  q.scale_dtype = DType::f16;
  q.count = 2;
  q.axis = 0;
  EXPECT_EQ(q.scale_at(1), 0.25f);
  EXPECT_EQ(q.zero_point_at(1), 0) << "no zero points: all zero";
  q.zero_point = zeros.data();
  q.zero_point_dtype = DType::s8;
  EXPECT_EQ(q.zero_point_at(0), -3);
  EXPECT_EQ(q.zero_point_at(1), 7);
  EXPECT_FALSE(q.per_tensor());
  const std::array<std::uint16_t, 1> large{65535};
  q.zero_point = large.data();
  q.zero_point_dtype = DType::u16;
  EXPECT_EQ(q.zero_point_at(0), 65535);
  const std::array<bfloat16, 1> brain{bfloat16(2.0f)};
  q.scale = brain.data();
  q.scale_dtype = DType::bf16;
  EXPECT_EQ(q.scale_at(0), 2.0f);
}

}  // namespace
}  // namespace lithe::test
