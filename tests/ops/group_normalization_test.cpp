// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/group_normalization.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"
#include "tests/support/workspace.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::GroupNormalization;
using Attributes = GroupNormalization::Attributes;

ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& shape = in[0].shape;
  const index_t channels = shape.back(), groups = a.groups == 0 ? channels : a.groups;
  const index_t rows = shape.product(1, shape.rank() - 1), width = channels / std::max<index_t>(groups, 1);
  const auto parameter = [&](std::size_t i, index_t c, double missing) {
    if (in.size() <= i || in[i].empty()) return missing;
    return in[i][in[i].shape[0] == channels ? c : c / width];
  };
  ReferenceTensor y(shape);
  for (index_t n = 0; n < shape[0]; ++n)
    for (index_t g = 0; g < groups; ++g) {
      const auto each = [&](auto f) {
        for (index_t r = 0; r < rows; ++r)
          for (index_t c = g * width; c < (g + 1) * width; ++c) f((n * rows + r) * channels + c, c);
      };
      double mean = 0, variance = 0;
      const auto count = static_cast<double>(rows * width);
      each([&](index_t i, index_t) { mean += in[0][i] / count; });
      each([&](index_t i, index_t) { variance += std::pow(in[0][i] - mean, 2) / count; });
      each([&](index_t i, index_t c) {
        y[i] = (in[0][i] - mean) / std::sqrt(variance + a.epsilon) * parameter(1, c, 1) + parameter(2, c, 0);
      });
    }
  return y;
}

TEST(GroupNormalization, Shapes) {
  EXPECT_EQ(OpTest<GroupNormalization>({.groups = 3}).infer({{2, 4, 5, 6}, {6}, {3}}), (Shape{2, 4, 5, 6}));
  EXPECT_EQ(OpTest<GroupNormalization>().infer({{2, 6}}), (Shape{2, 6}));
}

TEST(GroupNormalization, Refusals) {
  OpTest<GroupNormalization>({.groups = 4})
      .refuses({{{{8}}, Code::shape},
                {{{2, 6}}, Code::shape},
                {{{2, 3}}, Code::shape},
                {{{2, 8}, {2}}, Code::shape},
                {{{2, 8}, {1, 8}}, Code::shape},
                {{{2, 8}, {8}, {6}}, Code::shape}});
  for (const Attributes& bad : {Attributes{.groups = -1}, {.epsilon = -1}, {.epsilon = INFINITY}})
    EXPECT_EQ(OpTest<GroupNormalization>(bad).infer({{2, 4, 8}}).code(), Code::invalid_model);
}

TEST(GroupNormalization, TheWorkspaceIsCountedIn64Bits) {
  const TensorView input(nullptr, DType::f16, {1 << 29, 1, 1});
  expect_workspace<ops::GroupNormalization>(std::uint64_t{20} << 29, {}, {input}, {input});
}

TEST(GroupNormalization, Values) {
  OpTest<GroupNormalization>().matches(reference, {{2, 5, 4, 3}, {3}, {3}});
  OpTest<GroupNormalization>({.epsilon = 0.1f}).matches(reference, {{3, 50, 70}, {70}, {70}});
  OpTest<GroupNormalization>({.groups = 4}).matches(reference, {{2, 7, 40}, {40}, {40}});
  OpTest<GroupNormalization>({.groups = 4}).matches(reference, {{2, 7, 8}, {4}, {8}});
  OpTest<GroupNormalization>({.groups = 1}).matches(reference, {{2, 7, 6}});
  OpTest<GroupNormalization>({.groups = 2}).matches(reference, {{3, 64}, Input::absent(), {2}});
}

TEST(GroupNormalization, ManyRowsOnThreads) {
  for (const std::int32_t groups : {0, 1, 11})
    OpTest<GroupNormalization>({.groups = groups})
        .on(reversed_threads)
        .matches(reference, {{2, 31, 67, 33}, {33}, {33}}, {.rows = {{{f32, f32, f32}, {f32}}}});
}

TEST(GroupNormalization, KeepsItsDigitsFarFromZero) {
  OpTest<GroupNormalization>().matches(reference, {Input{1, 4000, 5}.between(9999, 10001)},
                                       {.tolerance = 1e-3, .rows = {{{f32}, {f32}}}});
}

TEST(GroupNormalization, Edges) {
  OpTest<GroupNormalization>().matches(reference, {{0, 3, 4}, {4}, {4}});
  OpTest<GroupNormalization>().matches(reference, {{2, 0, 4}, {4}, {4}});
  OpTest<GroupNormalization>().matches(reference, {{2, 3, 0}, {0}, {0}});
  OpTest<GroupNormalization>({.groups = 2}).matches(reference, {{2, 3, 0}});
  OpTest<GroupNormalization>().matches(reference, {{1, 1, 1, 1}, {1}, {1}});
}

}  // namespace
}  // namespace lithe::test
