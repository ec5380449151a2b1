// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "lithe/core/shape.hpp"
#include "lithe/simd/detail/gate_panels.hpp"

namespace lithe::inline v0::simd::detail {

/// How the constants of one direction lie: the projection, the recurrence of each phase, the peepholes.
template <class Isa, class Cell>
struct PackedRecurrence {
  static constexpr int all_gates = Cell::gates(0) + (Cell::phases > 1 ? Cell::gates(1) : 0);
  template <int phase>
  using Recurrence = GatePanels<Isa, Cell::gates(phase)>;
  using Projection = GatePanels<Isa, all_gates>;

  index_t inputs, hidden;
  bool peepholes;

  std::uint64_t recurrence(int phase) const {
    return Projection::floats(hidden, inputs) + (phase == 0 ? 0 : Recurrence<0>::floats(hidden, hidden));
  }
  std::uint64_t peephole() const {
    std::uint64_t end = recurrence(0) + Recurrence<0>::floats(hidden, hidden);
    if constexpr (Cell::phases > 1) end += Recurrence<1>::floats(hidden, hidden);
    return end;
  }
  std::uint64_t floats() const {
    constexpr std::uint64_t a_panel = 3 * Projection::lanes;
    return peephole() + (peepholes ? static_cast<std::uint64_t>(Projection::panels(hidden)) * a_panel : 0);
  }

  /// `bias` and `peephole` may be null.
  template <class W, class T>
  void pack(const ops::detail::GateWeights<W>& weight, const ops::detail::GateWeights<W>& recurrence,
            const T* bias, const T* peephole, float* to) const {
    to = Projection::pack(weight, bias, hidden, to);
    if (bias != nullptr) bias += all_gates * hidden;
    to = Recurrence<0>::pack(recurrence, bias, hidden, to);
    if constexpr (Cell::phases > 1) {
      const index_t before = Cell::gates(0) * hidden;
      to = Recurrence<1>::pack(recurrence.from(before), bias == nullptr ? bias : bias + before, hidden, to);
    }
    if (peephole != nullptr)
      GatePanels<Isa, 3>::pack(ops::detail::GateWeights<T>{peephole, nullptr, 0}, peephole, hidden, to);
  }
};

/// How the workspace of one direction lies, in floats. A state is [B, H], each row padded to whole vectors.
template <class Isa, class Cell>
struct RecurrentWorkspace {
  using Packed = PackedRecurrence<Isa, Cell>;
  static constexpr index_t rows_at_once = 32;  ///< in a product: the fewer, the less memory they need

  index_t chunk;                                ///< steps that are projected at once
  std::uint64_t state, gates, widened, active;  ///< one state; all of the others

  RecurrentWorkspace(const Shape& input, index_t hidden, bool half) {
    const index_t steps = input[0], batches = input[1],
                  units = Packed::Projection::panels(hidden) * Packed::Projection::lanes;
    chunk = batches == 0 ? steps : std::min(steps, std::max<index_t>(1, rows_at_once / batches));
    const auto rows = static_cast<std::uint64_t>(chunk) * static_cast<std::uint64_t>(batches);
    state = static_cast<std::uint64_t>(batches) * static_cast<std::uint64_t>(units);
    gates = rows * static_cast<std::uint64_t>(units) * Packed::all_gates;
    widened = half ? rows * static_cast<std::uint64_t>(input[2]) : 0;
    active = static_cast<std::uint64_t>(batches);
  }
  static constexpr std::uint64_t states = 2 + Cell::cells + Cell::kept;
  std::uint64_t floats() const {
    constexpr std::uint64_t line = 16;
    return (states * state + gates + widened + active + line - 1) / line * line;
  }
};

}  // namespace lithe::inline v0::simd::detail
