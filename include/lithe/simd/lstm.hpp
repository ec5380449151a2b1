// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/lstm.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/recurrent.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

template <class Isa>
class LstmCell {
 public:
  using Op = ops::LSTM;
  static constexpr char name[] = "simd::lstm_";
  static constexpr int phases = 1, cells = 1, kept = 0;
  static constexpr int gates(int) { return 4; }
  static bool takes(const Op::Attributes&) { return true; }

  [[gnu::always_inline]] explicit LstmCell(const Op::Attributes& a) : a_(a), activations_(a.clip) {}

  template <int>
  [[gnu::always_inline]] void update(const UnitVector& unit) const {
    Floats cell, in, forget, out, value;
    load(cell, unit.cell);
    gate(unit, 0, 0, cell, in);
    activations_.apply(a_.gate_activation, in);
    if (a_.input_forget) {
      forget = 1.0f - in;
    } else {
      gate(unit, 2, 2, cell, forget);
      activations_.apply(a_.gate_activation, forget);
    }
    gate(unit, 3, -1, cell, value);
    activations_.apply(a_.cell_activation, value);
    cell = forget * cell + in * value;
    store(unit.cell, cell);
    gate(unit, 1, 1, cell, out);
    activations_.apply(a_.gate_activation, out);
    activations_.apply(a_.hidden_activation, cell);
    cell *= out;
    store(unit.next, cell);
  }

 private:
  using Floats = Vector<float, Isa::bytes>;
  static constexpr index_t lanes = Isa::bytes / sizeof(float);

  /// Adds what comes from input, state and, with its weights' number, the cell.
  [[gnu::always_inline]] static void gate(const UnitVector& unit, int number, int peephole,
                                          const Floats& cell, Floats& sum) {
    Floats from_state;
    load(sum, unit.from_input + number * lanes);
    load(from_state, unit.from_state + number * lanes);
    sum += from_state;
    if (unit.peephole == nullptr || peephole < 0) return;
    Floats weight;
    load(weight, unit.peephole + peephole * lanes);
    sum += weight * cell;
  }

  const Op::Attributes& a_;
  Activations<Isa> activations_;
};

}  // namespace detail

/// LSTM in f32 and f16 with constant weights, which it computes in f32; s8 weights are widened as they are packed.
template <class Isa>
struct LstmOn : detail::RecurrentOn<Isa, detail::LstmCell<Isa>> {};

/// The same where vectors fit the hidden units.
template <class Isa>
using FittingLstmOn = detail::Fitting<LstmOn<Isa>>;

/// In order of preference.
using LSTM = isa::Every::kernels<FittingLstmOn>;

}  // namespace lithe::inline v0::simd
