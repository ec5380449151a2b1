// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/non_max_suppression.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::NonMaxSuppression;
using Attributes = NonMaxSuppression::Attributes;
using Box = std::array<double, 4>;  // left, right, top, bottom

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a[1], b[1]) - std::max(a[0], b[0]),
               height = std::min(a[3], b[3]) - std::max(a[2], b[2]);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / ((a[1] - a[0]) * (a[3] - a[2]) + (b[1] - b[0]) * (b[3] - b[2]) - common);
}

ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& shape = in[1].shape;
  const auto number = [&](std::size_t i, double fallback) {
    return in.size() > i && !in[i].empty() ? in[i][0] : fallback;
  };
  std::vector<double> rows;
  for (index_t image = 0; image < shape[0]; ++image)
    for (index_t kind = 0; kind < shape[1]; ++kind) {
      std::vector<index_t> order, kept;
      for (index_t i = 0; i < shape[2]; ++i)
        if (in[1].at(image, kind, i) > number(4, -INFINITY)) order.push_back(i);
      std::sort(order.begin(), order.end(), [&](index_t p, index_t q) {
        const double p_score = in[1].at(image, kind, p), q_score = in[1].at(image, kind, q);
        return p_score != q_score ? p_score > q_score : p < q;
      });
      const auto box = [&](index_t i) -> Box {
        double v[4];
        for (int k = 0; k < 4; ++k) v[k] = in[0].at(image, i, k);
        if (a.center_point_box) return {v[0] - v[2] / 2, v[0] + v[2] / 2, v[1] - v[3] / 2, v[1] + v[3] / 2};
        return {std::min(v[1], v[3]), std::max(v[1], v[3]), std::min(v[0], v[2]), std::max(v[0], v[2])};
      };
      for (index_t i : order)
        if (static_cast<double>(kept.size()) < number(2, 0) &&
            std::ranges::none_of(kept, [&](index_t k) { return overlap(box(i), box(k)) > number(3, 0); }))
          kept.push_back(i);
      for (index_t i : kept)
        for (index_t v : {image, kind, i}) rows.push_back(static_cast<double>(v));
    }
  return ReferenceTensor({static_cast<index_t>(rows.size() / 3), 3}, rows);
}

TEST(NonMaxSuppression, Values) {
  const Input boxes = Input{2, 40, 4}.between(0, 1), scores = Input{2, 3, 40}.between(0, 1);
  for (bool center : {false, true}) {
    OpTest<NonMaxSuppression> op({.center_point_box = center});
    op.matches(reference, {boxes, scores, Input::scalar(5), Input::scalar(0.3), Input::scalar(0.25)});
    op.matches(reference, {boxes, scores, Input::ints({100}), Input::scalar(0.5)});
    op.matches(reference, {boxes, scores, Input::scalar(100)});
    op.matches(reference, {boxes, scores, Input::scalar(3), Input::absent(), Input::values({1}, {0.9})});
    op.matches(reference, {boxes, scores, Input::scalar(7), Input::scalar(0.4), Input::scalar(2)});
    op.matches(reference, {boxes, scores, Input::scalar(-3)});
    op.matches(reference, {boxes, scores});
    op.matches(reference, {{2, 0, 4}, {2, 3, 0}, Input::scalar(5)});
    op.matches(reference, {{0, 4, 4}, {0, 3, 4}, Input::scalar(5)});
  }
}

TEST(NonMaxSuppression, EqualScoresKeepTheirOrderAndNaNIsLast) {
  const Input apart = Input::values({1, 4, 4}, {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7});
  const auto expected = [](const std::vector<ReferenceTensor>&) {
    return ReferenceTensor({4, 3}, {0, 0, 3, 0, 0, 1, 0, 0, 2, 0, 0, 0});
  };
  OpTest<NonMaxSuppression>().matches(
      expected, {apart, Input::values({1, 1, 4}, {NAN, 0.5, 0.5, 0.75}), Input::scalar(9)});
}

TEST(NonMaxSuppression, TheShapeIsABound) {
  OpTest<NonMaxSuppression> op;
  const InferResult inferred = op.infer({{2, 40, 4}, {2, 3, 40}, Input::ints({5})});
  EXPECT_EQ(inferred, (Shape{30, 3}));
  EXPECT_TRUE(inferred.at_most.at(0));
  EXPECT_EQ(op.infer({{2, 40, 4}, {2, 3, 40}, {1}}), (Shape{240, 3}));
  EXPECT_EQ(op.infer({{2, 40, 4}, {2, 3, 40}}), (Shape{0, 3}));
}

TEST(NonMaxSuppression, Refusals) {
  OpTest<NonMaxSuppression>().refuses({{{{2, 40, 5}, {2, 3, 40}}, Code::shape},
                                       {{{40, 4}, {2, 3, 40}}, Code::shape},
                                       {{{2, 40, 4}, {3, 40}}, Code::shape},
                                       {{{2, 40, 4}, {1, 3, 40}}, Code::shape},
                                       {{{2, 40, 4}, {2, 3, 41}}, Code::shape},
                                       {{{2, 40, 4}, {2, 3, 40}, {2}}, Code::shape},
                                       {{{2, 40, 4}, {2, 3, 40}, {1}, {0}}, Code::shape}});
}

}  // namespace
}  // namespace lithe::test
