// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/expand.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

TEST(Expand, Values) {
  struct Row {
    Shape input;
    std::vector<std::int64_t> shape;
    Shape output;
  };
  const std::vector<Row> table{{{3, 1}, {2, 1, 6}, {2, 3, 6}},
                               {{3, 1}, {3, 4}, {3, 4}},
                               {{}, {2, 3}, {2, 3}},
                               {{2, 3}, {1}, {2, 3}},
                               {{2, 3}, {}, {2, 3}},
                               {{1, 3}, {5, 1}, {5, 3}},
                               {{1}, {0}, {0}},
                               {{2, 0}, {3, 1, 1}, {3, 2, 0}},
                               {{2, 1, 2, 1}, {2, 3, 2, 3}, {2, 3, 2, 3}},
                               {{7}, {200, 7}, {200, 7}}};
  for (const auto& [input, shape, output] : table) {
    const auto reference = [&](const std::vector<ReferenceTensor>& in) {
      ReferenceTensor out(output);
      for (index_t i = 0; i < output.elements(); ++i) {
        std::vector<index_t> index = out.index_of(i);
        index.erase(index.begin(), index.begin() + (output.rank() - input.rank()));
        for (int k = 0; k < input.rank(); ++k) index[static_cast<std::size_t>(k)] %= input[k];
        out[i] = in[0][in[0].offset(index)];
      }
      return out;
    };
    OpTest<ops::Expand> op;
    EXPECT_EQ(op.infer({input, Input::ints(shape)}), output);
    op.matches(reference, {input, Input::ints(shape)});
  }
}

TEST(Expand, Refuses) {
  OpTest<ops::Expand>().refuses({{{{2}, Input::ints({3})}, Code::shape},
                                 {{{1}, Input::ints({-1})}, Code::shape},
                                 {{{1}, Input::ints({1ll << 40})}, Code::shape},
                                 {{{1}, Input::ints({1, 1, 1, 1, 1, 1, 1, 1, 1})}, Code::shape},
                                 {{{1}, Input::ints({1 << 30, 1 << 30})}, Code::out_of_memory},
                                 {{{1}, Input::ints({2}).known(false)}, Code::needs_value},
                                 {{{1}, Input::values({1, 1}, {2}).known()}, Code::shape},
                                 {{Input{1}.as(DType::u4), Input::ints({2})}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
