// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/normalize.hpp"
#include "lithe/ops/detail/requantize.hpp"

/// What GRU, LSTM and RNN share. T steps, B sequences, D directions, H hidden numbers, G gates:
///   input [T, B, I]    weight [D, G * H, I]    recurrence [D, G * H, H]
///   bias [D, 2 * G * H] optional: that of weight, then that of recurrence
///   sequence_lengths [B] s32 optional, in [0, T]    initial states [D, B, H] optional
///   output [T, D, B, H], zero after a sequence's end    states [D, B, H], after each sequence's last step
/// A sequence is reversed within its length. Beside f32, weight and recurrence may both be s8, with zero points 0 and a
/// scale for the tensor or for each of the G * H rows of axis 1, which the directions share.
namespace lithe::inline v0::ops {

enum class RecurrentDirection : std::uint8_t { forward, reverse, bidirectional };
constexpr std::array<const char*, 3> enum_names(RecurrentDirection) {
  return {"forward", "reverse", "bidirectional"};
}

/// hard_sigmoid is that of Keras and of ONNX by default: 0.2 x + 0.5 in [0, 1]; softsign is x / (1 + |x|).
enum class RecurrentActivation : std::uint8_t { sigmoid, tanh, relu, hard_sigmoid, softsign };
constexpr std::array<const char*, 5> enum_names(RecurrentActivation) {
  return {"sigmoid", "tanh", "relu", "hard_sigmoid", "softsign"};
}
inline constexpr float hard_sigmoid_slope = 0.2F, hard_sigmoid_middle = 0.5F;

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// Checks inputs 0 to 4 and the initial states after them, and sets the outputs' shapes.
/// Errors: Code::invalid_model for a hidden_size that is neither 0 nor H, a clip or a quantization out of range;
/// Code::unsupported for a quantization of another kind; Code::shape.
template <class Attributes>
Status infer_recurrent(const Attributes& a, InferContext& context, index_t gates, int states) {
  const Shape &input = context.shape(0), &recurrence = context.shape(2);
  if (input.rank() != 3) return {Code::shape, "the input must be [T, B, I]"};
  if (recurrence.rank() != 3) return {Code::shape, "recurrence must be [D, gates * H, H]"};
  const index_t d = a.direction == RecurrentDirection::bidirectional ? 2 : 1, h = recurrence[2];
  if (a.hidden_size < 0 || (a.hidden_size != 0 && a.hidden_size != h))
    return {Code::invalid_model, "hidden_size is not the recurrence's H"};
  if (!(a.clip >= 0)) return {Code::invalid_model, "clip is negative or NaN"};
  if (h > max_channels / 8) return {Code::shape, "H is too large"};
  if (recurrence != Shape{d, gates * h, h}) return {Code::shape, "recurrence must be [D, gates * H, H]"};
  if (context.shape(1) != Shape{d, gates * h, input[2]})
    return {Code::shape, "weight must be [D, gates * H, I]"};
  if (context.has(3) && context.shape(3) != Shape{d, 2 * gates * h})
    return {Code::shape, "the bias must be [D, 2 * gates * H]"};
  if (context.has(4) && context.shape(4) != Shape{input[1]})
    return {Code::shape, "sequence_lengths must be [B]"};
  for (const int i : {1, 2})
    if (context.dtype(i) == DType::s8)
      LITHE_TRY(check_filter(context.quantization(i), DType::s8, 1, gates * h));
  const Shape state{d, input[1], h};
  for (int s = 0; s < states; ++s) {
    if (context.has(5 + s) && context.shape(5 + s) != state)
      return {Code::shape, "an initial state must be [D, B, H]"};
    LITHE_TRY(context.output(1 + s, state));
  }
  return context.output(0, {input[0], d, input[1], h});
}

template <class Acc>
Acc activate(RecurrentActivation kind, Acc v, Acc clip) {
  v = v < -clip ? -clip : v > clip ? clip : v;
  switch (kind) {
    case RecurrentActivation::sigmoid:
      return 1 / (1 + std::exp(-v));
    case RecurrentActivation::tanh:
      return std::tanh(v);
    case RecurrentActivation::hard_sigmoid:
      v = static_cast<Acc>(hard_sigmoid_slope) * v + static_cast<Acc>(hard_sigmoid_middle);
      return v < 0 ? Acc{0} : v > 1 ? Acc{1} : v;
    case RecurrentActivation::softsign:
      return v / (1 + std::abs(v));
    case RecurrentActivation::relu:
      break;
  }
  return v < 0 ? Acc{0} : v;
}
template <class Acc>
Acc activation_limit(float clip) {
  return clip > 0 ? static_cast<Acc>(clip) : std::numeric_limits<Acc>::infinity();
}

/// The weights of a direction, [gates * H, length]: numbers, or integers with scales.
template <class W>
struct GateWeights {
  const W* weights;
  const Quantization* scales;  ///< where W is an integer
  index_t length, first = 0;   ///< row 0 here is this one of `weights`

  /// What an integer of a row counts.
  float scale([[maybe_unused]] index_t row) const {
    if constexpr (std::is_integral_v<W>)
      return filter_scale(*scales, first + row);
    else
      return 1;
  }
  float at(index_t row, index_t k) const {
    return static_cast<float>(weights[(first + row) * length + k]) * scale(row);
  }
  template <class X>
  auto product(index_t row, const X* x) const {
    const auto sum = dot(x, weights + (first + row) * length, length);
    if constexpr (std::is_integral_v<W>)
      return sum * scale(row);
    else
      return sum;
  }
  /// The weights from that row on.
  GateWeights from(index_t row) const { return {weights, scales, length, first + row}; }
};

/// The parameters of one direction. T is the type of numbers, W that of weight and recurrence.
template <class T, class W>
struct RecurrentLayer {
  using Acc = Accumulator<T>;
  index_t gates, inputs, hidden, direction;
  GateWeights<W> weight, recurrence;
  const T* bias;

  RecurrentLayer(const RunContext& context, index_t gate_count, index_t d)
      : gates(gate_count),
        inputs(context.input(0).shape[2]),
        hidden(context.input(2).shape[2]),
        direction(d),
        weight(weights(context.input(1), inputs)),
        recurrence(weights(context.input(2), hidden)),
        bias(optional_data<T>(context, 3)) {
    if (bias != nullptr) bias += 2 * d * gates * hidden;
  }
  /// Row `j` of all gates: from_input is its product with the input, from_state with the hidden state, each
  /// with its bias.
  Acc from_input(index_t j, const T* x) const {
    const Acc sum = weight.product(j, x);
    return bias == nullptr ? sum : sum + static_cast<Acc>(bias[j]);
  }
  Acc from_state(index_t j, const Acc* h) const {
    const Acc sum = recurrence.product(j, h);
    return bias == nullptr ? sum : sum + static_cast<Acc>(bias[gates * hidden + j]);
  }

 private:
  GateWeights<W> weights(const TensorView& all, index_t length) const {
    return {static_cast<const W*>(all.data) + direction * gates * hidden * length, all.quantization, length};
  }
};

/// Copies n elements of an optional tensor to or from a state; a missing source is zero.
template <class To, class From>
void copy_state(const From* from, To* to, index_t n) {
  for (index_t j = 0; j < n; ++j) to[j] = from == nullptr ? static_cast<To>(0.0f) : static_cast<To>(from[j]);
}

/// Runs one sequence in one direction, through a cell whose states lie side by side at `cell.state`.
template <class Cell, class Attributes>
void run_sequence(const Attributes& a, RunContext& context, Cell& cell, index_t b, index_t length,
                  bool reverse) {
  using T = typename Cell::Element;
  using Acc = Accumulator<T>;
  const Shape& input = context.input(0).shape;
  const index_t steps = input[0], batches = input[1], directions = context.input(2).shape[0],
                d = cell.direction, hidden = cell.hidden, state = (d * batches + b) * hidden;
  const auto store = [&](int output, index_t offset, const Acc* from) {
    if (context.has_output(output))
      copy_state(from, static_cast<T*>(context.output(output).data) + offset, hidden);
  };
  for (int s = 0; s < Cell::states; ++s) {
    const T* from = optional_data<T>(context, 5 + s);
    copy_state(from == nullptr ? from : from + state, cell.state + s * hidden, hidden);
  }
  const auto output_at = [&](index_t t) { return ((t * directions + d) * batches + b) * hidden; };
  for (index_t i = 0; i < length; ++i) {
    const index_t t = reverse ? length - 1 - i : i;
    cell.step(a, static_cast<const T*>(context.input(0).data) + (t * batches + b) * cell.inputs);
    store(0, output_at(t), cell.state);
  }
  for (index_t t = length; t < steps; ++t) store(0, output_at(t), nullptr);
  for (int s = 0; s < Cell::states; ++s) store(1 + s, state, cell.state + s * hidden);
}

/// Errors: Code::out_of_range for a sequence length outside [0, T].
inline Status check_sequence_lengths(const RunContext& context) {
  const index_t steps = context.input(0).shape[0], batches = context.input(0).shape[1];
  const auto* lengths = optional_data<std::int32_t>(context, 4);
  for (index_t b = 0; lengths != nullptr && b < batches; ++b)
    if (lengths[b] < 0 || lengths[b] > steps)
      return {Code::out_of_range, "a sequence length is outside [0, T]"};
  return {};
}

/// Runs all directions and sequences. A cell is a RecurrentLayer with `Element`, `states`, a constructor from
/// (RunContext, direction, workspace) and `step(attributes, x)`, which advances its states.
/// Errors: Code::out_of_range for a sequence length outside [0, T].
template <class Cell, class Attributes>
Status run_recurrent(const Attributes& a, RunContext& context) {
  LITHE_TRY(check_sequence_lengths(context));
  const index_t steps = context.input(0).shape[0], batches = context.input(0).shape[1];
  const auto* lengths = optional_data<std::int32_t>(context, 4);
  auto* memory = reinterpret_cast<Accumulator<typename Cell::Element>*>(context.workspace().data());
  for (index_t d = 0; d < context.input(2).shape[0]; ++d) {
    Cell cell(context, d, memory);
    const bool reverse = a.direction == RecurrentDirection::reverse || d == 1;
    for (index_t b = 0; b < batches; ++b)
      run_sequence(a, context, cell, b, lengths == nullptr ? steps : lengths[b], reverse);
  }
  return {};
}

/// The portable kernel of an operator with these attributes; its cells need `vectors` times H accumulators of
/// workspace.
template <class Attributes, template <class T, class W> class Cell, std::uint64_t vectors>
struct RecurrentKernel {
  static Status reshape(const Attributes&, ReshapeContext& context) {
    const std::uint64_t wide = context.inputs[0].dtype == DType::f64 ? sizeof(double) : sizeof(float);
    return ask_workspace(context, vectors * wide * static_cast<std::uint64_t>(context.inputs[2].shape[2]));
  }
  static Status run(const Attributes& a, RunContext& context) {
    if (context.input(1).dtype == DType::s8) return run_recurrent<Cell<float, std::int8_t>>(a, context);
    return for_float_type(context.input(0).dtype,
                          [&]<class T>() -> Status { return run_recurrent<Cell<T, T>>(a, context); });
  }
};

/// Weight and recurrence, a scale for each row of the gates.
inline constexpr StoredWeights gate_weights{.first = 1, .count = 2, .axis = 1};

constexpr OpSpec one_state_spec(const char* name) {
  return {.name = name,
          .inputs = {"input", "weight", "recurrence", "bias?", "sequence_lengths?", "initial_h?"},
          .outputs = {"output?", "h?"},
          .accuracy = Accuracy::rounding};
}
constexpr TypeRow one_state_row(DType d, DType weights) {
  return {{d, weights, weights, d, DType::s32, d}, {d, d}};
}
inline constexpr TypeRow one_state_types[] = {
    one_state_row(DType::f32, DType::f32), one_state_row(DType::f16, DType::f16),
    one_state_row(DType::bf16, DType::bf16), one_state_row(DType::f64, DType::f64),
    one_state_row(DType::f32, DType::s8)};

}  // namespace lithe::inline v0::ops::detail
