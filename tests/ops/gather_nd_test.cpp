// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/gather_nd.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

using ops::GatherND;

ReferenceTensor reference(const GatherND::Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape &data = in[0].shape, &indices = in[1].shape;
  const auto batch = static_cast<int>(a.batch_dims), depth = static_cast<int>(indices.back());
  Shape shape;
  for (int d = 0; d + 1 < indices.rank(); ++d) shape.push_back(indices[d]);
  for (int d = batch + depth; d < data.rank(); ++d) shape.push_back(data[d]);
  return rearranged(in[0], shape, [&](const Index& to) {
    const auto split = to.begin() + (indices.rank() - 1);
    Index from(to.begin(), to.begin() + batch), tuple(to.begin(), split);
    tuple.push_back(0);
    for (; tuple.back() < depth; ++tuple.back()) {
      const auto chosen = static_cast<index_t>(in[1][in[1].offset(tuple)]);
      from.push_back(chosen < 0 ? chosen + data[static_cast<int>(from.size())] : chosen);
    }
    from.insert(from.end(), split, to.end());
    return from;
  });
}

TEST(GatherND, Values) {
  OpTest<GatherND> op;
  op.matches(reference, {{4, 3}, Input::values({3, 2}, {0, 0, -1, 2, 3, -3})});
  op.matches(reference, {{4, 3, 2}, Input::values({2, 1, 1}, {3, -4})});
  op.matches(reference, {{4, 3, 2}, Input::values({1, 3}, {1, 1, 1})});
  op.matches(reference, {{4, 3}, Input::values({1}, {2})});
  op.matches(reference, {{4, 0}, Input::values({2, 1}, {1, 2})});
  op.matches(reference, {{4, 3}, Input::values({0, 2}, {})});
  OpTest<GatherND>{{.batch_dims = 1}}.matches(reference,
                                              {{2, 3, 4}, Input::values({2, 2, 1}, {0, -1, 2, 1})});
  OpTest<GatherND>{{.batch_dims = 2}}.matches(reference,
                                              {{2, 1, 3, 4}, Input::values({2, 1, 2}, {0, 3, -1, -2})});
}

TEST(GatherND, IndicesOutsideAreRefusedAtRun) {
  OpTest<GatherND> op;
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({1, 2}, {3, -2})}), Code::ok);
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({1, 2}, {4, 0})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({1, 2}, {0, -3})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 0}, Input::values({1, 1}, {4})}), Code::out_of_range);
}

TEST(GatherND, Refuses) {
  OpTest<GatherND>{}.refuses({{{{4, 2}, {1, 3}}, Code::shape},
                              {{{4, 2}, {1, 0}}, Code::shape},
                              {{{4, 2}, {}}, Code::invalid_model},
                              {{{}, {1, 1}}, Code::invalid_model},
                              {{Input{4}.as(DType::s4), {1, 1}}, Code::unsupported}});
  OpTest<GatherND>{{.batch_dims = -1}}.refuses({{{{4, 2}, {1, 1}}, Code::invalid_model}});
  OpTest<GatherND>{{.batch_dims = 1}}.refuses(
      {{{{4, 2}, {3, 1}}, Code::shape}, {{{4, 2}, {4, 2}}, Code::shape}});
  OpTest<GatherND>{{.batch_dims = 2}}.refuses({{{{4, 2}, {4, 2, 1}}, Code::invalid_model}});
}

}  // namespace
}  // namespace lithe::test
