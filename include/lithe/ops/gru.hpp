// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/recurrent.hpp"

namespace lithe::inline v0::ops {

/// Gated recurrent unit over T steps. D is 2 if bidirectional, else 1; the gates have the order z (update), r
/// (reset), h.
///   input [T, B, I]    weight [D, 3H, I]    recurrence [D, 3H, H]
///   bias [D, 6H] optional: that of weight, then that of recurrence    sequence_lengths [B] optional, in [0,
///   T]
///   initial_h [D, B, H] optional
///   output [T, D, B, H], zero after a sequence's end    h [D, B, H], after each sequence's last step
/// Units: clip limits what enters an activation to [-clip, clip]; 0 means no limit. hidden_size is H, or 0. A
/// sequence is reversed within its length.
/// Errors: Code::invalid_model for hidden_size or clip out of range; Code::shape if shapes disagree;
/// Code::out_of_range from run for a sequence length outside [0, T].
/// Source: ONNX GRU-22, layout 0.
struct GRU {
  struct Attributes {
    std::int32_t hidden_size = 0;
    RecurrentDirection direction = RecurrentDirection::forward;
    RecurrentActivation gate_activation = RecurrentActivation::sigmoid;  ///< f in ONNX
    RecurrentActivation hidden_activation = RecurrentActivation::tanh;   ///< g in ONNX
    float clip = 0;
    /// true: r scales the recurrence's product with h, its bias included; false: r scales h.
    bool linear_before_reset = false;
    static constexpr auto fields() {
      return Fields{field("hidden_size", &Attributes::hidden_size),
                    field("direction", &Attributes::direction),
                    field("gate_activation", &Attributes::gate_activation),
                    field("hidden_activation", &Attributes::hidden_activation),
                    field("clip", &Attributes::clip),
                    field("linear_before_reset", &Attributes::linear_before_reset)};
    }
  };
  static constexpr OpSpec spec = detail::one_state_spec("GRU");
  static constexpr const auto& types = detail::one_state_types;
  static constexpr StoredWeights stored_weights = detail::gate_weights;
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::recurrent_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    return detail::infer_recurrent(a, context, 3, 1);
  }
};
static_assert(Operator<GRU>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// The workspace: h [H], gates [3H], r * h [H].
template <class T, class W>
struct GruCell : RecurrentLayer<T, W> {
  using Element = T;
  using Acc = Accumulator<T>;
  static constexpr int states = 1;
  Acc *state, *gate, *reset;

  GruCell(const RunContext& context, index_t d, Acc* memory)
      : RecurrentLayer<T, W>(context, 3, d),
        state(memory),
        gate(memory + this->hidden),
        reset(memory + 4 * this->hidden) {}

  void step(const GRU::Attributes& a, const T* x) {
    const index_t n = this->hidden;
    const Acc clip = activation_limit<Acc>(a.clip);
    Acc *update = gate, *ratio = gate + n, *next = gate + 2 * n;
    for (index_t j = 0; j < 2 * n; ++j)
      gate[j] = activate(a.gate_activation, this->from_input(j, x) + this->from_state(j, state), clip);
    for (index_t j = 0; j < n; ++j) reset[j] = ratio[j] * state[j];
    for (index_t j = 0; j < n; ++j) {
      const Acc recurrent = a.linear_before_reset ? ratio[j] * this->from_state(2 * n + j, state)
                                                  : this->from_state(2 * n + j, reset);
      next[j] = activate(a.hidden_activation, this->from_input(2 * n + j, x) + recurrent, clip);
    }
    for (index_t j = 0; j < n; ++j) state[j] = (1 - update[j]) * next[j] + update[j] * state[j];
  }
};

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <std::same_as<ops::GRU> Op>
struct Kernel<Op> : ops::detail::RecurrentKernel<ops::GRU::Attributes, ops::detail::GruCell, 5> {};

}  // namespace lithe::inline v0::portable
