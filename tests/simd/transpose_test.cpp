// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/transpose.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/simd/kernel_on_isa.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

using enum DType;

ReferenceTensor reference(const ops::Transpose::Attributes& a, const std::vector<ReferenceTensor>& in) {
  Shape shape;
  for (const auto axis : a.permutation) shape.push_back(in[0].shape[static_cast<int>(axis)]);
  return rearranged(in[0], shape, [&](const Index& to) {
    Index from(to.size());
    for (std::size_t i = 0; i < to.size(); ++i)
      from[static_cast<std::size_t>(a.permutation[static_cast<int>(i)])] = to[i];
    return from;
  });
}

class SimdTranspose : public OnEachIsa {
 protected:
  static void transpose_matches(const IntList& permutation, const Input& input) {
    for (DType d : {f32, s32, f16, s16, s8, u8})
      matches<ops::Transpose>({.permutation = permutation}, reference, {Input(input).between(0, 100)},
                              {.bit_exact = true, .quantized = Quantized::never, .rows = {{{d}, {d}}}});
  }
};
INSTANTIATE_TEST_SUITE_P(
    On, SimdTranspose, ::testing::ValuesIn(kernels_on_baseline_and<simd::TransposeOn>(simd::isa::ForMoves{})),
    isa_name);

TEST_P(SimdTranspose, Values) {
  for (index_t width : {1, 3, 4, 7, 16, 21}) transpose_matches({0, 2, 3, 1}, {2, 3, 5, width});
  transpose_matches({1, 0}, {3, 21});
  transpose_matches({0, 2, 1}, {4, 3, 9});
  transpose_matches({0, 1, 3, 4, 2}, {2, 2, 3, 2, 5});
}

TEST_P(SimdTranspose, RangesOfALargePicture) { transpose_matches({0, 2, 3, 1}, {2, 3, 128, 131}); }

TEST_P(SimdTranspose, Conditions) {
  const auto supports = [](const IntList& permutation, const Shape& shape, DType dtype = f32) {
    const Cpu cpu = every_feature();
    const ops::Transpose::Attributes attributes{.permutation = permutation};
    const ValueInfo inputs[] = {{dtype, shape}}, outputs[] = {{dtype, shape}};
    return GetParam().supports(&attributes, {inputs, outputs, &cpu});
  };
  EXPECT_TRUE(supports({0, 2, 3, 1}, {1, 3, 4, 5}));
  EXPECT_FALSE(supports({0, 2, 3, 1}, {1, 4, 4, 5}));
  EXPECT_FALSE(supports({0, 3, 1, 2}, {1, 4, 5, 3}));
  EXPECT_FALSE(supports({0, 3, 2, 1}, {1, 3, 4, 5}));
  EXPECT_FALSE(supports({0, 1, 2, 3}, {1, 4, 5, 3}));
  EXPECT_FALSE(supports({0, 2, 3, 1}, {1, 3, 0, 5}));
  EXPECT_FALSE(supports({0, 2, 3, 1}, {1, 3, 4, 5}, f64));
  EXPECT_FALSE(supports({0}, {3}));
}

}  // namespace
}  // namespace lithe::test
