// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/dynamic_quantize_linear.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::DynamicQuantizeLinear;

std::vector<ReferenceTensor> reference(const std::vector<ReferenceTensor>& in) {
  float low = 0, high = 0;
  for (double x : in[0].values) {
    low = std::min(low, static_cast<float>(x));
    high = std::max(high, static_cast<float>(x));
  }
  const float scale = (low == high ? 1 : high - low) / 255;
  const double zero = std::rint(std::clamp<double>(-low / scale, 0, 255));
  ReferenceTensor out(in[0].shape), scales{Shape{}}, zeros{Shape{}};
  for (index_t i = 0; i < out.shape.elements(); ++i)
    out[i] = std::clamp<double>(std::rint(static_cast<float>(in[0][i]) / scale) + zero, 0, 255);
  scales[0] = scale;
  zeros[0] = zero;
  return {out, scales, zeros};
}

TEST(DynamicQuantizeLinear, Values) {
  OpTest<DynamicQuantizeLinear> op;
  op.matches(reference, {{3, 4, 5}});
  op.matches(reference, {Input{7}.between(2, 9)});
  op.matches(reference, {Input{7}.between(-9, -2)});
  op.matches(reference, {Input::scalar(0)});
  op.matches(reference, {{0, 3}});
}

TEST(DynamicQuantizeLinear, InfinityAndNaNAreNoCrash) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (double x : {inf, -inf, static_cast<double>(std::nanf(""))})
    EXPECT_EQ(OpTest<DynamicQuantizeLinear>().run_code({Input::values({2}, {x, 1})}), Code::ok);
}

}  // namespace
}  // namespace lithe::test
