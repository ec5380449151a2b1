// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/lstm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/recurrent_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::LSTM;
using ops::RecurrentActivation;
using ops::RecurrentDirection;
using Attributes = LSTM::Attributes;

TEST(LSTM, Shapes) {
  const auto both = OpTest<LSTM>({.direction = RecurrentDirection::bidirectional})
                        .infer({{5, 2, 3}, {2, 16, 3}, {2, 16, 4}, {2, 32}});
  ASSERT_TRUE(both.status.ok());
  EXPECT_EQ(both.shape(0), (Shape{5, 2, 2, 4}));
  EXPECT_EQ(both.shape(1), (Shape{2, 2, 4}));
  EXPECT_EQ(both.shape(2), (Shape{2, 2, 4}));
  EXPECT_EQ(OpTest<LSTM>({.hidden_size = 4}).infer({{0, 2, 3}, {1, 16, 3}, {1, 16, 4}}), (Shape{0, 1, 2, 4}));
}

TEST(LSTM, Refusals) {
  const auto absent = Input::absent();
  OpTest<LSTM>().refuses(
      {{{{5, 2}, {1, 16, 3}, {1, 16, 4}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 3}, {16, 4}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 2}, {1, 16, 4}}, Code::shape},
       {{{5, 2, 3}, {2, 16, 3}, {2, 16, 4}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 3}, {1, 15, 4}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}, {1, 16}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}, absent, {3}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}, absent, absent, {1, 3, 4}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}, absent, absent, absent, {2, 2, 4}}, Code::shape},
       {{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}, absent, absent, absent, absent, {1, 16}}, Code::shape}});
  const auto scaled = [](Shape shape, int axis, std::size_t scales) {
    return Input(shape).as(DType::s8).quantized_along(axis, std::vector<float>(scales, 0.5F));
  };
  OpTest<LSTM>().refuses(
      {{{{5, 2, 3}, scaled({1, 16, 3}, 2, 3), scaled({1, 16, 4}, 1, 16)}, Code::unsupported},
       {{{5, 2, 3}, scaled({1, 16, 3}, 1, 16), Input{1, 16, 4}.as(DType::s8).quantized(0.5F, 1)},
        Code::unsupported},
       {{{5, 2, 3}, scaled({1, 16, 3}, 1, 16), Input{1, 16, 4}.as(DType::s8).quantized(0, 0)},
        Code::invalid_model}});
  const std::vector<Input> fitting{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}};
  for (const Attributes& bad :
       {Attributes{.hidden_size = 3}, {.hidden_size = -4}, {.clip = -1}, {.clip = std::nanf("")}})
    EXPECT_EQ(OpTest<LSTM>(bad).infer(fitting).code(), Code::invalid_model);
}

TEST(LSTM, SequenceLengthsAreChecked) {
  const auto code = [](std::vector<double> lengths) {
    return OpTest<LSTM>().run_code(
        {{5, 2, 3}, {1, 16, 3}, {1, 16, 4}, Input::absent(), Input::values({2}, std::move(lengths))});
  };
  EXPECT_EQ(code({5, 0}), Code::ok);
  EXPECT_EQ(code({6, 1}), Code::out_of_range);
  EXPECT_EQ(code({1, -1}), Code::out_of_range);
  EXPECT_EQ(code({1, std::numeric_limits<std::int32_t>::min()}), Code::out_of_range);
}

TEST(LSTM, Values) {
  const auto absent = Input::absent();
  OpTest<LSTM>({.hidden_size = 5}).matches(reference_lstm, {{6, 1, 3}, {1, 20, 3}, {1, 20, 5}});
  OpTest<LSTM>({.direction = RecurrentDirection::reverse})
      .matches(reference_lstm, {{4, 2, 7}, {1, 12, 7}, {1, 12, 3}, {1, 24}});
  const auto lengths = Input::values({3}, {4, 0, 2});
  OpTest<LSTM>({.direction = RecurrentDirection::bidirectional})
      .matches(reference_lstm,
               {{4, 3, 2}, {2, 12, 2}, {2, 12, 3}, {2, 24}, lengths, {2, 3, 3}, {2, 3, 3}, {2, 9}});
  OpTest<LSTM>({.clip = 0.4f, .input_forget = true})
      .matches(reference_lstm,
               {{4, 2, 2}, {1, 12, 2}, {1, 12, 3}, {1, 24}, absent, {1, 2, 3}, absent, {1, 9}});
  OpTest<LSTM>({.gate_activation = RecurrentActivation::tanh,
                .cell_activation = RecurrentActivation::relu,
                .hidden_activation = RecurrentActivation::sigmoid})
      .matches(reference_lstm, {{3, 2, 2}, {1, 8, 2}, {1, 8, 2}, {1, 16}}, {.tolerance = 1e-2});
  OpTest<LSTM>({.gate_activation = RecurrentActivation::hard_sigmoid,
                .cell_activation = RecurrentActivation::softsign})
      .matches(reference_lstm, {{3, 2, 2}, {1, 8, 2}, {1, 8, 2}, {1, 16}});
}

TEST(LSTM, Edges) {
  const auto absent = Input::absent();
  OpTest<LSTM>().matches(reference_lstm,
                         {{0, 2, 2}, {1, 12, 2}, {1, 12, 3}, absent, absent, {1, 2, 3}, {1, 2, 3}});
  OpTest<LSTM>().matches(reference_lstm, {{3, 0, 2}, {1, 12, 2}, {1, 12, 3}});
  OpTest<LSTM>().matches(reference_lstm, {{3, 2, 0}, {1, 12, 0}, {1, 12, 3}, {1, 24}});
  OpTest<LSTM>().matches(reference_lstm, {{3, 2, 2}, {1, 0, 2}, {1, 0, 0}});
  const auto without_h = [](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    auto all = reference_lstm(a, in);
    all[1] = ReferenceTensor();
    return all;
  };
  using enum DType;
  OpTest<LSTM>().matches(without_h, {{3, 2, 2}, {1, 12, 2}, {1, 12, 3}},
                         {.rows = {{{f32, f32, f32}, {f32, none, f32}}}});
}

}  // namespace
}  // namespace lithe::test
