// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/multiply_adds.hpp"
#include "lithe/ops/detail/recurrent.hpp"

namespace lithe::inline v0::ops {

/// Simple recurrent network over T steps: h = activation(weight * x + recurrence * h + bias). D is 2 if
/// bidirectional, else 1.
///   input [T, B, I]    weight [D, H, I]    recurrence [D, H, H]
///   bias [D, 2H] optional: that of weight, then that of recurrence    sequence_lengths [B] optional, in [0,
///   T]
///   initial_h [D, B, H] optional
///   output [T, D, B, H], zero after a sequence's end    h [D, B, H], after each sequence's last step
/// Units: clip limits what enters an activation to [-clip, clip]; 0 means no limit. hidden_size is H, or 0. A
/// sequence is reversed within its length.
/// Errors: Code::invalid_model for hidden_size or clip out of range; Code::shape if shapes disagree;
/// Code::out_of_range from run for a sequence length outside [0, T].
/// Source: ONNX RNN-22, layout 0.
struct RNN {
  struct Attributes {
    std::int32_t hidden_size = 0;
    RecurrentDirection direction = RecurrentDirection::forward;
    RecurrentActivation activation = RecurrentActivation::tanh;
    float clip = 0;
    static constexpr auto fields() {
      return Fields{field("hidden_size", &Attributes::hidden_size),
                    field("direction", &Attributes::direction), field("activation", &Attributes::activation),
                    field("clip", &Attributes::clip)};
    }
  };
  static constexpr OpSpec spec = detail::one_state_spec("RNN");
  static constexpr const auto& types = detail::one_state_types;
  static constexpr StoredWeights stored_weights = detail::gate_weights;
  static std::uint64_t multiply_adds(const Attributes&, const NodeInfo& node) {
    return detail::recurrent_products(node);
  }

  static Status infer(const Attributes& a, InferContext& context) {
    return detail::infer_recurrent(a, context, 1, 1);
  }
};
static_assert(Operator<RNN>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// The workspace: h [H], the next h [H].
template <class T, class W>
struct RnnCell : RecurrentLayer<T, W> {
  using Element = T;
  using Acc = Accumulator<T>;
  static constexpr int states = 1;
  Acc *state, *next;

  RnnCell(const RunContext& context, index_t d, Acc* memory)
      : RecurrentLayer<T, W>(context, 1, d), state(memory), next(memory + this->hidden) {}

  void step(const RNN::Attributes& a, const T* x) {
    const Acc clip = activation_limit<Acc>(a.clip);
    for (index_t j = 0; j < this->hidden; ++j)
      next[j] = activate(a.activation, this->from_input(j, x) + this->from_state(j, state), clip);
    std::copy_n(next, this->hidden, state);
  }
};

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <std::same_as<ops::RNN> Op>
struct Kernel<Op> : ops::detail::RecurrentKernel<ops::RNN::Attributes, ops::detail::RnnCell, 2> {};

}  // namespace lithe::inline v0::portable
