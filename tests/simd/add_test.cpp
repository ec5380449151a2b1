// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/add.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

using enum DType;

ReferenceTensor reference(const ops::Add::Attributes& a, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out(in[0].shape);
  for (index_t i = 0; i < out.shape.elements(); ++i)
    out[i] = std::clamp<double>(in[0][i] + in[1][i], a.clamp.min, a.clamp.max);
  return out;
}

class SimdAdd : public OnEachIsa {
 protected:
  static void add_matches(const Clamp& clamp, const Shape& shape) {
    matches<ops::Add>({clamp}, reference, {Input(shape), Input(shape)},
                      {.bit_exact = true, .rows = {{{f32, f32}, {f32}}}});
  }
};
INSTANTIATE_TEST_SUITE_P(On, SimdAdd,
                         ::testing::ValuesIn(kernels_on_baseline_and<simd::AddOn>(simd::isa::ForMoves{})),
                         isa_name);

TEST_P(SimdAdd, Values) {
  for (index_t width : {1, 3, 4, 7, 8, 9, 31, 64}) add_matches({.min = 0}, {2, 3, 5, width});
  add_matches({-0.5f, 1}, {23});
  add_matches({.max = 0.5f}, {1, 100003});
  add_matches({.min = 0}, {});
}

TEST_P(SimdAdd, SpecialNumbersAsThePortableKernel) {
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
    const ops::Add::Attributes attributes{clamp};
    std::vector<float> fast(a.size()), portable(a.size());
    const TensorView inputs[] = {{a.data(), f32, {n}}, {b.data(), f32, {n}}};
    Tensor to_fast[] = {{fast.data(), f32, {n}}}, to_portable[] = {{portable.data(), f32, {n}}};
    RunContext one(inputs, to_fast, {}, nullptr), other(inputs, to_portable, {}, nullptr);
    ASSERT_TRUE(GetParam().run(&attributes, one).ok());
    ASSERT_TRUE(portable::Kernel<ops::Add>::run(attributes, other).ok());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(std::isnan(fast[i]) ? std::isnan(portable[i])
                                      : std::memcmp(&fast[i], &portable[i], sizeof(float)) == 0)
          << a[i] << " + " << b[i] << " clamped to " << clamp.min << ", " << clamp.max << ": " << fast[i]
          << " and " << portable[i];
    }
  }
}

TEST_P(SimdAdd, Conditions) {
  const auto supports = [](const Clamp& clamp, const Shape& a, const Shape& b, DType dtype = f32) {
    const Cpu cpu = every_feature();
    const ops::Add::Attributes attributes{clamp};
    const ValueInfo inputs[] = {{dtype, a}, {dtype, b}}, outputs[] = {{dtype, a}};
    return GetParam().supports(&attributes, {inputs, outputs, &cpu});
  };
  EXPECT_TRUE(supports({.min = 0}, {2, 3}, {2, 3}));
  EXPECT_FALSE(supports({}, {2, 3}, {2, 3})) << "XNNPACK needs one pass too";
  EXPECT_FALSE(supports({.min = 0}, {2, 3}, {3}));
  EXPECT_FALSE(supports({.min = 0}, {2, 3}, {2, 3}, f16));
}

TEST(SimdAddOnNoProcessor, NoInstance) {
  const Cpu none;
  const ops::Add::Attributes attributes{{.min = 0}};
  const ValueInfo inputs[] = {{f32, {8}}, {f32, {8}}}, outputs[] = {{f32, {8}}};
  for (const KernelEntry& entry : simd::Add::entries)
    EXPECT_FALSE(entry.supports(&attributes, {inputs, outputs, &none})) << entry.name;
}

}  // namespace
}  // namespace lithe::test
