// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/unsqueeze.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(Unsqueeze, Shapes) {
  OpTest<ops::Unsqueeze> op;
  EXPECT_EQ(op.infer({{3, 4}, Input::ints({0})}), (Shape{1, 3, 4}));
  EXPECT_EQ(op.infer({{3, 4}, Input::ints({3, 0})}), (Shape{1, 3, 4, 1}));
  EXPECT_EQ(op.infer({{3, 4}, Input::ints({-1})}), (Shape{3, 4, 1}));
  EXPECT_EQ(op.infer({{}, Input::ints({0, 1})}), (Shape{1, 1}));
  EXPECT_EQ(op.infer({{3, 4}, Input::ints({})}), (Shape{3, 4}));
}

TEST(Unsqueeze, Refuses) {
  OpTest<ops::Unsqueeze>{}.refuses({{{{3}, Input{1}}, Code::needs_value},
                                    {{{3}, Input::ints({2})}, Code::shape},
                                    {{{3}, Input::ints({-3})}, Code::shape},
                                    {{{3}, Input::ints({0, 0})}, Code::shape},
                                    {{{3}, Input::ints({0, -3})}, Code::shape},
                                    {{{3}, Input::ints({0, 1, 2, 3, 4, 5, 6, 7})}, Code::shape}});
}

TEST(Unsqueeze, Values) {
  OpTest<ops::Unsqueeze>{}.matches(
      [](const std::vector<ReferenceTensor>& in) { return ReferenceTensor({3, 1, 4}, in[0].values); },
      {{3, 4}, Input::ints({1})});
}

}  // namespace
}  // namespace lithe::test
