// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/fully_connected.hpp"

#include <gtest/gtest.h>

#include "tests/simd/kernel_on_isa.hpp"
#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;

class SimdFullyConnected : public OnEachIsa {
 protected:
  static void layer_matches(const Shape& input, index_t outputs, const Clamp& clamp = {}) {
    matches<ops::FullyConnected>({clamp}, portable_in_float<ops::FullyConnected>,
                                 {input, {outputs, input.back()}, {outputs}},
                                 {.rows = {{{f32, f32, f32}, {f32}}}});
  }
};
INSTANTIATE_TEST_SUITE_P(
    On, SimdFullyConnected,
    ::testing::ValuesIn(kernels_on_baseline_and<simd::FullyConnectedOn>(simd::isa::ForNonFinite{})),
    isa_name);

TEST_P(SimdFullyConnected, EveryLength) {
  for (index_t length = 1; length < 70; ++length) {
    SCOPED_TRACE(length);
    layer_matches({5, length}, 3);
  }
}

TEST_P(SimdFullyConnected, EveryBlock) {
  for (index_t rows = 1; rows < 10; ++rows)
    for (index_t outputs = 1; outputs < 10; ++outputs) layer_matches({rows, 37}, outputs, {-1, 2});
  layer_matches({2, 300, 40}, 9);
}

TEST_P(SimdFullyConnected, WithoutBias) {
  matches<ops::FullyConnected>({}, portable_in_float<ops::FullyConnected>, {{3, 20}, {2, 20}},
                               {.rows = {{{f32, f32}, {f32}}}});
}

TEST(SimdFullyConnectedList, TakesFewOutputs) {
  const auto taken = [](index_t outputs, index_t length, bool constant) {
    const Cpu cpu = every_feature();
    const float data = 0;
    const ops::FullyConnected::Attributes a;
    const ValueInfo inputs[] = {{f32, {4, length}}, {f32, {outputs, length}, constant ? &data : nullptr}},
                    outputs_[] = {{f32, {4, outputs}}};
    bool any = false;
    for (const KernelEntry& kernel : simd::FasterFullyConnected::entries)
      any = any || kernel.supports(&a, {inputs, outputs_, &cpu});
    return any;
  };
  const bool vectors = simd::FasterFullyConnected::size > 0;
  EXPECT_EQ(taken(8, 64, true), vectors);
  EXPECT_FALSE(taken(9, 64, true));
  EXPECT_EQ(taken(2, 8, true), vectors);
  EXPECT_FALSE(taken(3, 8, true));
  EXPECT_EQ(taken(31, 8, false), vectors);
  EXPECT_FALSE(taken(32, 8, false));
}

}  // namespace
}  // namespace lithe::test
