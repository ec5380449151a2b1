// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/dynamic_quantize.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/dynamic_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::DynamicQuantize;

TEST(DynamicQuantize, Shapes) {
  OpTest<DynamicQuantize> op;
  EXPECT_EQ(op.infer({{2, 5, 8}}).shapes, (std::vector<Shape>{{2, 5, 8}, {2, 5, 2}}));
  EXPECT_EQ(op.infer({{0, 8}}).shapes, (std::vector<Shape>{{0, 8}, {0, 2}}));
  EXPECT_EQ(op.infer({{3, 0}}).shapes, (std::vector<Shape>{{3, 0}, {3, 2}}));
  op.refuses({{{{}}, Code::shape}});
}

TEST(DynamicQuantize, Values) {
  OpTest<DynamicQuantize> op;
  op.matches(reference_dynamic_quantize, {{7, 33}});
  op.matches(reference_dynamic_quantize, {Input{3, 2, 9}.between(1, 5)});
  op.matches(reference_dynamic_quantize, {Input{5, 9}.between(-7, -2)});
  op.matches(reference_dynamic_quantize, {Input{40}.between(-1e30, 2e30)});
  op.matches(reference_dynamic_quantize,
             {Input::values({4, 3}, {0, 0, 0, 1e-3, 0, -1e-3, 5, 5, 5, -3e38, 3e38, 1})});
  op.matches(reference_dynamic_quantize, {{0, 4}});
  op.matches(reference_dynamic_quantize, {{2, 0}});
}

TEST(DynamicQuantize, NonFiniteNumbersStayInTheirRow) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  OpTest<DynamicQuantize> op;
  EXPECT_EQ(op.run_code({Input::values({3, 2}, {inf, 1, std::nan(""), 2, -inf, inf})}), Code::ok);
}

}  // namespace
}  // namespace lithe::test
