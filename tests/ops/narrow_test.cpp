// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/narrow.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::NarrowType;

constexpr double inf = std::numeric_limits<double>::infinity(),
                 nan = std::numeric_limits<double>::quiet_NaN();

/// The nearest number with `bits` significant bits and an exponent of at least `least`.
double nearest(double x, int bits, int least, double most) {
  if (!std::isfinite(x) || x == 0) return x;
  const int exponent = std::max(std::ilogb(x), least) - bits + 1;
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(x, -exponent)), exponent);
  return std::fabs(rounded) > most ? std::copysign(inf, x) : rounded;
}

TEST(Narrow, Rounds) {
  for (const NarrowType to : {NarrowType::f16, NarrowType::bf16}) {
    const auto reference = [&](const std::vector<ReferenceTensor>& in) {
      ReferenceTensor out(in[0].shape);
      for (index_t i = 0; i < in[0].shape.elements(); ++i)
        out[i] = to == NarrowType::f16 ? nearest(in[0][i], 11, -14, 65504)
                                       : nearest(in[0][i], 8, -126, 3.3895313892515355e38);
      return out;
    };
    for (const Shape& shape : {Shape{2, 5, 3, 7}, Shape{0, 4}, Shape{}, Shape{300}})
      OpTest<ops::Narrow>({.to = to}).matches(reference, {Input(shape).between(-70000, 70000)});
  }
}

/// Ties go to even, numbers beyond the range to infinity, and what is not finite stays.
TEST(Narrow, Edges) {
  const auto gives = [](NarrowType to, const std::vector<double>& wanted, const std::vector<double>& in) {
    const Shape shape{static_cast<index_t>(in.size())};
    OpTest<ops::Narrow>({.to = to})
        .matches([&](const std::vector<ReferenceTensor>&) { return ReferenceTensor(shape, wanted); },
                 {Input::values(shape, in)});
  };
  gives(NarrowType::f16, {2048, 2052, 65504, -inf, inf, nan, 0x1p-24, 0},
        {2049, 2051, 65519, -65520, inf, nan, 0x1.8p-25, 0x1p-25});
  gives(NarrowType::bf16, {256, 260, inf, -inf, nan}, {257, 259, 3.4e38, -inf, nan});
}

}  // namespace
}  // namespace lithe::test
