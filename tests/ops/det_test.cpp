// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/det.hpp"

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::Det;

/// By the first row, which is slow and shares nothing with elimination.
double determinant(const std::vector<std::vector<double>>& m) {
  if (m.empty()) return 1;
  double sum = 0;
  for (std::size_t c = 0; c < m.size(); ++c) {
    std::vector<std::vector<double>> rest;
    for (std::size_t row = 1; row < m.size(); ++row) {
      rest.push_back(m[row]);
      rest.back().erase(rest.back().begin() + static_cast<std::ptrdiff_t>(c));
    }
    sum += (c % 2 == 0 ? 1 : -1) * m[0][c] * determinant(rest);
  }
  return sum;
}

ReferenceTensor reference(const std::vector<ReferenceTensor>& in) {
  const Shape& shape = in[0].shape;
  Shape batch;
  for (int i = 0; i < shape.rank() - 2; ++i) batch.push_back(shape[i]);
  ReferenceTensor y(batch);
  const index_t m = shape.back();
  for (index_t b = 0; b < batch.elements(); ++b) {
    std::vector<std::vector<double>> matrix(static_cast<std::size_t>(m),
                                            std::vector<double>(static_cast<std::size_t>(m)));
    for (index_t i = 0; i < m * m; ++i)
      matrix[static_cast<std::size_t>(i / m)][static_cast<std::size_t>(i % m)] = in[0][b * m * m + i];
    y[b] = determinant(matrix);
  }
  return y;
}

TEST(Det, Values) {
  for (const index_t m : {1, 2, 3, 5}) OpTest<Det>{}.matches(reference, {{2, 3, m, m}});
  OpTest<Det>{}.matches(reference, {{4, 4}});
  OpTest<Det>{}.matches(reference, {{0, 3, 3}});
  OpTest<Det>{}.matches(reference, {{2, 0, 0}});
}

TEST(Det, PivotsAndSingularMatrices) {
  OpTest<Det>{}.matches(reference, {Input::values({3, 3}, {0, 2, 1, 3, 0, 2, 1, 1, 0})});
  OpTest<Det>{}.matches(reference, {Input::values({2, 2}, {1, 2, 2, 4})});
  OpTest<Det>{}.matches(reference, {Input::values({2, 2}, {0, 0, 0, 0})});
}

TEST(Det, Refuses) {
  OpTest<Det>{}.refuses({{{{4}}, Code::shape}, {{{2, 3}}, Code::shape}, {{{}}, Code::shape}});
  EXPECT_EQ(OpTest<Det>{}.infer({{5, 2, 3, 3}}), (Shape{5, 2}));
}

}  // namespace
}  // namespace lithe::test
