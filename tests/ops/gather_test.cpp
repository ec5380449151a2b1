// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/gather.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

ReferenceTensor reference(const ops::Gather::Attributes& attributes, const std::vector<ReferenceTensor>& in) {
  const Shape &data = in[0].shape, &indices = in[1].shape;
  const int axis = static_cast<int>(attributes.axis < 0 ? attributes.axis + data.rank() : attributes.axis);
  Shape shape;
  for (int d = 0; d < axis; ++d) shape.push_back(data[d]);
  for (int d = 0; d < indices.rank(); ++d) shape.push_back(indices[d]);
  for (int d = axis + 1; d < data.rank(); ++d) shape.push_back(data[d]);
  return rearranged(in[0], shape, [&](const Index& to) {
    const auto begin = to.begin() + axis, end = begin + indices.rank();
    auto chosen = static_cast<index_t>(in[1][in[1].offset(Index(begin, end))]);
    if (chosen < 0) chosen += data[axis];
    Index from(to.begin(), begin);
    from.push_back(chosen);
    from.insert(from.end(), end, to.end());
    return from;
  });
}

TEST(Gather, Values) {
  const auto indices = [] { return Input::values({2, 3}, {0, 3, -1, -4, 1, 2}); };
  OpTest<ops::Gather>{}.matches(reference, {{4, 5}, indices()});
  OpTest<ops::Gather>{{.axis = 1}}.matches(reference, {{3, 4, 2}, indices()});
  OpTest<ops::Gather>{{.axis = -1}}.matches(reference, {{3, 4}, indices()});
  OpTest<ops::Gather>{}.matches(reference, {{4}, Input::scalar(-2)});
  OpTest<ops::Gather>{{.axis = 1}}.matches(reference, {{2, 3, 2}, Input::values({0}, {})});
  OpTest<ops::Gather>{}.matches(reference, {{0, 3}, Input::values({0}, {})});
  OpTest<ops::Gather>{}.matches(reference, {{4, 0}, indices()});
}

TEST(Gather, IndicesOutsideAreRefusedAtRun) {
  OpTest<ops::Gather> op;
  EXPECT_EQ(op.run_code({{4, 2}, Input::ints({0, 3, -4})}), Code::ok);
  EXPECT_EQ(op.run_code({{4, 2}, Input::ints({4})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 2}, Input::ints({-5})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 2}, Input::ints({INT64_MAX})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 2}, Input::ints({INT64_MIN})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({2}, {0, 4}).as(DType::s32)}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{0, 2}, Input::ints({0})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 0}, Input::ints({9})}), Code::out_of_range);
}

TEST(Gather, Refuses) {
  OpTest<ops::Gather>{{.axis = 2}}.refuses({{{{4, 2}, {3}}, Code::shape}, {{{}, {3}}, Code::shape}});
  OpTest<ops::Gather>{{.axis = -3}}.refuses({{{{4, 2}, {3}}, Code::shape}});
  OpTest<ops::Gather>{}.refuses({{{{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}, Code::shape},
                                 {{Input{4, 2}.as(DType::s4), {3}}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
