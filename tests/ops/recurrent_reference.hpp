// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "lithe/ops/detail/recurrent.hpp"
#include "lithe/ops/gru.hpp"
#include "lithe/ops/lstm.hpp"
#include "lithe/ops/rnn.hpp"
#include "tests/support/reference_tensor.hpp"

/// The references of GRU, LSTM and RNN.
namespace lithe::test {

inline double activate(ops::RecurrentActivation kind, double clip, double v) {
  if (clip > 0) v = std::clamp(v, -clip, clip);
  if (kind == ops::RecurrentActivation::sigmoid) return 1 / (1 + std::exp(-v));
  if (kind == ops::RecurrentActivation::hard_sigmoid) return std::clamp(0.2F * v + 0.5, 0.0, 1.0);
  if (kind == ops::RecurrentActivation::softsign) return v / (1 + std::abs(v));
  return kind == ops::RecurrentActivation::tanh ? std::tanh(v) : std::max(v, 0.0);
}

/// One number for each hidden unit.
using Units = std::vector<double>;

/// The inputs of a recurrent operator by their names; optional ones may be missing.
struct RecurrentInputs {
  const std::vector<ReferenceTensor>& in;
  index_t gates;

  bool has(std::size_t i) const { return i < in.size() && in[i].dtype != DType::none; }
  index_t steps() const { return in[0].shape[0]; }
  index_t batch() const { return in[0].shape[1]; }
  index_t directions() const { return in[2].shape[0]; }
  index_t hidden() const { return in[2].shape[2]; }
  index_t length(index_t b) const { return has(4) ? static_cast<index_t>(in[4].at(b)) : steps(); }
  double from_input(index_t d, index_t row, index_t t, index_t b) const {
    double sum = has(3) ? in[3].at(d, row) : 0;
    for (index_t i = 0; i < in[0].shape[2]; ++i) sum += in[0].at(t, b, i) * in[1].at(d, row, i);
    return sum;
  }
  double from_state(index_t d, index_t row, const Units& h) const {
    double sum = has(3) ? in[3].at(d, gates * hidden() + row) : 0;
    for (index_t i = 0; i < hidden(); ++i) sum += h[static_cast<std::size_t>(i)] * in[2].at(d, row, i);
    return sum;
  }
};

/// All steps of all sequences: `step(d, b, t, states)` moves the states on, of which the first is the output.
/// Returns the output and the last states.
template <class Step>
std::vector<ReferenceTensor> recurrent(const RecurrentInputs& x, bool reverse, std::size_t states,
                                       Step step) {
  const Shape state{x.directions(), x.batch(), x.hidden()};
  std::vector<ReferenceTensor> out(1 + states, ReferenceTensor(state));
  out[0] = ReferenceTensor(Shape{x.steps(), x.directions(), x.batch(), x.hidden()});
  for (index_t d = 0; d < x.directions(); ++d)
    for (index_t b = 0; b < x.batch(); ++b) {
      std::vector<Units> now(states, Units(static_cast<std::size_t>(x.hidden())));
      for (std::size_t s = 0; s < states; ++s)
        for (index_t j = 0; j < x.hidden(); ++j)
          now[s][static_cast<std::size_t>(j)] = x.has(5 + s) ? x.in[5 + s].at(d, b, j) : 0;
      for (index_t i = 0; i < x.length(b); ++i) {
        const index_t t = reverse || d == 1 ? x.length(b) - 1 - i : i;
        step(d, b, t, now);
        for (index_t j = 0; j < x.hidden(); ++j) out[0].at(t, d, b, j) = now[0][static_cast<std::size_t>(j)];
      }
      for (std::size_t s = 0; s < states; ++s)
        for (index_t j = 0; j < x.hidden(); ++j) out[1 + s].at(d, b, j) = now[s][static_cast<std::size_t>(j)];
    }
  return out;
}

// The equations of the ONNX operators, one number at a time.

inline std::vector<ReferenceTensor> reference_gru(const ops::GRU::Attributes& a,
                                                  const std::vector<ReferenceTensor>& in) {
  const RecurrentInputs x{in, 3};
  const index_t hidden = x.hidden();
  return recurrent(
      x, a.direction == ops::RecurrentDirection::reverse, 1,
      [&](index_t d, index_t b, index_t t, std::vector<Units>& states) {
        const Units h = states[0];
        const auto gate = [&](index_t number, index_t j) {
          const index_t row = number * hidden + j;
          return activate(a.gate_activation, a.clip, x.from_input(d, row, t, b) + x.from_state(d, row, h));
        };
        Units scaled = h;
        for (index_t j = 0; j < hidden; ++j) scaled[static_cast<std::size_t>(j)] *= gate(1, j);
        for (index_t j = 0; j < hidden; ++j) {
          const index_t row = 2 * hidden + j;
          const double recurrent =
              a.linear_before_reset ? gate(1, j) * x.from_state(d, row, h) : x.from_state(d, row, scaled);
          const double next = activate(a.hidden_activation, a.clip, x.from_input(d, row, t, b) + recurrent);
          double& unit = states[0][static_cast<std::size_t>(j)];
          unit = (1 - gate(0, j)) * next + gate(0, j) * unit;
        }
      });
}

inline std::vector<ReferenceTensor> reference_lstm(const ops::LSTM::Attributes& a,
                                                   const std::vector<ReferenceTensor>& in) {
  const RecurrentInputs x{in, 4};
  const index_t hidden = x.hidden();
  return recurrent(x, a.direction == ops::RecurrentDirection::reverse, 2,
                   [&](index_t d, index_t b, index_t t, std::vector<Units>& states) {
                     Units next = states[0];
                     for (index_t j = 0; j < hidden; ++j) {
                       const auto gate = [&](index_t number) {
                         const index_t row = number * hidden + j;
                         return x.from_input(d, row, t, b) + x.from_state(d, row, states[0]);
                       };
                       const auto peek = [&](index_t number, double cell) {
                         return x.has(7) ? in[7].at(d, number * hidden + j) * cell : 0;
                       };
                       double& cell = states[1][static_cast<std::size_t>(j)];
                       const double i = activate(a.gate_activation, a.clip, gate(0) + peek(0, cell));
                       const double f = a.input_forget
                                            ? 1 - i
                                            : activate(a.gate_activation, a.clip, gate(2) + peek(2, cell));
                       cell = f * cell + i * activate(a.cell_activation, a.clip, gate(3));
                       const double o = activate(a.gate_activation, a.clip, gate(1) + peek(1, cell));
                       next[static_cast<std::size_t>(j)] = o * activate(a.hidden_activation, a.clip, cell);
                     }
                     states[0] = next;
                   });
}

inline std::vector<ReferenceTensor> reference_rnn(const ops::RNN::Attributes& a,
                                                  const std::vector<ReferenceTensor>& in) {
  const RecurrentInputs x{in, 1};
  return recurrent(x, a.direction == ops::RecurrentDirection::reverse, 1,
                   [&](index_t d, index_t b, index_t t, std::vector<Units>& states) {
                     const Units h = states[0];
                     for (index_t j = 0; j < x.hidden(); ++j)
                       states[0][static_cast<std::size_t>(j)] =
                           activate(a.activation, a.clip, x.from_input(d, j, t, b) + x.from_state(d, j, h));
                   });
}

}  // namespace lithe::test
