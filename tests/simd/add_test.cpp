// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/add.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/threads.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using enum DType;

bool available() {
#if defined(__x86_64__)
  return cpu().avx2;
#elif defined(__aarch64__)
  return cpu().neon;
#else
  return false;
#endif
}

ReferenceTensor reference(const ops::Add::Attributes& a, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out(in[0].shape);
  for (index_t i = 0; i < out.shape.elements(); ++i)
    out[i] = std::clamp<double>(in[0][i] + in[1][i], a.clamp.min, a.clamp.max);
  return out;
}

void matches(const Clamp& clamp, const Shape& shape) {
  if (!available()) GTEST_SKIP() << "the processor has neither AVX2 nor the 64-bit NEON";
  const Threads two(2);
  OpTest<ops::Add> op{{clamp}};
  op.on({cpu(), {ThreadPool{}, two.pool()}})
      .kernel<simd::Add>()
      .matches(reference, {Input(shape), Input(shape)}, {.bit_exact = true, .rows = {{{f32, f32}, {f32}}}});
}

TEST(SimdAdd, Values) {
  for (index_t width : {1, 3, 4, 7, 8, 9, 31, 64}) matches({.min = 0}, {2, 3, 5, width});
  matches({-0.5f, 1}, {23});
  matches({.max = 0.5f}, {1, 100003});
  matches({.min = 0}, {});
}

TEST(SimdAdd, SpecialNumbersAsThePortableKernel) {
  if (!available()) GTEST_SKIP() << "the processor has neither AVX2 nor the 64-bit NEON";
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> numbers{0.0f, -0.0f, 1.0f, -1.0f, 6.0f, 7.0f, inf, -inf, nan, 1e-42f};
  std::vector<float> a, b;
  for (const float x : numbers)
    for (const float y : numbers) {
      a.push_back(x);
      b.push_back(y);
    }
  const auto n = static_cast<index_t>(a.size());
  for (const Clamp clamp : {Clamp{.min = 0}, Clamp{0, 6}, Clamp{.max = -0.0f}, Clamp{-inf, 6}}) {
    std::vector<float> fast(a.size()), portable(a.size());
    const TensorView inputs[] = {{a.data(), f32, {n}}, {b.data(), f32, {n}}};
    Tensor to_fast[] = {{fast.data(), f32, {n}}}, to_portable[] = {{portable.data(), f32, {n}}};
    RunContext one(inputs, to_fast, {}, nullptr), other(inputs, to_portable, {}, nullptr);
    ASSERT_TRUE(simd::Add::run({clamp}, one).ok());
    ASSERT_TRUE(portable::Kernel<ops::Add>::run({clamp}, other).ok());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(std::isnan(fast[i]) ? std::isnan(portable[i])
                                      : std::memcmp(&fast[i], &portable[i], sizeof(float)) == 0)
          << a[i] << " + " << b[i] << " clamped to " << clamp.min << ", " << clamp.max << ": " << fast[i]
          << " and " << portable[i];
    }
  }
}

TEST(SimdAdd, Conditions) {
  const auto supports = [](const Clamp& clamp, const Shape& a, const Shape& b, DType dtype = f32,
                           bool vectors = true) {
    Cpu cpu;
    cpu.avx2 = cpu.neon = vectors;
    const ValueInfo inputs[] = {{dtype, a}, {dtype, b}}, outputs[] = {{dtype, a}};
    return simd::Add::supports({clamp}, {inputs, outputs, &cpu});
  };
#if defined(__x86_64__) || defined(__aarch64__)
  EXPECT_TRUE(supports({.min = 0}, {2, 3}, {2, 3}));
#endif
  EXPECT_FALSE(supports({}, {2, 3}, {2, 3})) << "XNNPACK needs one pass too";
  EXPECT_FALSE(supports({.min = 0}, {2, 3}, {3}));
  EXPECT_FALSE(supports({.min = 0}, {2, 3}, {2, 3}, f16));
  EXPECT_FALSE(supports({.min = 0}, {2, 3}, {2, 3}, f32, false));
}

}  // namespace
}  // namespace lithe::test
