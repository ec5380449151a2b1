// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/lstm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::LSTM;
using ops::LstmActivation;
using ops::LstmDirection;
using Attributes = LSTM::Attributes;

double activate(LstmActivation kind, double clip, double v) {
  if (clip > 0) v = std::clamp(v, -clip, clip);
  if (kind == LstmActivation::sigmoid) return 1 / (1 + std::exp(-v));
  return kind == LstmActivation::tanh ? std::tanh(v) : std::max(v, 0.0);
}

/// The equations of the ONNX operator, one number at a time.
std::vector<ReferenceTensor> reference_lstm(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const auto has = [&](std::size_t i) { return i < in.size() && in[i].dtype != DType::none; };
  const index_t steps = in[0].shape[0], batch = in[0].shape[1], inputs = in[0].shape[2];
  const index_t directions = in[2].shape[0], hidden = in[2].shape[2];
  ReferenceTensor y(Shape{steps, directions, batch, hidden}), last_h(Shape{directions, batch, hidden}),
      last_c(last_h.shape);
  for (index_t d = 0; d < directions; ++d)
    for (index_t b = 0; b < batch; ++b) {
      const auto count = has(4) ? static_cast<index_t>(in[4].at(b)) : steps;
      std::vector<double> h(static_cast<std::size_t>(hidden)), c(h), next(h);
      for (index_t j = 0; j < hidden; ++j) {
        h[static_cast<std::size_t>(j)] = has(5) ? in[5].at(d, b, j) : 0;
        c[static_cast<std::size_t>(j)] = has(6) ? in[6].at(d, b, j) : 0;
      }
      for (index_t s = 0; s < count; ++s) {
        const index_t t = a.direction == LstmDirection::reverse || d == 1 ? count - 1 - s : s;
        for (index_t j = 0; j < hidden; ++j) {
          const auto gate = [&](index_t number) {
            const index_t row = number * hidden + j;
            double sum = has(3) ? in[3].at(d, row) + in[3].at(d, 4 * hidden + row) : 0;
            for (index_t i = 0; i < inputs; ++i) sum += in[0].at(t, b, i) * in[1].at(d, row, i);
            for (index_t i = 0; i < hidden; ++i) sum += h[static_cast<std::size_t>(i)] * in[2].at(d, row, i);
            return sum;
          };
          const auto peek = [&](index_t number, double cell) {
            return has(7) ? in[7].at(d, number * hidden + j) * cell : 0;
          };
          double& cell = c[static_cast<std::size_t>(j)];
          const double i = activate(a.gate_activation, a.clip, gate(0) + peek(0, cell));
          const double f =
              a.input_forget ? 1 - i : activate(a.gate_activation, a.clip, gate(2) + peek(2, cell));
          cell = f * cell + i * activate(a.cell_activation, a.clip, gate(3));
          const double o = activate(a.gate_activation, a.clip, gate(1) + peek(1, cell));
          next[static_cast<std::size_t>(j)] = o * activate(a.hidden_activation, a.clip, cell);
        }
        h = next;
        for (index_t j = 0; j < hidden; ++j) y.at(t, d, b, j) = h[static_cast<std::size_t>(j)];
      }
      for (index_t j = 0; j < hidden; ++j) {
        last_h.at(d, b, j) = h[static_cast<std::size_t>(j)];
        last_c.at(d, b, j) = c[static_cast<std::size_t>(j)];
      }
    }
  return {y, last_h, last_c};
}

TEST(LSTM, Shapes) {
  const auto both = OpTest<LSTM>({.direction = LstmDirection::bidirectional})
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
  OpTest<LSTM>({.direction = LstmDirection::reverse})
      .matches(reference_lstm, {{4, 2, 7}, {1, 12, 7}, {1, 12, 3}, {1, 24}});
  const auto lengths = Input::values({3}, {4, 0, 2});
  OpTest<LSTM>({.direction = LstmDirection::bidirectional})
      .matches(reference_lstm,
               {{4, 3, 2}, {2, 12, 2}, {2, 12, 3}, {2, 24}, lengths, {2, 3, 3}, {2, 3, 3}, {2, 9}});
  OpTest<LSTM>({.clip = 0.4f, .input_forget = true})
      .matches(reference_lstm,
               {{4, 2, 2}, {1, 12, 2}, {1, 12, 3}, {1, 24}, absent, {1, 2, 3}, absent, {1, 9}});
  OpTest<LSTM>({.gate_activation = LstmActivation::tanh,
                .cell_activation = LstmActivation::relu,
                .hidden_activation = LstmActivation::sigmoid})
      .matches(reference_lstm, {{3, 2, 2}, {1, 8, 2}, {1, 8, 2}, {1, 16}}, {.tolerance = 1e-2});
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
    return all[1] = ReferenceTensor(), all;
  };
  using enum DType;
  OpTest<LSTM>().matches(without_h, {{3, 2, 2}, {1, 12, 2}, {1, 12, 3}},
                         {.rows = {{{f32, f32, f32}, {f32, none, f32}}}});
}

}  // namespace
}  // namespace lithe::test
