// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/gru.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/ops/recurrent_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::GRU;
using ops::RecurrentActivation;
using ops::RecurrentDirection;
using Attributes = GRU::Attributes;

TEST(GRU, Shapes) {
  const auto both = OpTest<GRU>({.direction = RecurrentDirection::bidirectional})
                        .infer({{5, 2, 3}, {2, 12, 3}, {2, 12, 4}, {2, 24}});
  ASSERT_TRUE(both.status.ok());
  EXPECT_EQ(both.shape(0), (Shape{5, 2, 2, 4}));
  EXPECT_EQ(both.shape(1), (Shape{2, 2, 4}));
  EXPECT_EQ(OpTest<GRU>({.hidden_size = 4}).infer({{0, 2, 3}, {1, 12, 3}, {1, 12, 4}}), (Shape{0, 1, 2, 4}));
}

TEST(GRU, Refusals) {
  const auto absent = Input::absent();
  OpTest<GRU>().refuses({{{{5, 2}, {1, 12, 3}, {1, 12, 4}}, Code::shape},
                         {{{5, 2, 3}, {1, 12, 3}, {12, 4}}, Code::shape},
                         {{{5, 2, 3}, {1, 12, 2}, {1, 12, 4}}, Code::shape},
                         {{{5, 2, 3}, {2, 12, 3}, {2, 12, 4}}, Code::shape},
                         {{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}}, Code::shape},
                         {{{5, 2, 3}, {1, 12, 3}, {1, 12, 4}, {1, 12}}, Code::shape},
                         {{{5, 2, 3}, {1, 12, 3}, {1, 12, 4}, absent, {3}}, Code::shape},
                         {{{5, 2, 3}, {1, 12, 3}, {1, 12, 4}, absent, absent, {1, 3, 4}}, Code::shape}});
  const std::vector<Input> fitting{{5, 2, 3}, {1, 12, 3}, {1, 12, 4}};
  for (const Attributes& bad :
       {Attributes{.hidden_size = 3}, {.hidden_size = -4}, {.clip = -1}, {.clip = std::nanf("")}})
    EXPECT_EQ(OpTest<GRU>(bad).infer(fitting).code(), Code::invalid_model);
}

TEST(GRU, SequenceLengthsAreChecked) {
  const auto code = [](std::vector<double> lengths) {
    return OpTest<GRU>().run_code(
        {{5, 2, 3}, {1, 12, 3}, {1, 12, 4}, Input::absent(), Input::values({2}, std::move(lengths))});
  };
  EXPECT_EQ(code({5, 0}), Code::ok);
  EXPECT_EQ(code({6, 1}), Code::out_of_range);
  EXPECT_EQ(code({1, -1}), Code::out_of_range);
}

TEST(GRU, Values) {
  const auto absent = Input::absent(), lengths = Input::values({3}, {4, 0, 2});
  for (const bool linear : {false, true}) {
    OpTest<GRU>({.hidden_size = 5, .linear_before_reset = linear})
        .matches(reference_gru, {{6, 1, 3}, {1, 15, 3}, {1, 15, 5}});
    OpTest<GRU>({.direction = RecurrentDirection::reverse, .linear_before_reset = linear})
        .matches(reference_gru, {{4, 2, 7}, {1, 9, 7}, {1, 9, 3}, {1, 18}});
    OpTest<GRU>({.direction = RecurrentDirection::bidirectional, .linear_before_reset = linear})
        .matches(reference_gru, {{4, 3, 2}, {2, 9, 2}, {2, 9, 3}, {2, 18}, lengths, {2, 3, 3}});
  }
  OpTest<GRU>({.clip = 0.4f})
      .matches(reference_gru, {{4, 2, 2}, {1, 9, 2}, {1, 9, 3}, {1, 18}, absent, {1, 2, 3}});
  OpTest<GRU>({.gate_activation = RecurrentActivation::tanh, .hidden_activation = RecurrentActivation::relu})
      .matches(reference_gru, {{3, 2, 2}, {1, 6, 2}, {1, 6, 2}, {1, 12}}, {.tolerance = 2e-2});
  OpTest<GRU>().matches(reference_gru, {{2, 1, 37}, {1, 129, 37}, {1, 129, 43}, {1, 258}});
}

TEST(GRU, Edges) {
  const auto absent = Input::absent();
  OpTest<GRU>().matches(reference_gru, {{0, 2, 2}, {1, 9, 2}, {1, 9, 3}, absent, absent, {1, 2, 3}});
  OpTest<GRU>().matches(reference_gru, {{3, 0, 2}, {1, 9, 2}, {1, 9, 3}});
  OpTest<GRU>().matches(reference_gru, {{3, 2, 0}, {1, 9, 0}, {1, 9, 3}, {1, 18}});
  OpTest<GRU>().matches(reference_gru, {{3, 2, 2}, {1, 0, 2}, {1, 0, 0}});
  const auto only_h = [](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    auto all = reference_gru(a, in);
    all[0] = ReferenceTensor();
    return all;
  };
  using enum DType;
  OpTest<GRU>().matches(only_h, {{3, 2, 2}, {1, 9, 2}, {1, 9, 3}},
                        {.rows = {{{f32, f32, f32}, {none, f32}}}});
}

}  // namespace
}  // namespace lithe::test
