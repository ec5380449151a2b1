// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/bit_cast.hpp"

#include <cstring>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(BitCast, Values) {
  const auto as_integers = [](const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out(in[0].shape);
    for (index_t i = 0; i < in[0].shape.elements(); ++i) {
      const auto f = static_cast<float>(in[0][i]);
      std::int32_t bits = 0;
      std::memcpy(&bits, &f, sizeof bits);
      out[i] = bits;
    }
    return out;
  };
  OpTest<ops::BitCast>{}.matches(as_integers, {{2, 5}}, {.rows = {{{DType::f32}, {DType::s32}}}});
  const auto wrapped = [](const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out = in[0];
    for (double& v : out.values) v = v < 0 ? v + 256 : v;
    return out;
  };
  OpTest<ops::BitCast>{}.matches(wrapped, {{2, 5}},
                                 {.quantized = Quantized::never, .rows = {{{DType::s8}, {DType::u8}}}});
  OpTest<ops::BitCast>{}.matches(wrapped, {{0}}, {.rows = {{{DType::f64}, {DType::s64}}}});
}

TEST(BitCast, Refuses) {
  OpTest<ops::BitCast> op;
  EXPECT_EQ(op.infer({{4}}, {{DType::f32}, {DType::s64}}).code(), Code::dtype);
  EXPECT_EQ(op.infer({Input{4}.as(DType::s8).quantized(0.5f, 1)}, {{DType::s8}, {DType::u8}}).code(),
            Code::unsupported);
}

}  // namespace
}  // namespace lithe::test
