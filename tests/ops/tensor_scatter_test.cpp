// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/tensor_scatter.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

using ops::ScatterMode;
using ops::TensorScatter;

ReferenceTensor reference(const TensorScatter::Attributes& a, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out = in[0];
  const int axis = static_cast<int>(a.axis < 0 ? a.axis + out.shape.rank() : a.axis);
  for (index_t i = 0; i < in[1].shape.elements(); ++i) {
    Index at = in[1].index_of(i);
    index_t& place = at[static_cast<std::size_t>(axis)];
    if (in.size() > 2) place += static_cast<index_t>(in[2][at[0]]);
    place %= out.shape[axis];
    out[out.offset(at)] = in[1][i];
  }
  return out;
}

TEST(TensorScatter, Values) {
  OpTest<TensorScatter>{}.matches(reference, {{2, 3, 5, 4}, {2, 3, 2, 4}, Input::values({2}, {3, 0})});
  OpTest<TensorScatter>{}.matches(reference, {{2, 5, 4}, {2, 2, 4}});
  OpTest<TensorScatter>{{.axis = 1}}.matches(reference, {{2, 3, 4}, {2, 3, 4}, Input::values({2}, {0, 0})});
  OpTest<TensorScatter>{{.axis = -1, .mode = ScatterMode::circular}}.matches(
      reference, {{2, 2, 5}, {2, 2, 3}, Input::values({2}, {4, 1})});
  OpTest<TensorScatter>{}.matches(reference, {{2, 5, 0}, {2, 2, 0}, Input::values({2}, {3, 0})});
  OpTest<TensorScatter>{}.matches(reference, {{2, 5, 3}, {2, 0, 3}, Input::values({2}, {5, 0})});
}

TEST(TensorScatter, PlacesOutsideAreRefusedAtRun) {
  OpTest<TensorScatter> linear, circular{{.mode = ScatterMode::circular}};
  const auto code = [](const OpTest<TensorScatter>& op, double place) {
    return op.run_code({{1, 5, 3}, {1, 2, 3}, Input::values({1}, {place})});
  };
  EXPECT_EQ(code(linear, 3), Code::ok);
  EXPECT_EQ(code(linear, 4), Code::out_of_range);
  EXPECT_EQ(code(linear, -1), Code::out_of_range);
  EXPECT_EQ(code(circular, 4), Code::ok);
  EXPECT_EQ(code(circular, 5), Code::out_of_range);
}

TEST(TensorScatter, Refuses) {
  OpTest<TensorScatter>{}.refuses({{{{2, 5, 3}, {2, 6, 3}, {2}}, Code::shape},
                                   {{{2, 5, 3}, {2, 1, 2}, {2}}, Code::shape},
                                   {{{2, 5, 3}, {5, 3}, {2}}, Code::shape},
                                   {{{2, 5, 3}, {2, 1, 3}, {3}}, Code::shape},
                                   {{{2, 3}, {1, 3}, {2}}, Code::shape},
                                   {{{2}, {2}, {2}}, Code::shape},
                                   {{Input{2, 5, 3}.as(DType::s4), {2, 1, 3}, {2}}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
