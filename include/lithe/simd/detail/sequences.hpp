// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "lithe/core/half.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/detail/recurrent.hpp"
#include "lithe/simd/detail/activations.hpp"
#include "lithe/simd/detail/recurrent_layout.hpp"
#include "lithe/simd/detail/vector.hpp"

/// What the vector kernels of GRU, LSTM and RNN share. The inputs of a chunk of steps are projected by one
/// product; a step multiplies the states, and moves them on while the products are in registers or near them.
///
/// A cell says what one operator computes for a vector of hidden units of one sequence:
///   Op, name                    of the kernel
///   gates(phase)                how many gates of the recurrence each phase of a step multiplies: the hidden
///                               states in the first phase, what the first phase kept in the second
///   phases                      how many: 1 or 2
///   cells                       how many states there are besides the hidden one
///   kept                        how many vectors one phase keeps for the next
///   takes(attributes)           what it is able to compute
///   Cell(attributes), update<phase>(UnitVector)
namespace lithe::inline v0::simd::detail {

/// Where a vector of hidden units of one sequence lies.
struct UnitVector {
  const float* from_input;  ///< a vector for each gate
  const float* from_state;  ///< a vector for each gate of the phase
  const float* hidden;      ///< the states before the step
  float* next;              ///< and after it
  float* cell;              ///< before the step, then after it
  float* kept[2];           ///< what the second phase multiplies, and another one
  const float* peephole;    ///< three vectors, or null
};

/// Activations of vectors, after a limit.
template <class Isa>
class Activations {
 public:
  using Floats = Vector<float, Isa::bytes>;

  [[gnu::always_inline]] explicit Activations(float clip) {
    const float limit = ops::detail::activation_limit<float>(clip);
    fill(low_, -limit);
    fill(high_, limit);
  }
  [[gnu::always_inline]] void apply(ops::RecurrentActivation kind, Floats& v) const {
    clamp(v, low_, high_);
    switch (kind) {
      case ops::RecurrentActivation::sigmoid:
        return Logistic<Isa>::apply(v);
      case ops::RecurrentActivation::tanh:
        return HyperbolicTangent<Isa>::apply(v);
      case ops::RecurrentActivation::hard_sigmoid:
        v = v * ops::hard_sigmoid_slope + ops::hard_sigmoid_middle;
        clamp(v, Floats{}, Floats{} + 1.0F);
        return;
      case ops::RecurrentActivation::softsign:
        v = v / (1.0F + (v < Floats{} ? -v : v));
        return;
      case ops::RecurrentActivation::relu:
        v = v < Floats{} ? Floats{} : v;
    }
  }

 private:
  Floats low_, high_;
};

/// All sequences in one direction of one run.
template <class Isa, class Cell>
class Sequences {
 public:
  using Attributes = typename Cell::Op::Attributes;
  using Packed = PackedRecurrence<Isa, Cell>;
  using Workspace = RecurrentWorkspace<Isa, Cell>;

  Sequences(const Attributes& a, const RunContext& context, index_t d, const Packed& layout,
            const float* packed, float* memory)
      : attributes_(a),
        context_(context),
        direction_(d),
        steps_(context.input(0).shape[0]),
        batches_(context.input(0).shape[1]),
        inputs_(layout.inputs),
        hidden_(layout.hidden),
        panels_(Packed::Projection::panels(hidden_)),
        directions_(context.input(2).shape[0]),
        reverse_(a.direction == ops::RecurrentDirection::reverse || d == 1),
        half_(context.input(0).dtype == DType::f16),
        lengths_(ops::detail::optional_data<std::int32_t>(context, 4)),
        projection_(packed),
        recurrence_{packed + layout.recurrence(0), packed + layout.recurrence(1)},
        peephole_(layout.peepholes ? packed + layout.peephole() : nullptr) {
    const Workspace workspace(context.input(0).shape, hidden_, half_);
    chunk_ = workspace.chunk;
    const auto take = [&](std::uint64_t floats) { return std::exchange(memory, memory + floats); };
    state_ = take(workspace.state);
    next_ = take(workspace.state);
    for (int i = 0; i < Cell::cells; ++i) cell_ = take(workspace.state);
    for (int i = 0; i < Cell::kept; ++i) kept_[i] = take(workspace.state);
    gates_ = take(workspace.gates);
    widened_ = take(workspace.widened);
    active_ = reinterpret_cast<std::int32_t*>(take(workspace.active));
  }

  void run(const ThreadPool* threads) {
    start();
    // One step is projected where it is computed: threads wait for each other once instead of twice.
    const bool apart = chunk_ > 1;
    const index_t rows = std::min(chunk_, longest_) * batches_;
    const Ranges projection = shares(apart ? rows * inputs_ : 0),
                 step_shares = shares(batches_ * (apart ? hidden_ : hidden_ + inputs_));
    for (index_t step = 0; step < longest_; ++step) {
      if (step == chunk_begin_ + chunk_) chunk_begin_ = step;
      if (step == chunk_begin_ && half_) widen();
      if (step == chunk_begin_ && apart)
        in_ranges(threads, projection,
                  [&](index_t first, index_t last) __attribute__((always_inline)) { project(first, last); });
      find_active(step);
      in_ranges(threads, step_shares, [&](index_t first, index_t last) __attribute__((always_inline)) {
        if (!apart) project(first, last);
        advance<0>(step, first, last);
      });
      if constexpr (Cell::phases > 1)
        in_ranges(threads, step_shares, [&](index_t first, index_t last) __attribute__((always_inline)) {
          advance<1>(step, first, last);
        });
      std::swap(state_, next_);
    }
  }

 private:
  using Floats = Vector<float, Isa::bytes>;
  static constexpr index_t lanes = Packed::Projection::lanes;
  using Ranges = ops::detail::Ranges;
  /// Multiply-adds, fewer than which take less time than two threads that wait for each other.
  static constexpr index_t least_share = 128 * 1024, most_shares = 16;

  index_t length(index_t b) const { return lengths_ == nullptr ? steps_ : lengths_[b]; }
  index_t units() const { return panels_ * lanes; }
  /// The first unit of sequence `b`, in outputs at a step and in states.
  index_t output_at(index_t t, index_t b) const {
    return ((t * directions_ + direction_) * batches_ + b) * hidden_;
  }
  index_t state_at(index_t b) const { return (direction_ * batches_ + b) * hidden_; }
  /// The step that is number `step` in this direction.
  index_t time(index_t step, index_t b) const { return reverse_ ? length(b) - 1 - step : step; }
  index_t input_at(index_t step, index_t b) const { return (time(step, b) * batches_ + b) * inputs_; }

  /// Sets the first states. What steps will not write is written here: zeros after a sequence's end, and the
  /// last states of a sequence without steps.
  void start() {
    longest_ = 0;
    for (index_t b = 0; b < batches_; ++b) {
      longest_ = std::max(longest_, length(b));
      for (int s = 0; s <= Cell::cells; ++s) {
        float* to = (s == 0 ? state_ : cell_) + b * units();
        std::fill_n(to, units(), 0.0f);
        if (context_.has(5 + s)) read(context_.input(5 + s).data, state_at(b), hidden_, to);
        if (length(b) == 0) write(1 + s, state_at(b), to, hidden_);
      }
      for (index_t t = length(b); t < steps_; ++t) write(0, output_at(t, b), nullptr, hidden_);
    }
    if (lengths_ == nullptr) {
      active_count_ = batches_;
      for (index_t b = 0; b < batches_; ++b) active_[b] = static_cast<std::int32_t>(b);
    }
  }
  /// Lists the sequences that have this step.
  void find_active(index_t step) {
    if (lengths_ == nullptr) return;
    active_count_ = 0;
    for (index_t b = 0; b < batches_; ++b)
      if (step < length(b)) active_[active_count_++] = static_cast<std::int32_t>(b);
  }

  void read(const void* from, index_t at, index_t count, float* to) const {
    if (half_)
      std::copy_n(static_cast<const half*>(from) + at, count, to);
    else
      std::copy_n(static_cast<const float*>(from) + at, count, to);
  }
  /// Writes to an output, if it is there. A null `from` is zeros.
  void write(int output, index_t at, const float* from, index_t count) const {
    if (!context_.has_output(output)) return;
    void* to = context_.output(output).data;
    if (half_)
      ops::detail::copy_state(from, static_cast<half*>(to) + at, count);
    else if (from == nullptr)
      std::fill_n(static_cast<float*>(to) + at, count, 0.0f);
    else
      std::copy_n(from, count, static_cast<float*>(to) + at);
  }

  /// The row of a chunk.
  index_t row(index_t step, index_t b) const { return (step - chunk_begin_) * batches_ + b; }
  /// Calls body(step, sequence) for all rows of the chunk.
  template <class Body>
  [[gnu::always_inline]] void for_chunk(const Body& body) const {
    const index_t end = std::min(chunk_begin_ + chunk_, longest_);
    for (index_t step = chunk_begin_; step < end; ++step)
      for (index_t b = 0; b < batches_; ++b)
        if (step < length(b)) body(step, b);
  }
  void widen() const {
    for_chunk([&](index_t step, index_t b) __attribute__((always_inline)) {
      read(context_.input(0).data, input_at(step, b), inputs_, widened_ + row(step, b) * inputs_);
    });
  }

  /// Panels, cut into ranges for threads, where each costs `length` multiply-adds for one of its results.
  Ranges shares(index_t length) const {
    const index_t count = std::min(most_shares, panels_ * Packed::Projection::width * length / least_share);
    return {panels_, 1, count < 2 ? panels_ : (panels_ + count - 1) / count, most_shares};
  }
  /// Calls body(first, last) for ranges of panels.
  template <class Body>
  static void in_ranges(const ThreadPool* threads, const Ranges& ranges, const Body& body) {
    ops::detail::in_parallel(threads, ranges.count, [&](index_t i) {
      Isa::enter([&]() __attribute__((always_inline)) {
        body(ranges.first(i), ranges.first(i) + ranges.length(i));
      });
    });
  }

  /// Panels [first, last) of the inputs' projection, for the whole chunk.
  [[gnu::always_inline]] void project(index_t first, index_t last) const {
    using Panels = typename Packed::Projection;
    const auto size = static_cast<index_t>(Panels::panel_floats(inputs_));
    const auto* input = static_cast<const float*>(context_.input(0).data);
    for (index_t p = first; p < last; ++p) {
      const float* x[Panels::most_rows];
      float* to[Panels::most_rows];
      int rows = 0;
      for_chunk([&](index_t step, index_t b) __attribute__((always_inline)) {
        x[rows] = half_ ? widened_ + row(step, b) * inputs_ : input + input_at(step, b);
        to[rows++] = gates_ + (row(step, b) * panels_ + p) * Panels::width;
        if (rows < Panels::most_rows) return;
        Panels::multiply(projection_ + p * size, inputs_, Panels::most_rows, x, to);
        rows = 0;
      });
      if (rows > 0) Panels::multiply(projection_ + p * size, inputs_, rows, x, to);
    }
  }

  /// One phase of a step for panels [first, last).
  template <int phase>
  [[gnu::always_inline]] void advance(index_t step, index_t first, index_t last) const {
    using Panels = typename Packed::template Recurrence<phase>;
    const auto size = static_cast<index_t>(Panels::panel_floats(hidden_));
    const float* source = phase == 0 ? state_ : kept_[0];
    const Cell cell(attributes_);
    constexpr int most_rows = Panels::most_rows;
    alignas(64) float products[most_rows * Panels::width];
    const float* x[most_rows];
    float* to[most_rows];
    for (int r = 0; r < most_rows; ++r) to[r] = products + r * Panels::width;
    for (index_t p = first; p < last; ++p)
      for (index_t n = 0; n < active_count_; n += most_rows) {
        const int rows = static_cast<int>(std::min<index_t>(most_rows, active_count_ - n));
        for (int r = 0; r < rows; ++r) x[r] = source + active_[n + r] * units();
        Panels::multiply(recurrence_[phase] + p * size, hidden_, rows, x, to);
        for (int r = 0; r < rows; ++r)
          update<phase>(cell, row(step, active_[n + r]), p, active_[n + r], to[r]);
      }
    if (phase + 1 == Cell::phases) write_units(step, first * lanes, std::min(last * lanes, hidden_));
  }

  template <int phase>
  [[gnu::always_inline]] void update(const Cell& cell, index_t row, index_t panel, index_t b,
                                     const float* from_state) const {
    const index_t at = b * units() + panel * lanes;
    cell.template update<phase>(
        UnitVector{gates_ + (row * panels_ + panel) * Packed::Projection::width,
                   from_state,
                   state_ + at,
                   next_ + at,
                   Cell::cells > 0 ? cell_ + at : nullptr,
                   {Cell::kept > 0 ? kept_[0] + at : nullptr, Cell::kept > 1 ? kept_[1] + at : nullptr},
                   peephole_ == nullptr ? nullptr : peephole_ + panel * 3 * lanes});
  }
  /// Writes units [first, last) after a step.
  void write_units(index_t step, index_t first, index_t last) const {
    for (index_t n = 0; n < active_count_; ++n) {
      const index_t b = active_[n], at = b * units() + first, count = last - first;
      write(0, output_at(time(step, b), b) + first, next_ + at, count);
      if (step + 1 < length(b)) continue;
      write(1, state_at(b) + first, next_ + at, count);
      if (Cell::cells > 0) write(2, state_at(b) + first, cell_ + at, count);
    }
  }

  const Attributes& attributes_;
  const RunContext& context_;
  index_t direction_, steps_, batches_, inputs_, hidden_, panels_, directions_;
  bool reverse_, half_;
  const std::int32_t* lengths_;
  const float *projection_, *recurrence_[2], *peephole_;
  index_t chunk_ = 0, chunk_begin_ = 0, longest_ = 0, active_count_ = 0;
  float *state_ = nullptr, *next_ = nullptr, *cell_ = nullptr, *kept_[2]{}, *gates_ = nullptr,
        *widened_ = nullptr;
  std::int32_t* active_ = nullptr;
};

}  // namespace lithe::inline v0::simd::detail
