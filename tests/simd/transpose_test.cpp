// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/transpose.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/threads.hpp"
#include "tests/support/op_test.hpp"
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

bool available() {
#if defined(__x86_64__)
  return cpu().avx2;
#elif defined(__aarch64__)
  return cpu().neon;
#else
  return false;
#endif
}

void matches(const IntList& permutation, const Input& input) {
  const Threads two(2);
  if (!available()) GTEST_SKIP() << "the processor has neither AVX2 nor the 64-bit NEON";
  for (DType d : {f32, s32, f16, s16, s8, u8}) {
    OpTest<ops::Transpose> op{{.permutation = permutation}};
    op.on({cpu(), {ThreadPool{}, two.pool()}})
        .kernel<simd::Transpose>({d})
        .matches(reference, {Input(input).between(0, 100)},
                 {.bit_exact = true, .quantized = Quantized::never, .rows = {{{d}, {d}}}});
  }
}

TEST(SimdTranspose, Values) {
  for (index_t width : {1, 3, 4, 7, 16, 21}) matches({0, 2, 3, 1}, {2, 3, 5, width});
  matches({1, 0}, {3, 21});
  matches({0, 2, 1}, {4, 3, 9});
  matches({0, 1, 3, 4, 2}, {2, 2, 3, 2, 5});
}

TEST(SimdTranspose, RangesOfALargePicture) { matches({0, 2, 3, 1}, {2, 3, 128, 131}); }

TEST(SimdTranspose, Conditions) {
  const auto supports = [](const IntList& permutation, const Shape& shape, DType dtype = f32,
                           bool vectors = true) {
    Cpu cpu;
    cpu.avx2 = cpu.neon = vectors;
    const ValueInfo inputs[] = {{dtype, shape}}, outputs[] = {{dtype, shape}};
    return simd::Transpose::supports({.permutation = permutation}, {inputs, outputs, &cpu});
  };
#if defined(__x86_64__) || defined(__aarch64__)
  EXPECT_TRUE(supports({0, 2, 3, 1}, {1, 3, 4, 5}));
#endif
  EXPECT_FALSE(supports({0, 2, 3, 1}, {1, 4, 4, 5}));
  EXPECT_FALSE(supports({0, 3, 1, 2}, {1, 4, 5, 3}));
  EXPECT_FALSE(supports({0, 3, 2, 1}, {1, 3, 4, 5}));
  EXPECT_FALSE(supports({0, 1, 2, 3}, {1, 4, 5, 3}));
  EXPECT_FALSE(supports({0, 2, 3, 1}, {1, 3, 0, 5}));
  EXPECT_FALSE(supports({0, 2, 3, 1}, {1, 3, 4, 5}, f64));
  EXPECT_FALSE(supports({0, 2, 3, 1}, {1, 3, 4, 5}, f32, false));
  EXPECT_FALSE(supports({0}, {3}));
}

}  // namespace
}  // namespace lithe::test
