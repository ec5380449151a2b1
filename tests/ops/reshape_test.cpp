// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reshape.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

ReferenceTensor as_2_6(const std::vector<ReferenceTensor>& in) { return {{2, 6}, in[0].values}; }

TEST(Reshape, Shapes) {
  OpTest<ops::Reshape> op;
  EXPECT_EQ(op.infer({{3, 4}, Input::ints({2, 6})}), (Shape{2, 6}));
  EXPECT_EQ(op.infer({{3, 4}, Input::ints({2, -1})}), (Shape{2, 6}));
  EXPECT_EQ(op.infer({{3, 4}, Input::ints({0, -1, 2})}), (Shape{3, 2, 2}));
  EXPECT_EQ(op.infer({{1, 1}, Input::ints({})}), (Shape{}));
  EXPECT_EQ(op.infer({{}, Input::ints({-1})}), (Shape{1}));
  EXPECT_EQ(op.infer({{0, 4}, Input::ints({0, 7})}), (Shape{0, 7}));
  EXPECT_EQ(op.infer({{3, 0}, Input::ints({5, 0})}), (Shape{5, 0}));
  EXPECT_EQ(op.infer({{0, 4}, Input::ints({3, -1})}), (Shape{3, 0}));
  OpTest<ops::Reshape> zeros{{.allow_zero = true}};
  EXPECT_EQ(zeros.infer({{3, 0}, Input::ints({0, 9})}), (Shape{0, 9}));
  EXPECT_EQ(zeros.infer({{3, 4}, Input::ints({0, 4})}).code(), Code::shape);
}

TEST(Reshape, Refuses) {
  OpTest<ops::Reshape>{}.refuses({
      {{{3, 4}, Input{2}}, Code::needs_value},
      {{{3, 4}, Input::ints({2, 5})}, Code::shape},
      {{{3, 4}, Input::ints({-1, -1})}, Code::shape},
      {{{3, 4}, Input::ints({5, -1})}, Code::shape},
      {{{3, 4}, Input::ints({-2, -6})}, Code::shape},
      {{{3, 4}, Input::ints({1, 1, 0})}, Code::shape},
      {{{0, 4}, Input::ints({0, -1})}, Code::shape},
      {{{3, 4}, Input::ints({12, 1, 1, 1, 1, 1, 1, 1, 1})}, Code::shape},
      {{{3, 4}, Input::ints({1 << 30, 1 << 30, 1 << 30, 1 << 30})}, Code::shape},
      {{{3, 4}, Input::ints({std::int64_t{1} << 40, 12})}, Code::shape},
      {{{3, 4}, Input::values({1, 2}, {2, 6}).known()}, Code::shape},
  });
}

TEST(Reshape, Values) {
  OpTest<ops::Reshape> op;
  op.matches(as_2_6, {{3, 4}, Input::ints({2, -1})});
  op.matches(as_2_6, {Input{3, 4}.as(DType::s4), Input::ints({2, 6})});
  op.matches(as_2_6, {Input{3, 4}.as(DType::bf16), Input::ints({2, 6})});
  op.matches([](const std::vector<ReferenceTensor>&) { return ReferenceTensor(Shape{0, 5}); },
             {{0, 4}, Input::ints({0, 5})});
}

}  // namespace
}  // namespace lithe::test
