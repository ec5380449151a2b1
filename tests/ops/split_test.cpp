// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/split.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

/// The pieces of these sizes.
auto pieces_of(std::vector<index_t> sizes) {
  return [sizes](const ops::Split::Attributes& attributes, const std::vector<ReferenceTensor>& in) {
    const int axis =
        static_cast<int>(attributes.axis < 0 ? attributes.axis + in[0].shape.rank() : attributes.axis);
    std::vector<ReferenceTensor> pieces;
    index_t first = 0;
    for (index_t size : sizes) {
      Shape shape = in[0].shape;
      shape[axis] = size;
      pieces.push_back(rearranged(in[0], shape, [&](Index index) {
        index[static_cast<std::size_t>(axis)] += first;
        return index;
      }));
      first += size;
    }
    return pieces;
  };
}

TEST(Split, Values) {
  OpTest<ops::Split>{{.axis = 1}}.matches(pieces_of({1, 3, 2}), {{2, 6, 3}, Input::ints({1, 3, 2})},
                                          {.outputs = 3});
  OpTest<ops::Split>{{.axis = -1}}.matches(pieces_of({2, 0, 1}), {{2, 6, 3}, Input::ints({2, 0, 1})},
                                           {.outputs = 3});
  OpTest<ops::Split>{}.matches(pieces_of({2, 2}), {{4, 3}}, {.outputs = 2});
  OpTest<ops::Split>{}.matches(pieces_of({3, 3, 1}), {{7, 3}}, {.outputs = 3});
  OpTest<ops::Split>{}.matches(pieces_of({7}), {{7}}, {.outputs = 1});
  OpTest<ops::Split>{}.matches(pieces_of({0, 0}), {{0, 2}}, {.outputs = 2});
}

TEST(Split, AnAbsentOutputIsSkipped) {
  const std::vector<DType> row{DType::f32, DType::none, DType::f32};
  const auto without_second = [](const ops::Split::Attributes& attributes,
                                 const std::vector<ReferenceTensor>& in) {
    return pieces_of({3, 3, 1})(attributes, in);
  };
  OpTest<ops::Split>{}.matches(without_second, {{7, 2}}, {.rows = {{{DType::f32}, row}}});
  OpTest<ops::Split>{}.matches(without_second, {{7, 2}, Input::ints({3, 3, 1})},
                               {.rows = {{{DType::f32, DType::s64}, row}}});
}

TEST(Split, Refuses) {
  OpTest<ops::Split> op{{.axis = 1}};
  EXPECT_EQ(op.infer({{2, 6}, Input::ints({3, 4})}, 2).code(), Code::shape);
  EXPECT_EQ(op.infer({{2, 6}, Input::ints({3, 2})}, 2).code(), Code::shape);
  EXPECT_EQ(op.infer({{2, 6}, Input::ints({7, -1})}, 2).code(), Code::shape);
  EXPECT_EQ(op.infer({{2, 6}, Input::ints({INT64_MAX, 7})}, 2).code(), Code::shape);
  EXPECT_EQ(op.infer({{2, 6}, Input::ints({6})}, 2).code(), Code::shape);
  EXPECT_EQ(op.infer({{2, 6}, Input{2}}, 2).code(), Code::needs_value);
  EXPECT_EQ(op.infer({{6}}, 2).code(), Code::shape);
  EXPECT_EQ(op.infer({{2, 3}}, 5).code(), Code::shape)
      << "rounded up, four pieces are already more than the axis has";
  EXPECT_EQ(op.infer({Input{2, 4}.as(DType::s4)}, 2).code(), Code::unsupported);
}

}  // namespace
}  // namespace lithe::test
