// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/gru.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/recurrent.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

/// What both forms of the GRU share.
template <class Isa>
class GruGates {
 public:
  using Op = ops::GRU;
  static constexpr int cells = 0;

 protected:
  using Floats = Vector<float, Isa::bytes>;
  static constexpr index_t lanes = Isa::bytes / sizeof(float);

  [[gnu::always_inline]] explicit GruGates(const Op::Attributes& a) : a_(a), activations_(a.clip) {}

  /// The update or reset gate.
  [[gnu::always_inline]] void gate(const UnitVector& unit, int number, Floats& sum) const {
    Floats from_state;
    load(sum, unit.from_input + number * lanes);
    load(from_state, unit.from_state + number * lanes);
    sum += from_state;
    activations_.apply(a_.gate_activation, sum);
  }
  /// Stores the next states from the update gate and the new states' sum without its input's part.
  [[gnu::always_inline]] void next(const UnitVector& unit, const Floats& update, Floats& sum) const {
    Floats from_input, hidden;
    load(from_input, unit.from_input + 2 * lanes);
    load(hidden, unit.hidden);
    sum += from_input;
    activations_.apply(a_.hidden_activation, sum);
    sum = (1.0f - update) * sum + update * hidden;
    store(unit.next, sum);
  }

 private:
  const Op::Attributes& a_;
  Activations<Isa> activations_;
};

/// linear_before_reset: all products in one phase.
template <class Isa>
class LinearGruCell : public GruGates<Isa> {
 public:
  using typename GruGates<Isa>::Op;
  static constexpr char name[] = "simd::linear_gru_";
  static constexpr int phases = 1, kept = 0;
  static constexpr int gates(int) { return 3; }
  static bool takes(const typename Op::Attributes& a) { return a.linear_before_reset; }

  [[gnu::always_inline]] explicit LinearGruCell(const typename Op::Attributes& a) : GruGates<Isa>(a) {}

  template <int>
  [[gnu::always_inline]] void update(const UnitVector& unit) const {
    typename GruGates<Isa>::Floats update, reset, sum;
    this->gate(unit, 0, update);
    this->gate(unit, 1, reset);
    load(sum, unit.from_state + 2 * this->lanes);
    sum *= reset;
    this->next(unit, update, sum);
  }
};

/// The gates in the first phase; in the second the product with the states that the reset gate has scaled.
template <class Isa>
class GruCell : public GruGates<Isa> {
 public:
  using typename GruGates<Isa>::Op;
  static constexpr char name[] = "simd::gru_";
  static constexpr int phases = 2, kept = 2;
  static constexpr int gates(int phase) { return phase == 0 ? 2 : 1; }
  static bool takes(const typename Op::Attributes& a) { return !a.linear_before_reset; }

  [[gnu::always_inline]] explicit GruCell(const typename Op::Attributes& a) : GruGates<Isa>(a) {}

  template <int phase>
  [[gnu::always_inline]] void update(const UnitVector& unit) const {
    typename GruGates<Isa>::Floats update, other;
    if constexpr (phase == 0) {
      this->gate(unit, 1, update);
      load(other, unit.hidden);
      other *= update;
      store(unit.kept[0], other);
      this->gate(unit, 0, update);
      store(unit.kept[1], update);
    } else {
      load(update, unit.kept[1]);
      load(other, unit.from_state);
      this->next(unit, update, other);
    }
  }
};

}  // namespace detail

/// GRU in f32 and f16 with constant weights, which they compute in f32: with linear_before_reset, and without.
template <class Isa>
struct LinearGruOn : detail::RecurrentOn<Isa, detail::LinearGruCell<Isa>> {};
template <class Isa>
struct GruOn : detail::RecurrentOn<Isa, detail::GruCell<Isa>> {};

/// The same where vectors fit the hidden units.
template <class Isa>
using FittingLinearGruOn = detail::Fitting<LinearGruOn<Isa>>;
template <class Isa>
using FittingGruOn = detail::Fitting<GruOn<Isa>>;

/// In order of preference.
using GRU = KernelList<isa::Every::kernels<FittingLinearGruOn>, isa::Every::kernels<FittingGruOn>>;

}  // namespace lithe::inline v0::simd
