// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/range.hpp"

#include <cmath>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::Range;

ReferenceTensor reference(const std::vector<ReferenceTensor>& in) {
  const double start = in[0][0], limit = in[1][0], delta = in[2][0];
  const auto n = static_cast<index_t>(std::max(0.0, std::ceil((limit - start) / delta)));
  ReferenceTensor out(Shape{n});
  for (index_t i = 0; i < n; ++i) out[i] = start + static_cast<double>(i) * delta;
  return out;
}
Input number(double v) { return Input::scalar(v).known(); }

TEST(Range, Values) {
  OpTest<Range> op;
  op.matches(reference, {number(2), number(9), number(2)});
  op.matches(reference, {number(10), number(-4), number(-3)});
  op.matches(reference, {number(0), number(100), number(1)});
  op.matches(reference, {number(5), number(5), number(1)});
  op.matches(reference, {number(5), number(2), number(1)});
  op.matches(reference, {Input::values({1}, {1}).known(), number(3), number(1)});
  MatchOptions floats;
  for (DType d : {DType::f32, DType::f16, DType::f64}) floats.rows.push_back({{d, d, d}, {d}});
  op.matches(reference, {number(-0.5), number(2.25), number(0.25)}, floats);
}

TEST(Range, IntegersOf64Bits) {
  OpTest<Range> op;
  const auto wide = [](std::int64_t v) { return Input::ints({v}).as(DType::s64); };
  EXPECT_EQ(op.infer({wide(INT64_MIN), wide(INT64_MAX), wide(INT64_MAX)}), Shape{3});
  EXPECT_EQ(op.infer({wide(INT64_MAX), wide(INT64_MIN), wide(INT64_MIN)}), Shape{2});
  EXPECT_EQ(op.infer({wide(INT64_MIN), wide(INT64_MAX), wide(1)}).code(), Code::shape);
}

TEST(Range, Refuses) {
  OpTest<Range>{}.refuses({{{{}, {}, {}}, Code::needs_value},
                           {{number(0), number(1), Input{}}, Code::needs_value},
                           {{number(0), number(1), number(0)}, Code::shape},
                           {{number(0), number(INFINITY), number(1)}, Code::shape},
                           {{number(NAN), number(1), number(1)}, Code::shape},
                           {{number(0), number(3e9), number(1)}, Code::shape},
                           {{number(0), number(2e9), number(1)}, Code::out_of_memory},
                           {{Input{2}, number(1), number(1)}, Code::shape}});
}

}  // namespace
}  // namespace lithe::test
