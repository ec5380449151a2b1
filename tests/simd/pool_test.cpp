// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "lithe/simd/average_pool2d.hpp"
#include "lithe/simd/max_pool2d.hpp"
#include "tests/simd/kernel_on_isa.hpp"
#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;

template <class Op>
class SimdPool : public OnEachIsa {
 protected:
  static void pool_matches(const typename Op::Attributes& a, const Shape& input) {
    SCOPED_TRACE(input[3]);
    matches<Op>(a, portable_in_float<Op>, {input}, {.rows = {{{f32}, {f32}}}});
  }
  /// Windows that overlap or do not, over every number of channels up to several vectors.
  static void values() {
    for (index_t channels = 1; channels < 40; ++channels) {
      pool_matches({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}}, {2, 7, 6, channels});
      pool_matches({.kernel = {2, 2}, .strides = {2, 2}}, {1, 4, 5, channels});
    }
    for (index_t channels : {64, 67, 130, 200, 261}) {
      pool_matches({.kernel = {3, 3}, .pads = {1, 1, 1, 1}, .clamp = {-0.2f, 0.3f}}, {1, 5, 6, channels});
      pool_matches({.kernel = {5, 4}, .strides = {1, 3}, .pads = {2, 0, 2, 3}}, {1, 9, 11, channels});
      pool_matches({.kernel = {7, 7}}, {2, 7, 7, channels});
    }
    for (std::int32_t stride : {1, 2, 3, 4})
      for (std::int32_t dilation : {1, 2, 3})
        pool_matches({.kernel = {3, 3},
                      .strides = {stride, stride},
                      .dilations = {dilation, dilation},
                      .pads = {2, 1, 0, 2},
                      .ceil_mode = true},
                     {1, 12, 13, 5});
    pool_matches({.kernel = {2, 2}, .pads = {3, 3, 3, 3}}, {1, 2, 1, 9});  // windows of padding alone
  }
};

class SimdMaxPool : public SimdPool<ops::MaxPool2D> {};
class SimdAveragePool : public SimdPool<ops::AveragePool2D> {};
INSTANTIATE_TEST_SUITE_P(
    On, SimdMaxPool,
    ::testing::ValuesIn(listed_on_baseline_and<simd::MaxPool2DOn>(simd::isa::ForNonFinite{})), isa_name);
INSTANTIATE_TEST_SUITE_P(
    On, SimdAveragePool,
    ::testing::ValuesIn(listed_on_baseline_and<simd::AveragePool2DOn>(simd::isa::ForNonFinite{})), isa_name);

TEST_P(SimdMaxPool, Values) { values(); }
TEST_P(SimdAveragePool, Values) { values(); }

TEST_P(SimdAveragePool, CountsPadding) {
  for (bool ceil : {false, true})
    for (index_t channels : {3, 8, 33})
      pool_matches({.kernel = {3, 2},
                    .strides = {2, 2},
                    .pads = {1, 1, 1, 1},
                    .ceil_mode = ceil,
                    .count_include_pad = true},
                   {1, 8, 7, channels});
}

TEST(SimdPool, OnlyF32) {
  const Cpu cpu = every_feature();
  const ops::MaxPool2D::Attributes a{.kernel = {2, 2}};
  for (const KernelEntry& kernel : simd::MaxPool2D::entries)
    for (DType dtype : {f32, f16, u8}) {
      const ValueInfo inputs[] = {{dtype, {1, 4, 4, 8}}}, outputs[] = {{dtype, {1, 3, 3, 8}}};
      EXPECT_EQ(kernel.supports(&a, {inputs, outputs, &cpu}), dtype == f32) << kernel.name;
    }
}

}  // namespace
}  // namespace lithe::test
