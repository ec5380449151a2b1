// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/lrn.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using ops::LRN;
using Attributes = LRN::Attributes;

ReferenceTensor reference_lrn(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor y(in[0].shape);
  const std::int64_t channels = in[0].shape.back();
  for (index_t i = 0; i < in[0].shape.elements(); ++i) {
    const std::int64_t c = i % channels;
    const std::int64_t first = std::max<std::int64_t>(0, c - (a.size - 1) / 2),
                       last = std::min<std::int64_t>(channels - 1, c + a.size / 2);
    double sum = 0;
    for (std::int64_t k = first; k <= last; ++k) sum += std::pow(in[0][static_cast<index_t>(i - c + k)], 2);
    y[i] = in[0][i] / std::pow(a.bias + double{a.alpha} / a.size * sum, double{a.beta});
  }
  return y;
}

TEST(LRN, Refusals) {
  EXPECT_EQ(OpTest<LRN>({.size = 3}).infer({{2, 4, 5}}), (Shape{2, 4, 5}));
  EXPECT_EQ(OpTest<LRN>({.size = 3}).infer({{}}).code(), Code::shape);
  const float nan = std::nanf("");
  for (const Attributes& bad :
       {Attributes{.size = 0}, {.size = -3}, {.alpha = nan}, {.beta = INFINITY}, {.bias = nan}})
    EXPECT_EQ(OpTest<LRN>(bad).infer({{2, 4}}).code(), Code::invalid_model);
}

TEST(LRN, Values) {
  for (const std::int32_t size : {1, 2, 3, 4, 5, 40})
    OpTest<LRN>({.size = size, .alpha = 0.3f}).matches(reference_lrn, {{2, 3, 2, 9}});
  OpTest<LRN>({.size = 5, .alpha = 0.3f, .beta = 0.6f, .bias = 2}).matches(reference_lrn, {{3, 100}});
  OpTest<LRN>({.size = 5, .alpha = 0.3f}).on(reversed_threads).matches(reference_lrn, {{6, 40, 65}});
}

TEST(LRN, Edges) {
  OpTest<LRN>({.size = 3}).matches(reference_lrn, {{0, 4}});
  OpTest<LRN>({.size = 3}).matches(reference_lrn, {{4, 0}});
  OpTest<LRN>({.size = std::numeric_limits<std::int32_t>::max()}).matches(reference_lrn, {{5}});
}

}  // namespace
}  // namespace lithe::test
