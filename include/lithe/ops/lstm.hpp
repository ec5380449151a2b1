// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/recurrent.hpp"

namespace lithe::inline v0::ops {

/// Long short-term memory over T steps. D is 2 if bidirectional, else 1; the gates have the order i, o, f, c.
///   input [T, B, I]    weight [D, 4H, I]    recurrence [D, 4H, H]
///   bias [D, 8H] optional: that of weight, then that of recurrence    sequence_lengths [B] optional, in [0,
///   T]
///   initial_h, initial_c [D, B, H] optional    peephole [D, 3H] optional, for i, o, f
///   output [T, D, B, H], zero after a sequence's end    h, c [D, B, H], after each sequence's last step
/// Units: clip limits what enters an activation to [-clip, clip]; 0 means no limit. hidden_size is H, or 0. A
/// sequence is reversed within its length.
/// Errors: Code::invalid_model for hidden_size or clip out of range; Code::shape if shapes disagree;
/// Code::out_of_range from run for a sequence length outside [0, T].
/// Source: ONNX LSTM-22, layout 0.
struct LSTM {
  struct Attributes {
    std::int32_t hidden_size = 0;
    RecurrentDirection direction = RecurrentDirection::forward;
    RecurrentActivation gate_activation = RecurrentActivation::sigmoid;  ///< f in ONNX
    RecurrentActivation cell_activation = RecurrentActivation::tanh;     ///< g in ONNX
    RecurrentActivation hidden_activation = RecurrentActivation::tanh;   ///< h in ONNX
    float clip = 0;
    bool input_forget = false;  ///< the forget gate is 1 - the input gate
    static constexpr auto fields() {
      return Fields{field("hidden_size", &Attributes::hidden_size),
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
                               .inputs = {"input", "weight", "recurrence", "bias?", "sequence_lengths?",
                                          "initial_h?", "initial_c?", "peephole?"},
                               .outputs = {"output?", "h?", "c?"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, f32, f32, f32, s32, f32, f32, f32}, {f32, f32, f32}},
                                      {{f16, f16, f16, f16, s32, f16, f16, f16}, {f16, f16, f16}},
                                      {{bf16, bf16, bf16, bf16, s32, bf16, bf16, bf16}, {bf16, bf16, bf16}},
                                      {{f64, f64, f64, f64, s32, f64, f64, f64}, {f64, f64, f64}},
                                      {{f32, s8, s8, f32, s32, f32, f32, f32}, {f32, f32, f32}}};
  static constexpr StoredWeights stored_weights = detail::gate_weights;
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::recurrent_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::infer_recurrent(a, context, 4, 2));
    const Shape& recurrence = context.shape(2);
    if (context.has(7) && context.shape(7) != Shape{recurrence[0], 3 * recurrence[2]})
      return {Code::shape, "peephole must be [D, 3H]"};
    return {};
  }
};
static_assert(Operator<LSTM>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// The workspace: h [H], c [H], gates [4H].
template <class T, class W>
struct LstmCell : RecurrentLayer<T, W> {
  using Element = T;
  using Acc = Accumulator<T>;
  static constexpr int states = 2;
  const T* peephole;
  Acc *state, *gate;

  LstmCell(const RunContext& context, index_t d, Acc* memory)
      : RecurrentLayer<T, W>(context, 4, d),
        peephole(optional_data<T>(context, 7)),
        state(memory),
        gate(memory + 2 * this->hidden) {
    if (peephole != nullptr) peephole += d * 3 * this->hidden;
  }

  void step(const LSTM::Attributes& a, const T* x) {
    const index_t n = this->hidden;
    Acc *h = state, *c = state + n;
    for (index_t j = 0; j < 4 * n; ++j) gate[j] = this->from_input(j, x) + this->from_state(j, h);
    const Acc clip = activation_limit<Acc>(a.clip);
    const auto peek = [&](index_t which, index_t j) {
      return peephole == nullptr ? Acc{0} : static_cast<Acc>(peephole[which * n + j]) * c[j];
    };
    for (index_t j = 0; j < n; ++j) {
      const Acc in = activate(a.gate_activation, gate[j] + peek(0, j), clip);
      const Acc forget =
          a.input_forget ? 1 - in : activate(a.gate_activation, gate[2 * n + j] + peek(2, j), clip);
      c[j] = forget * c[j] + in * activate(a.cell_activation, gate[3 * n + j], clip);
      const Acc out = activate(a.gate_activation, gate[n + j] + peek(1, j), clip);
      h[j] = out * activate(a.hidden_activation, c[j], clip);
    }
  }
};

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <std::same_as<ops::LSTM> Op>
struct Kernel<Op> : ops::detail::RecurrentKernel<ops::LSTM::Attributes, ops::detail::LstmCell, 6> {};

}  // namespace lithe::inline v0::portable
