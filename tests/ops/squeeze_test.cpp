// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/squeeze.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(Squeeze, Shapes) {
  OpTest<ops::Squeeze> op;
  EXPECT_EQ(op.infer({{1, 3, 1, 4}}), (Shape{3, 4}));
  EXPECT_EQ(op.infer({{1, 3, 1, 4}, Input::ints({0})}), (Shape{3, 1, 4}));
  EXPECT_EQ(op.infer({{1, 3, 1, 4}, Input::ints({-2, 0})}), (Shape{3, 4}));
  EXPECT_EQ(op.infer({{1, 3, 1, 4}, Input::ints({})}), (Shape{1, 3, 1, 4}));
  EXPECT_EQ(op.infer({{1, 1}}), (Shape{}));
  EXPECT_EQ(op.infer({{}}), (Shape{}));
  EXPECT_EQ(op.infer({{1, 0}}), (Shape{0}));
}

TEST(Squeeze, Refuses) {
  OpTest<ops::Squeeze>{}.refuses({{{{1, 3}, Input{1}}, Code::needs_value},
                                  {{{1, 3}, Input::ints({1})}, Code::shape},
                                  {{{1, 3}, Input::ints({2})}, Code::shape},
                                  {{{1, 3}, Input::ints({-3})}, Code::shape},
                                  {{{}, Input::ints({0})}, Code::shape}});
}

TEST(Squeeze, Values) {
  OpTest<ops::Squeeze> op;
  const auto reference = [](const std::vector<ReferenceTensor>& in) {
    return ReferenceTensor({3, 4}, in[0].values);
  };
  op.matches(reference, {{1, 3, 1, 4}});
  op.matches(reference, {{1, 3, 4}, Input::ints({0})});
}

}  // namespace
}  // namespace lithe::test
