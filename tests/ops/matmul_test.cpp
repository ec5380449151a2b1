// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/matmul.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::MatMul;
using Attributes = MatMul::Attributes;

/// numpy.matmul: vectors become matrices, matrices are transposed, everything is computed at full rank.
ReferenceTensor reference_matmul(const Attributes& attributes, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor a = in[0], b = in[1];
  if (a.shape.rank() == 1) a.shape = {1, a.shape[0]};
  if (b.shape.rank() == 1) b.shape = {b.shape[0], 1};
  const int rank = std::max(a.shape.rank(), b.shape.rank());
  const auto dim = [&](const Shape& s, int axis) {
    return axis < rank - s.rank() ? 1 : s[axis - (rank - s.rank())];
  };
  const index_t k = dim(a.shape, attributes.transpose_a ? rank - 2 : rank - 1);
  Shape full;
  for (int i = 0; i < rank - 2; ++i) full.push_back(dim(a.shape, i) == 1 ? dim(b.shape, i) : dim(a.shape, i));
  full.push_back(dim(a.shape, attributes.transpose_a ? rank - 1 : rank - 2));
  full.push_back(dim(b.shape, attributes.transpose_b ? rank - 2 : rank - 1));
  ReferenceTensor out(full);
  const auto element = [&](const ReferenceTensor& t, std::vector<index_t> at, bool transpose) {
    if (transpose) std::swap(at[at.size() - 1], at[at.size() - 2]);
    at.erase(at.begin(), at.end() - t.shape.rank());
    for (int i = 0; i < t.shape.rank(); ++i)
      if (t.shape[i] == 1) at[static_cast<std::size_t>(i)] = 0;
    return t[t.offset(at)];
  };
  for (index_t i = 0; i < full.elements(); ++i)
    for (index_t j = 0; j < k; ++j) {
      auto left = out.index_of(i), right = left;
      left.back() = j;
      right[right.size() - 2] = j;
      out[i] += element(a, left, attributes.transpose_a) * element(b, right, attributes.transpose_b);
    }
  Shape shape;
  for (int i = 0; i < rank; ++i)
    if (!(i == rank - 2 && in[0].shape.rank() == 1) && !(i == rank - 1 && in[1].shape.rank() == 1))
      shape.push_back(full[i]);
  return ReferenceTensor(shape, out.values);
}

TEST(MatMul, Shapes) {
  OpTest<MatMul> op;
  EXPECT_EQ(op.infer({{2, 3}, {3, 4}}), (Shape{2, 4}));
  EXPECT_EQ(op.infer({{3}, {3}}), (Shape{}));
  EXPECT_EQ(op.infer({{3}, {5, 3, 4}}), (Shape{5, 4}));
  EXPECT_EQ(op.infer({{5, 2, 3}, {3}}), (Shape{5, 2}));
  EXPECT_EQ(op.infer({{7, 1, 2, 3}, {5, 3, 4}}), (Shape{7, 5, 2, 4}));
  EXPECT_EQ(op.infer({{0, 2, 3}, {1, 3, 4}}), (Shape{0, 2, 4}));
  EXPECT_EQ(op.infer({{2, 0}, {0, 4}}), (Shape{2, 4}));
  EXPECT_EQ(OpTest<MatMul>({.transpose_a = true, .transpose_b = true}).infer({{3, 2}, {4, 3}}),
            (Shape{2, 4}));
}

TEST(MatMul, Refusals) {
  OpTest<MatMul>().refuses({{{{}, {3}}, Code::shape},
                            {{{3}, {}}, Code::shape},
                            {{{2, 3}, {2, 4}}, Code::shape},
                            {{{3}, {2, 4}}, Code::shape},
                            {{{2, 2, 3}, {3, 3, 4}}, Code::shape},
                            {{{0, 2, 3}, {3, 3, 4}}, Code::shape},
                            {{{1 << 20, 1}, {1, 1 << 20}}, Code::out_of_memory}});
  EXPECT_EQ(OpTest<MatMul>({.transpose_a = true}).infer({{3}, {3, 4}}).code(), Code::shape);
  EXPECT_EQ(OpTest<MatMul>({.transpose_b = true}).infer({{2, 3}, {3}}).code(), Code::shape);
  EXPECT_EQ(OpTest<MatMul>({.transpose_b = true}).infer({{2, 3}, {3, 4}}).code(), Code::shape);
}

TEST(MatMul, Values) {
  OpTest<MatMul>().matches(reference_matmul, {{5, 9}, {9, 37}});
  OpTest<MatMul>().matches(reference_matmul, {{2, 3, 4, 5}, {3, 5, 2}});
  OpTest<MatMul>().matches(reference_matmul, {{1, 3, 2, 6}, {4, 1, 6, 3}});
  OpTest<MatMul>().matches(reference_matmul, {{2, 2, 6}, {1, 6, 3}});
  OpTest<MatMul>({.transpose_a = true}).matches(reference_matmul, {{2, 6, 5}, {6, 3}});
  OpTest<MatMul>({.transpose_b = true}).matches(reference_matmul, {{3, 1, 4, 11}, {2, 7, 11}});
  OpTest<MatMul>({.transpose_a = true, .transpose_b = true})
      .matches(reference_matmul, {{2, 6, 5}, {2, 3, 6}});
}

TEST(MatMul, VectorsAndEdges) {
  OpTest<MatMul>().matches(reference_matmul, {{9}, {9}});
  OpTest<MatMul>().matches(reference_matmul, {{9}, {2, 9, 4}});
  OpTest<MatMul>().matches(reference_matmul, {{2, 3, 9}, {9}});
  OpTest<MatMul>({.transpose_b = true}).matches(reference_matmul, {{9}, {4, 9}});
  OpTest<MatMul>().matches(reference_matmul, {{2, 0}, {0, 3}});
  OpTest<MatMul>().matches(reference_matmul, {{0, 2, 3}, {1, 3, 2}});
  OpTest<MatMul>().matches(reference_matmul, {{2, 3}, {3, 0}});
}

TEST(MatMul, IntegersWrap) {
  const auto wrapped = [](const std::vector<ReferenceTensor>&) { return ReferenceTensor(Shape{1, 1}, {-2}); };
  OpTest<MatMul>().matches(wrapped, {Input::values({1, 1}, {2147483647}).as(DType::s32),
                                     Input::values({1, 1}, {2}).as(DType::s32)});
}

}  // namespace
}  // namespace lithe::test
