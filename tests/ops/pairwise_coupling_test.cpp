// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/pairwise_coupling.hpp"

#include <cmath>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::PairwiseCoupling;

/// The least sum over pairs of (r_ji p_i - r_ij p_j)^2 on the simplex, by elimination of its linear equations.
std::vector<double> least(const std::vector<double>& pairs, std::size_t classes) {
  std::vector<std::vector<double>> m(classes + 1, std::vector<double>(classes + 2));
  std::size_t pair = 0;
  for (std::size_t i = 0; i < classes; ++i) {
    m[i][classes] = m[classes][i] = 1;
    for (std::size_t j = i + 1; j < classes; ++j, ++pair) {
      const double r = pairs[pair];
      m[i][i] += (1 - r) * (1 - r);
      m[j][j] += r * r;
      m[i][j] = m[j][i] = -r * (1 - r);
    }
  }
  m[classes][classes + 1] = 1;
  for (std::size_t k = 0; k <= classes; ++k) {
    std::size_t pivot = k;
    for (std::size_t row = k; row <= classes; ++row)
      if (std::abs(m[row][k]) > std::abs(m[pivot][k])) pivot = row;
    std::swap(m[k], m[pivot]);
    for (std::size_t row = 0; row <= classes; ++row) {
      if (row == k) continue;
      const double factor = m[row][k] / m[k][k];
      for (std::size_t c = k; c <= classes + 1; ++c) m[row][c] -= factor * m[k][c];
    }
  }
  std::vector<double> p;
  for (std::size_t i = 0; i < classes; ++i) p.push_back(m[i][classes + 1] / m[i][i]);
  return p;
}

ReferenceTensor reference(const std::vector<ReferenceTensor>& in) {
  const index_t pairs = in[0].shape[1];
  const auto classes = static_cast<index_t>((1 + std::sqrt(1 + 8 * static_cast<double>(pairs))) / 2);
  ReferenceTensor y({in[0].shape[0], classes});
  for (index_t n = 0; n < y.shape[0]; ++n) {
    const auto row = in[0].values.begin() + n * pairs;
    const std::vector<double> p = least({row, row + pairs}, static_cast<std::size_t>(classes));
    for (index_t c = 0; c < classes; ++c) y.at(n, c) = p[static_cast<std::size_t>(c)];
  }
  return y;
}

TEST(PairwiseCoupling, IsNearTheLeastError) {
  constexpr double stops_within = 2e-2;
  for (const index_t pairs : {1, 3, 6, 45})
    OpTest<PairwiseCoupling>{}.matches(reference, {Input{9, pairs}.between(0.05, 0.95)},
                                       {.tolerance = stops_within});
  OpTest<PairwiseCoupling>{}.matches(reference, {{0, 3}});
}

/// Algorithm 2 itself, in NumPy: it stops as soon as it is near enough.
TEST(PairwiseCoupling, StopsWhereTheSourceDoes) {
  const auto wanted = [](const std::vector<ReferenceTensor>&) {
    return ReferenceTensor({2, 3}, {0.733947634788822, 0.0816628895828847, 0.184389475628293,
                                    0.197799196017104, 0.1238191150244, 0.678381688958495});
  };
  OpTest<PairwiseCoupling>{}.matches(wanted, {Input::values({2, 3}, {0.9, 0.8, 0.3, 0.5, 0.25, 0.125})});
}

TEST(PairwiseCoupling, Refuses) {
  OpTest<PairwiseCoupling>{}.refuses(
      {{{{3}}, Code::shape}, {{{2, 2}}, Code::shape}, {{{2, 0}}, Code::shape}, {{{1, 32896}}, Code::shape}});
  EXPECT_EQ(OpTest<PairwiseCoupling>{}.infer({{5, 32640}}), (Shape{5, 256}));
}

}  // namespace
}  // namespace lithe::test
