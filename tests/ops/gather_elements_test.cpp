// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/gather_elements.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

using ops::GatherElements;

ReferenceTensor reference(const GatherElements::Attributes& a, const std::vector<ReferenceTensor>& in) {
  const int rank = in[0].shape.rank();
  const auto axis = static_cast<std::size_t>(a.axis < 0 ? a.axis + rank : a.axis);
  return rearranged(in[0], in[1].shape, [&](Index at) {
    auto chosen = static_cast<index_t>(in[1][in[1].offset(at)]);
    if (chosen < 0) chosen += in[0].shape[static_cast<int>(axis)];
    at[axis] = chosen;
    return at;
  });
}

TEST(GatherElements, Values) {
  const auto indices = [] { return Input::values({2, 3}, {0, 3, -1, -4, 1, 2}); };
  OpTest<GatherElements>{}.matches(reference, {{4, 5}, indices()});
  OpTest<GatherElements>{{.axis = 1}}.matches(reference, {{2, 4}, indices()});
  OpTest<GatherElements>{{.axis = -1}}.matches(reference, {{5, 4}, indices()});
  OpTest<GatherElements>{{.axis = -2}}.matches(reference, {{3, 2, 4}, Input{2, 5, 3}.between(-2, 1)});
  OpTest<GatherElements>{}.matches(reference, {{4}, Input::values({0}, {})});
  OpTest<GatherElements>{{.axis = 1}}.matches(reference, {{2, 3}, Input::values({0, 7}, {})});
}

TEST(GatherElements, IndicesOutsideAreRefusedAtRun) {
  OpTest<GatherElements> op;
  EXPECT_EQ(op.run_code({{4}, Input::ints({0, 3, -4})}), Code::ok);
  EXPECT_EQ(op.run_code({{4}, Input::ints({0, 4})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4}, Input::ints({-5})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4}, Input::ints({INT64_MIN})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4}, Input::values({1}, {4}).as(DType::s32)}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{0}, Input::ints({0})}), Code::out_of_range);
}

TEST(GatherElements, Refuses) {
  OpTest<GatherElements>{}.refuses({{{{4, 2}, {3}}, Code::shape},
                                    {{{4, 2}, {3, 3}}, Code::shape},
                                    {{{}, {}}, Code::shape},
                                    {{Input{4}.as(DType::s4), {3}}, Code::unsupported}});
  OpTest<GatherElements>{{.axis = 2}}.refuses({{{{4, 2}, {3, 2}}, Code::shape}});
  OpTest<GatherElements>{{.axis = -3}}.refuses({{{{4, 2}, {3, 2}}, Code::shape}});
}

}  // namespace
}  // namespace lithe::test
