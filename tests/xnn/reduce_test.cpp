// SPDX-License-Identifier: Apache-2.0
#include "lithe/xnn/reduce.hpp"

#include <gtest/gtest.h>

#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;

template <class Kernel>
class XnnReduce : public ::testing::Test {};
using Kernels = ::testing::Types<xnn::ReduceMean, xnn::ReduceSum>;
TYPED_TEST_SUITE(XnnReduce, Kernels);

Input axes(const std::vector<std::int64_t>& of) { return Input::ints(of).constant(); }

/// XNNPACK sums s8 with NEON or SSSE3.
std::vector<DType> with_sums(std::vector<DType> dtypes) {
  if (!cpu().neon && !cpu().ssse3) std::erase(dtypes, s8);
  return dtypes;
}

TYPED_TEST(XnnReduce, Values) {
  const bool mean = std::is_same_v<TypeParam, xnn::ReduceMean>;
  const std::vector<DType> bytes = with_sums({s8, u8});
  const std::vector<DType> all = mean ? with_sums({f32, f16, s8, u8}) : std::vector<DType>{f32, f16};
  if (mean) {  // one in 28 of the first means lies half-way between two integers
    agrees<TypeParam>({}, {Input{2, 4, 7, 512}.quantized(0.014f, 5), axes({1, 2})}, bytes,
                      {.bit_exact = true, .output_quantization = {{0.014f, 5}}});
    agrees<TypeParam>({}, {{3, 4, 600}, axes({-1})}, bytes, {.bit_exact = true});
  }
  agrees<TypeParam>({}, {{2, 7, 5, 37}, axes({1, 2})}, all);
  agrees<TypeParam>({.keepdims = false}, {{1, 19, 20, 3}, axes({1, 2})}, all);
  agrees<TypeParam>({}, {{3, 4, 600}, axes({-1})}, all);
  agrees<TypeParam>({}, {{3, 4, 5, 6}, axes({0, 2})}, all);
  agrees<TypeParam>({.keepdims = false}, {{3, 4, 5, 6}, axes({1, 3})}, all);
  agrees<TypeParam>({}, {{2, 3, 4, 3, 2, 2}, axes({0, 2, 4})}, all);
  agrees<TypeParam>({}, {{2, 3, 4}}, all);
  agrees<TypeParam>({}, {{2, 16, 17, 96}, axes({1, 2})}, all);  // shared among threads
}

TEST(XnnReduceMean, RefusesBytesWithoutTheirKernel) {
  const std::int64_t first[] = {0};
  const float half = 0.5F;
  const Quantization q{.scale = &half, .count = 1};
  const ValueInfo inputs[] = {{s8, {2, 3}, nullptr, &q}, {s64, {1}, first}},
                  outputs[] = {{s8, {1, 3}, nullptr, &q}};
  Cpu none, some;
  some.ssse3 = true;
  EXPECT_FALSE(xnn::ReduceMean::supports({}, NodeInfo{inputs, outputs, &none}));
  EXPECT_TRUE(xnn::ReduceMean::supports({}, NodeInfo{inputs, outputs, &some}));
}

TYPED_TEST(XnnReduce, Refuses) {
  const std::int64_t first[] = {0};
  const ValueInfo known{s64, {1}, first}, computed{s64, {1}};
  EXPECT_TRUE(supports<TypeParam>({}, {{f32, {2, 3}}, known}, {f32, {1, 3}}));
  EXPECT_FALSE(supports<TypeParam>({}, {{f32, {2, 3}}, computed}, {f32, {1, 3}}));
  EXPECT_FALSE(supports<TypeParam>({.noop_with_empty_axes = true}, {{f32, {2, 3}}}, {f32, {2, 3}}));
  EXPECT_FALSE(supports<TypeParam>({}, {{f32, {1, 1, 1, 1, 1, 1, 2}}}, {f32, {1, 1, 1, 1, 1, 1, 1}}));
  EXPECT_FALSE(supports<TypeParam>({}, {{f32, {}}}, {f32, {}}));
  EXPECT_FALSE(supports<TypeParam>({}, {{s32, {2, 3}}}, {s32, {1, 1}}));
}

}  // namespace
}  // namespace lithe::test
