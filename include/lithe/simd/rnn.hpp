// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/rnn.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/recurrent.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

template <class Isa>
class RnnCell {
 public:
  using Op = ops::RNN;
  static constexpr char name[] = "simd::rnn_";
  static constexpr int phases = 1, cells = 0, kept = 0;
  static constexpr int gates(int) { return 1; }
  static bool takes(const Op::Attributes&) { return true; }

  [[gnu::always_inline]] explicit RnnCell(const Op::Attributes& a)
      : kind_(a.activation), activations_(a.clip) {}

  template <int>
  [[gnu::always_inline]] void update(const UnitVector& unit) const {
    Vector<float, Isa::bytes> sum, from_state;
    load(sum, unit.from_input);
    load(from_state, unit.from_state);
    sum += from_state;
    activations_.apply(kind_, sum);
    store(unit.next, sum);
  }

 private:
  ops::RecurrentActivation kind_;
  Activations<Isa> activations_;
};

}  // namespace detail

/// RNN in f32 and f16 with constant weights, which it computes in f32.
template <class Isa>
struct RnnOn : detail::RecurrentOn<Isa, detail::RnnCell<Isa>> {};

/// The same where vectors fit the hidden units.
template <class Isa>
using FittingRnnOn = detail::Fitting<RnnOn<Isa>>;

/// In order of preference.
using RNN = isa::Every::kernels<FittingRnnOn>;

}  // namespace lithe::inline v0::simd
