// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"

namespace lithe::inline v0::ops {

enum class LstmDirection : std::uint8_t { forward, reverse, bidirectional };
constexpr std::array<const char*, 3> enum_names(LstmDirection) {
  return {"forward", "reverse", "bidirectional"};
}

enum class LstmActivation : std::uint8_t { sigmoid, tanh, relu };
constexpr std::array<const char*, 3> enum_names(LstmActivation) { return {"sigmoid", "tanh", "relu"}; }

/// Long short-term memory over T steps; D = 2 if bidirectional, else 1; gates in the order i, o, f, c.
///   input [T, B, I]    weight [D, 4H, I]    recurrence [D, 4H, H]
///   bias [D, 8H] optional, weight's then recurrence's    sequence_lengths [B] optional, in [0, T]
///   initial_h, initial_c [D, B, H] optional    peephole [D, 3H] optional, for i, o, f
///   output [T, D, B, H], zero behind a sequence's end    h, c [D, B, H], after each sequence's last step
/// Units: clip bounds what enters an activation to [-clip, clip], 0 means unbounded. A sequence is reversed
/// within its length.
/// Errors: Code::invalid_model for hidden_size (0: as recurrence says) or clip out of range; Code::shape if
/// shapes disagree; Code::out_of_range from run for a sequence length outside [0, T].
/// Source: ONNX LSTM-22, layout 0.
struct LSTM {
  struct Attributes {
    std::int32_t hidden_size = 0;
    LstmDirection direction = LstmDirection::forward;
    LstmActivation gate_activation = LstmActivation::sigmoid;  ///< f in ONNX
    LstmActivation cell_activation = LstmActivation::tanh;     ///< g in ONNX
    LstmActivation hidden_activation = LstmActivation::tanh;   ///< h in ONNX
    float clip = 0;
    bool input_forget = false;  ///< the forget gate is 1 - the input gate
    static constexpr auto fields() {
      return std::tuple{field("hidden_size", &Attributes::hidden_size),
                        field("direction", &Attributes::direction),
                        field("gate_activation", &Attributes::gate_activation),
                        field("cell_activation", &Attributes::cell_activation),
                        field("hidden_activation", &Attributes::hidden_activation),
                        field("clip", &Attributes::clip),
                        field("input_forget", &Attributes::input_forget)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "LSTM",
                               .version = 1,
                               .inputs = {"input", "weight", "recurrence", "bias?", "sequence_lengths?",
                                          "initial_h?", "initial_c?", "peephole?"},
                               .outputs = {"output?", "h?", "c?"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, f32, f32, f32, s32, f32, f32, f32}, {f32, f32, f32}},
                                      {{f16, f16, f16, f16, s32, f16, f16, f16}, {f16, f16, f16}},
                                      {{f64, f64, f64, f64, s32, f64, f64, f64}, {f64, f64, f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& input = context.shape(0);
    const Shape& recurrence = context.shape(2);
    if (input.rank() != 3) return {Code::shape, "the input must be [T, B, I]"};
    if (recurrence.rank() != 3) return {Code::shape, "recurrence must be [D, 4H, H]"};
    const index_t t = input[0], b = input[1], d = a.direction == LstmDirection::bidirectional ? 2 : 1,
                  h = recurrence[2];
    if (a.hidden_size < 0 || (a.hidden_size != 0 && a.hidden_size != h))
      return {Code::invalid_model, "hidden_size is not the recurrence's H"};
    if (!(a.clip >= 0)) return {Code::invalid_model, "clip is negative or NaN"};
    if (h > detail::max_channels / 8) return {Code::shape, "H is too large"};
    if (recurrence != Shape{d, 4 * h, h}) return {Code::shape, "recurrence must be [D, 4H, H]"};
    if (context.shape(1) != Shape{d, 4 * h, input[2]}) return {Code::shape, "weight must be [D, 4H, I]"};
    if (context.has(3) && context.shape(3) != Shape{d, 8 * h})
      return {Code::shape, "the bias must be [D, 8H]"};
    if (context.has(4) && context.shape(4) != Shape{b}) return {Code::shape, "sequence_lengths must be [B]"};
    const Shape state{d, b, h};
    if (context.has(5) && context.shape(5) != state) return {Code::shape, "initial_h must be [D, B, H]"};
    if (context.has(6) && context.shape(6) != state) return {Code::shape, "initial_c must be [D, B, H]"};
    if (context.has(7) && context.shape(7) != Shape{d, 3 * h})
      return {Code::shape, "peephole must be [D, 3H]"};
    LITHE_TRY(context.output(0, {t, d, b, h}));
    LITHE_TRY(context.output(1, state));
    return context.output(2, state);
  }
};
static_assert(Operator<LSTM>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <>
struct Kernel<ops::LSTM> {
  using Attributes = ops::LSTM::Attributes;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    const std::uint64_t width = context.inputs[0].dtype == DType::f64 ? sizeof(double) : sizeof(float);
    return ops::detail::ask_workspace(context,
                                      6 * width * static_cast<std::uint64_t>(context.inputs[2].shape[2]));
  }
  static Status run(const Attributes& a, RunContext& context) {
    switch (context.input(0).dtype) {
      case DType::f32:
        return run_as<float>(a, context);
      case DType::f16:
        return run_as<half>(a, context);
      case DType::f64:
        return run_as<double>(a, context);
      default:
        return {Code::dtype, "no kernel for this element type"};
    }
  }

 private:
  /// One direction's parameters and the state of one sequence: h [H], c [H], gates [4H] lie in the workspace.
  template <class T>
  struct Cell {
    using Acc = ops::detail::Accumulator<T>;
    const T *weight, *recurrence, *bias, *peephole;
    index_t inputs, hidden;
    Acc *h, *c, *gates;

    void step(const Attributes& a, const T* x) {
      for (index_t j = 0; j < 4 * hidden; ++j) {
        gates[j] = ops::detail::dot(x, weight + j * inputs, inputs) +
                   ops::detail::dot(h, recurrence + j * hidden, hidden);
        if (bias != nullptr) gates[j] += static_cast<Acc>(bias[j]) + static_cast<Acc>(bias[4 * hidden + j]);
      }
      const Acc clip = a.clip > 0 ? static_cast<Acc>(a.clip) : std::numeric_limits<Acc>::infinity();
      auto peek = [&](index_t gate, index_t j) {
        return peephole == nullptr ? Acc{0} : static_cast<Acc>(peephole[gate * hidden + j]) * c[j];
      };
      for (index_t j = 0; j < hidden; ++j) {
        const Acc in = activate(a.gate_activation, gates[j] + peek(0, j), clip);
        const Acc forget =
            a.input_forget ? 1 - in : activate(a.gate_activation, gates[2 * hidden + j] + peek(2, j), clip);
        c[j] = forget * c[j] + in * activate(a.cell_activation, gates[3 * hidden + j], clip);
        const Acc out = activate(a.gate_activation, gates[hidden + j] + peek(1, j), clip);
        h[j] = out * activate(a.hidden_activation, c[j], clip);
      }
    }
    static Acc activate(ops::LstmActivation kind, Acc v, Acc clip) {
      v = v < -clip ? -clip : v > clip ? clip : v;
      switch (kind) {
        case ops::LstmActivation::sigmoid:
          return 1 / (1 + std::exp(-v));
        case ops::LstmActivation::tanh:
          return std::tanh(v);
        case ops::LstmActivation::relu:
          break;
      }
      return v > 0 ? v : Acc{0} * v;
    }
  };

  template <class T>
  static const T* data(const RunContext& context, int input, index_t offset) {
    return context.has(input) ? static_cast<const T*>(context.input(input).data) + offset : nullptr;
  }

  template <class T>
  static Status run_as(const Attributes& a, RunContext& context) {
    const Shape &input = context.input(0).shape, &recurrence = context.input(2).shape;
    const index_t steps = input[0], batches = input[1], directions = recurrence[0], hidden = recurrence[2];
    const std::int32_t* lengths = data<std::int32_t>(context, 4, 0);
    for (index_t b = 0; lengths != nullptr && b < batches; ++b)
      if (lengths[b] < 0 || lengths[b] > steps)
        return {Code::out_of_range, "a sequence length is outside [0, T]"};
    auto* memory = reinterpret_cast<typename Cell<T>::Acc*>(context.workspace().data());
    for (index_t d = 0; d < directions; ++d) {
      Cell<T> cell{data<T>(context, 1, d * 4 * hidden * input[2]),
                   data<T>(context, 2, d * 4 * hidden * hidden),
                   data<T>(context, 3, d * 8 * hidden),
                   data<T>(context, 7, d * 3 * hidden),
                   input[2],
                   hidden,
                   memory,
                   memory + hidden,
                   memory + 2 * hidden};
      const bool reverse = a.direction == ops::LstmDirection::reverse || d == 1;
      for (index_t b = 0; b < batches; ++b)
        sequence(a, context, cell, d, b, lengths == nullptr ? steps : lengths[b], reverse);
    }
    return {};
  }

  template <class T>
  static void sequence(const Attributes& a, RunContext& context, Cell<T>& cell, index_t d, index_t b,
                       index_t length, bool reverse) {
    const index_t steps = context.input(0).shape[0], batches = context.input(0).shape[1],
                  hidden = cell.hidden;
    const index_t directions = context.input(2).shape[0], state = (d * batches + b) * hidden;
    auto load = [&](int input, auto* to) {
      const T* from = data<T>(context, input, state);
      for (index_t j = 0; j < hidden; ++j)
        to[j] = from == nullptr ? 0 : static_cast<typename Cell<T>::Acc>(from[j]);
    };
    auto store = [&](int output, index_t offset, const auto* from) {
      if (!context.has_output(output)) return;
      T* to = static_cast<T*>(context.output(output).data) + offset;
      for (index_t j = 0; j < hidden; ++j)
        to[j] = from == nullptr ? static_cast<T>(0.0f) : static_cast<T>(from[j]);
    };
    load(5, cell.h), load(6, cell.c);
    auto output_at = [&](index_t t) { return ((t * directions + d) * batches + b) * hidden; };
    for (index_t i = 0; i < length; ++i) {
      const index_t t = reverse ? length - 1 - i : i;
      cell.step(a, data<T>(context, 0, (t * batches + b) * cell.inputs));
      store(0, output_at(t), cell.h);
    }
    const typename Cell<T>::Acc* nothing = nullptr;
    for (index_t t = length; t < steps; ++t) store(0, output_at(t), nothing);
    store(1, state, cell.h), store(2, state, cell.c);
  }
};

}  // namespace lithe::inline v0::portable
