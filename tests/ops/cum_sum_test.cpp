// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/cum_sum.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::CumulativeAttributes;

template <bool product>
ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  const int axis = static_cast<int>(in[1][0] < 0 ? in[1][0] + x.rank() : in[1][0]);
  ReferenceTensor out(x);
  for (index_t i = 0; i < x.elements(); ++i) {
    const auto at = in[0].index_of(i);
    const index_t self = at[static_cast<std::size_t>(axis)];
    double total = product ? 1 : 0;
    for (index_t k = 0; k < x[axis]; ++k) {
      auto other = at;
      other[static_cast<std::size_t>(axis)] = k;
      const double v = in[0][in[0].offset(other)];
      if ((a.reverse ? k > self : k < self) || (!a.exclusive && k == self))
        total = product ? total * v : total + v;
    }
    out[i] = total;
  }
  return out;
}

template <class Op>
void matches_everywhere(ReferenceTensor (*reference)(const Attributes&, const std::vector<ReferenceTensor>&),
                        double low, double high) {
  const auto x = [&](const Shape& shape) { return Input(shape).between(low, high); };
  for (bool exclusive : {false, true})
    for (bool reverse : {false, true}) {
      OpTest<Op> op({.exclusive = exclusive, .reverse = reverse});
      op.matches(reference, {x({5}), Input::scalar(0)});
      op.matches(reference, {x({3, 150}), Input::scalar(-1)});
      op.matches(reference, {x({4, 9, 70}), Input::ints({1})});
      op.matches(reference, {x({6, 4}), Input::scalar(-2).as(DType::s32)});
      op.matches(reference, {x({3, 0, 2}), Input::scalar(1)});
      op.matches(reference, {x({2, 1, 3}), Input::scalar(1)});
      op.matches(reference, {x({1}), Input::ints({0})});
    }
}

TEST(CumSum, Values) { matches_everywhere<ops::CumSum>(reference<false>, 0, 3); }
TEST(CumProd, Values) { matches_everywhere<ops::CumProd>(reference<true>, 0.97, 1.03); }
TEST(CumProd, Integers) {
  OpTest<ops::CumProd>().matches(reference<true>, {Input{2, 7}.between(1, 3), Input::scalar(1)});
}

TEST(CumSum, IntegersWrap) {
  OpTest<ops::CumSum>().matches(
      [](const std::vector<ReferenceTensor>&) { return ReferenceTensor({2}, {2147483647.0, -2147483648.0}); },
      {Input::values({2}, {2147483647, 1}).as(DType::s32), Input::scalar(0)});
}

TEST(CumSum, AnAxisOutsideIsRefusedAtRun) {
  OpTest<ops::CumSum> op;
  EXPECT_EQ(op.run_code({{2, 3}, Input::ints({1})}), Code::ok);
  for (std::int64_t axis : {std::int64_t{2}, std::int64_t{-3}, INT64_MAX, INT64_MIN})
    EXPECT_EQ(op.run_code({{2, 3}, Input::ints({axis})}), Code::out_of_range) << axis;
}

TEST(CumSum, Refusals) {
  OpTest<ops::CumSum>().refuses({{{{}, Input::scalar(0)}, Code::shape},
                                 {{{2, 3}, Input::ints({0, 1})}, Code::shape},
                                 {{{2, 3}, Input{0}}, Code::shape},
                                 {{{2, 3}, Input{1, 1}}, Code::shape}});
}

}  // namespace
}  // namespace lithe::test
