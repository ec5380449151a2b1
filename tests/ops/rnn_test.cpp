// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/rnn.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/recurrent_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::RecurrentActivation;
using ops::RecurrentDirection;
using ops::RNN;
using Attributes = RNN::Attributes;

TEST(RNN, Shapes) {
  const auto both = OpTest<RNN>({.direction = RecurrentDirection::bidirectional})
                        .infer({{5, 2, 3}, {2, 4, 3}, {2, 4, 4}, {2, 8}});
  ASSERT_TRUE(both.status.ok());
  EXPECT_EQ(both.shape(0), (Shape{5, 2, 2, 4}));
  EXPECT_EQ(both.shape(1), (Shape{2, 2, 4}));
}

TEST(RNN, Refusals) {
  OpTest<RNN>().refuses({{{{5, 2, 3}, {1, 4, 3}, {1, 12, 4}}, Code::shape},
                         {{{5, 2, 3}, {1, 4, 3}, {1, 4, 4}, {1, 4}}, Code::shape},
                         {{{5, 2, 3}, {1, 4, 3}, {1, 4, 4}, {1, 8}, {2}, {2, 2, 4}}, Code::shape}});
  for (const Attributes& bad : {Attributes{.hidden_size = 3}, {.clip = -1}})
    EXPECT_EQ(OpTest<RNN>(bad).infer({{5, 2, 3}, {1, 4, 3}, {1, 4, 4}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<RNN>().run_code({{5, 1, 3}, {1, 4, 3}, {1, 4, 4}, {1, 8}, Input::values({1}, {6})}),
            Code::out_of_range);
}

TEST(RNN, Values) {
  const auto absent = Input::absent(), lengths = Input::values({3}, {4, 0, 2});
  OpTest<RNN>({.hidden_size = 5}).matches(reference_rnn, {{6, 1, 3}, {1, 5, 3}, {1, 5, 5}});
  OpTest<RNN>({.direction = RecurrentDirection::reverse, .clip = 0.7f})
      .matches(reference_rnn, {{4, 2, 7}, {1, 3, 7}, {1, 3, 3}, {1, 6}});
  OpTest<RNN>({.direction = RecurrentDirection::bidirectional, .activation = RecurrentActivation::sigmoid})
      .matches(reference_rnn, {{4, 3, 2}, {2, 3, 2}, {2, 3, 3}, {2, 6}, lengths, {2, 3, 3}});
  OpTest<RNN>({.activation = RecurrentActivation::relu})
      .matches(reference_rnn, {{2, 2, 2}, {1, 3, 2}, {1, 3, 3}, absent, absent, {1, 2, 3}},
               {.tolerance = 2e-2});
}

TEST(RNN, NotFinite) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  using enum DType;
  for (const auto kind : {RecurrentActivation::relu, RecurrentActivation::sigmoid, RecurrentActivation::tanh,
                          RecurrentActivation::hard_sigmoid, RecurrentActivation::softsign})
    OpTest<RNN>({.activation = kind})
        .matches(
            reference_rnn,
            {Input::values({1, 4, 1}, {-inf, inf, nan, 1}), Input::values({1, 2, 1}, {1, 2}), {1, 2, 2}});
}

TEST(RNN, Edges) {
  OpTest<RNN>().matches(reference_rnn, {{0, 2, 2}, {1, 3, 2}, {1, 3, 3}});
  OpTest<RNN>().matches(reference_rnn, {{3, 0, 2}, {1, 3, 2}, {1, 3, 3}});
  OpTest<RNN>().matches(reference_rnn, {{3, 2, 2}, {1, 0, 2}, {1, 0, 0}});
}

}  // namespace
}  // namespace lithe::test
