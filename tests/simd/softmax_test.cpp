// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/softmax.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "tests/ops/softmax_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

using enum DType;
using Attributes = ops::SoftmaxAttributes;

class SimdSoftmax : public OnEachIsa {
 protected:
  /// The portable kernel's bits, in s8 and u8.
  static void softmax(const Input& input, const Attributes& a = {},
                      std::optional<std::pair<float, std::int32_t>> output = {}) {
    for (const DType dtype : {s8, u8}) {
      MatchOptions options{.bit_exact = true, .rows = {{{dtype}, {dtype}}}};
      if (output) options.output_quantization = {output->first, output->second + (dtype == u8 ? 128 : 0)};
      matches<ops::Softmax>(a, reference_softmax, {input}, options);
    }
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SimdSoftmax);
INSTANTIATE_TEST_SUITE_P(On, SimdSoftmax,
                         ::testing::ValuesIn(kernels_on<simd::SoftmaxOn>(simd::isa::ForTables{})), isa_name);

TEST_P(SimdSoftmax, EveryLength) {
  for (index_t n = 1; n < 500; n += n < 20 || (n > 60 && n < 67) || (n > 252 && n < 260) ? 1 : 11) {
    SCOPED_TRACE(n);
    softmax({3, n}, {}, std::pair(1.0f / 256, -128));
  }
}

TEST_P(SimdSoftmax, EveryNumberOfRows) {
  for (index_t rows = 0; rows < 10; ++rows)
    for (const index_t n : {20, 300}) softmax({rows, n});
  softmax({7, 3, 11, 64});
  softmax({3, 0});
  softmax({10}, {.axis = 0});
}

TEST_P(SimdSoftmax, Scales) {
  for (const float scale : {1e-30f, 0.003f, 0.37f, 21.5f, 1e30f})
    for (const index_t n : {17, 300}) {
      softmax(Input{5, n}.quantized(scale, 3), {}, std::pair(1.0f / 256, -128));
      softmax(Input{5, n}.quantized(scale, 3), {}, std::pair(1e-4f, 100));
      softmax(Input{5, n}.quantized(scale, 3), {}, std::pair(0.5f, 0));
    }
}

TEST_P(SimdSoftmax, Conditions) {
  const auto supports = [](const Attributes& a, DType dtype) {
    const Cpu cpu = every_feature();
    const ValueInfo inputs[] = {{dtype, {2, 3, 4}}}, outputs[] = {{dtype, {2, 3, 4}}};
    return GetParam().supports(&a, {inputs, outputs, &cpu});
  };
  EXPECT_TRUE(supports({}, s8));
  EXPECT_TRUE(supports({.axis = 2}, u8));
  EXPECT_FALSE(supports({.axis = 1}, s8));
  EXPECT_FALSE(supports({}, f32));
}

}  // namespace
}  // namespace lithe::test
