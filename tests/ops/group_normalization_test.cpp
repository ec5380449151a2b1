// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/group_normalization.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/ops/group_normalization_reference.hpp"
#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"
#include "tests/support/workspace.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::GroupNormalization;
using Attributes = GroupNormalization::Attributes;

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
  expect_workspace<ops::GroupNormalization>(16 + (std::uint64_t{24} << 29), {}, {input}, {input});
}

TEST(GroupNormalization, Values) {
  OpTest<GroupNormalization>().matches(reference_group_normalization, {{2, 5, 4, 3}, {3}, {3}});
  OpTest<GroupNormalization>({.epsilon = 0.1f})
      .matches(reference_group_normalization, {{3, 50, 70}, {70}, {70}});
  OpTest<GroupNormalization>({.groups = 4}).matches(reference_group_normalization, {{2, 7, 40}, {40}, {40}});
  OpTest<GroupNormalization>({.groups = 4}).matches(reference_group_normalization, {{2, 7, 8}, {4}, {8}});
  OpTest<GroupNormalization>({.groups = 1}).matches(reference_group_normalization, {{2, 7, 6}});
  OpTest<GroupNormalization>({.groups = 2})
      .matches(reference_group_normalization, {{3, 64}, Input::absent(), {2}});
}

TEST(GroupNormalization, ManyRowsOnThreads) {
  for (const std::int32_t groups : {0, 1, 11})
    OpTest<GroupNormalization>({.groups = groups})
        .on(reversed_threads)
        .matches(reference_group_normalization, {{2, 31, 67, 33}, {33}, {33}},
                 {.rows = {{{f32, f32, f32}, {f32}}}});
}

TEST(GroupNormalization, KeepsItsDigitsFarFromZero) {
  OpTest<GroupNormalization>().matches(reference_group_normalization,
                                       {Input{1, 4000, 5}.between(9999, 10001)}, {.rows = {{{f32}, {f32}}}});
}

TEST(GroupNormalization, Edges) {
  OpTest<GroupNormalization>().matches(reference_group_normalization, {{0, 3, 4}, {4}, {4}});
  OpTest<GroupNormalization>().matches(reference_group_normalization, {{2, 0, 4}, {4}, {4}});
  OpTest<GroupNormalization>().matches(reference_group_normalization, {{2, 3, 0}, {0}, {0}});
  OpTest<GroupNormalization>({.groups = 2}).matches(reference_group_normalization, {{2, 3, 0}});
  OpTest<GroupNormalization>().matches(reference_group_normalization, {{1, 1, 1, 1}, {1}, {1}});
}

}  // namespace
}  // namespace lithe::test
