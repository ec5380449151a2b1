// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/where.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

double broadcast_at(const ReferenceTensor& in, const ReferenceTensor& out, index_t flat) {
  std::vector<index_t> index = out.index_of(flat);
  index.erase(index.begin(), index.begin() + (out.shape.rank() - in.shape.rank()));
  for (int i = 0; i < in.shape.rank(); ++i)
    if (in.shape[i] == 1) index[static_cast<std::size_t>(i)] = 0;
  return in[in.offset(index)];
}

TEST(Where, Values) {
  struct Row {
    Shape condition, a, b, output;
  };
  const std::vector<Row> table{{{2, 3, 50}, {2, 3, 50}, {2, 3, 50}, {2, 3, 50}},
                               {{}, {2, 3}, {2, 3}, {2, 3}},
                               {{2, 3}, {}, {}, {2, 3}},
                               {{2, 3, 1}, {4}, {3, 1}, {2, 3, 4}},
                               {{1}, {1, 3, 1}, {2, 1, 4}, {2, 3, 4}},
                               {{2, 1}, {5}, {2, 5}, {2, 5}},
                               {{}, {}, {}, {}},
                               {{3, 0}, {1}, {1, 1}, {3, 0}}};
  for (const auto& [condition, a, b, output] : table) {
    const auto reference = [&](const std::vector<ReferenceTensor>& in) {
      ReferenceTensor out(output);
      for (index_t i = 0; i < output.elements(); ++i)
        out[i] = broadcast_at(in[broadcast_at(in[0], out, i) != 0 ? 1 : 2], out, i);
      return out;
    };
    OpTest<ops::Where> op;
    EXPECT_EQ(op.infer({condition, a, b}), output);
    op.matches(reference, {condition, a, b});
  }
}

TEST(Where, Refuses) {
  OpTest<ops::Where> op;
  op.refuses({{{{2}, {3}, {3}}, Code::shape},
              {{{3}, {2}, {3}}, Code::shape},
              {{{40000, 1, 1}, {1, 40000, 1}, {1}}, Code::out_of_memory},
              {{{2}, Input{2}.as(DType::s4), Input{2}.as(DType::s4)}, Code::unsupported},
              {{{2}, Input{2}.as(DType::s8).quantized(1, 0), Input{2}.as(DType::s8).quantized(2, 0)},
               Code::invalid_model}});
}

}  // namespace
}  // namespace lithe::test
