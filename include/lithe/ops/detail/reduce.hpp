// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops::detail {

/// A set of axes, as bits.
struct AxisSet {
  std::uint32_t bits = 0;
  bool has(int axis) const { return (bits >> axis & 1) != 0; }
  void add(int axis) { bits |= 1u << axis; }
};

/// The set of the axes in a list; negative ones count from the back.
/// Errors: Code::invalid_model for an axis out of range or named twice.
inline Result<AxisSet> axis_set(const IntList& axes, int rank) {
  AxisSet set;
  for (std::int64_t named : axes) {
    const int axis = normalize_axis(named, rank);
    if (axis < 0) return Status{Code::invalid_model, "an axis is outside the input's rank"};
    if (set.has(axis)) return Status{Code::invalid_model, "an axis is named twice"};
    set.add(axis);
  }
  return set;
}

/// The same, where an empty list names all axes.
inline Result<AxisSet> axis_set_or_all(const IntList& axes, int rank) {
  return axes.empty() ? AxisSet{(1u << rank) - 1} : axis_set(axes, rank);
}

/// The shape without the reduced axes, or with 1 in their place.
inline Shape reduced_shape(const Shape& input, AxisSet reduced, bool keepdims) {
  Shape shape;
  for (int i = 0; i < input.rank(); ++i) {
    if (!reduced.has(i))
      shape.push_back(input[i]);
    else if (keepdims)
      shape.push_back(1);
  }
  return shape;
}

/// Checks a mean of `count` stored values: input 0 and output 0 are quantized per tensor, and the sum fits 32
/// bits.
/// Errors: Code::unsupported for more than 2^23 elements; those of check_activation.
inline Status check_quantized_mean(const InferContext& context, std::int64_t count) {
  if (count > std::int64_t{1} << 23) return {Code::unsupported, "an 8-bit mean of more than 2^23 elements"};
  LITHE_TRY(check_activation(context.quantization(0), context.dtype(0)));
  return check_activation(context.output_quantization(), context.output_dtype());
}

/// Sums of up to channel_block neighbouring elements. Every 256 additions are summed apart first, for
/// accuracy.
template <class T>
class SumBlock {
 public:
  using Acc = std::conditional_t<sizeof(T) == 1, std::int32_t, Accumulator<T>>;

  explicit SumBlock(index_t count) : count_(count) {}
  index_t count() const { return count_; }
  Acc operator[](index_t i) const { return totals_[i] + recent_[i]; }
  void add(const T* x) {
    for_block(count_, [&](index_t i) { recent_[i] += static_cast<Acc>(x[i]); });
    if (++added_ == 256) flush();
  }
  /// Adds `n` elements to the first sum.
  void add_run(const T* x, index_t n) {
    for (index_t i = 0; i < n; i += 256, flush())
      for (index_t j = i; j < n && j < i + 256; ++j) recent_[0] += static_cast<Acc>(x[j]);
  }

 private:
  void flush() {
    for (index_t i = 0; i < count_; ++i) {
      totals_[i] += recent_[i];
      recent_[i] = 0;
    }
    added_ = 0;
  }

  Acc recent_[channel_block] = {}, totals_[channel_block] = {};
  index_t count_;
  int added_ = 0;
};

/// Turns sums of stored values into means: `present` values were added, the divisor is `count`.
template <class T>
class Mean {
 public:
  Mean(const RunContext&, const Clamp& clamp) : clamp_(clamp) {}
  void store(const SumBlock<T>& sums, index_t, index_t count, T* to) const {
    using Acc = typename SumBlock<T>::Acc;
    const Acc divisor = static_cast<Acc>(count), min = clamp_.min, max = clamp_.max;
    for (index_t i = 0; i < sums.count(); ++i) {
      const Acc mean = sums[i] / divisor;
      to[i] = static_cast<T>(mean < min ? min : mean > max ? max : mean);
    }
  }

 private:
  Clamp clamp_;
};

template <class T>
  requires(sizeof(T) == 1)
class Mean<T> {
 public:
  Mean(const RunContext& context, const Clamp& clamp)
      : requantize_(*context.output().quantization, clamp),
        zero_point_(context.input(0).quantization->zero_point_at(0)),
        input_scale_(context.input(0).quantization->scale_at(0)),
        output_scale_(context.output().quantization->scale_at(0)) {}
  void store(const SumBlock<T>& sums, index_t present, index_t count, T* to) const {
    const float scale = input_scale_ / output_scale_ * (1.0f / static_cast<float>(count));  // as XNNPACK does
    const std::int32_t zero = static_cast<std::int32_t>(present) * zero_point_;
    for (index_t i = 0; i < sums.count(); ++i) to[i] = requantize_(sums[i] - zero, scale);
  }

 private:
  Requantizer<T> requantize_;
  std::int32_t zero_point_;
  float input_scale_, output_scale_;
};

/// The axes of a dense tensor in runs of one kind, reduced or kept, outermost first.
struct AxisRuns {
  struct Run {
    index_t size = 1, stride = 1, at = 0;
    bool reduced = false;
  };
  Run runs[max_rank];
  int count = 0;

  AxisRuns(const Shape& shape, AxisSet reduced) {
    for (int i = 0; i < shape.rank(); ++i) {
      if (shape[i] == 1) continue;
      if (count == 0 || runs[count - 1].reduced != reduced.has(i)) runs[count++].reduced = reduced.has(i);
      runs[count - 1].size *= shape[i];
    }
    for (int i = count - 2; i >= 0; --i) runs[i].stride = runs[i + 1].stride * runs[i + 1].size;
  }

  bool innermost_reduced() const { return count > 0 && runs[count - 1].reduced; }
  index_t innermost_size() const { return count > 0 ? runs[count - 1].size : 1; }
  /// Moves `offset` to the next position of all runs of this kind but the innermost run. At the end it
  /// returns false and is back at the start.
  bool next(bool reduced, index_t& offset) {
    for (int i = count - 2; i >= 0; --i) {
      Run& run = runs[i];
      if (run.reduced != reduced) continue;
      offset += run.stride;
      if (++run.at < run.size) return true;
      offset -= run.size * run.stride;
      run.at = 0;
    }
    return false;
  }
};

/// Walks the reduced axes of a dense tensor in blocks of up to channel_block neighbouring results, in order,
/// and calls f(count, first, each) for each block. each(visit) calls visit(offset, length) for every
/// contiguous run of elements of the block: `count` elements of one result each, or, where `contiguous`,
/// `length` elements of the only result.
struct ReducedBlocks {
  AxisRuns runs;
  bool contiguous, nothing, no_results = false;

  ReducedBlocks(const Shape& shape, AxisSet reduced)
      : runs(shape, reduced), contiguous(runs.innermost_reduced()), nothing(shape.elements() == 0) {
    for (int i = 0; i < shape.rank(); ++i) no_results = no_results || (shape[i] == 0 && !reduced.has(i));
  }
  template <class F>
  void for_each(F f) {
    if (no_results) return;
    const index_t inner = contiguous ? 1 : runs.innermost_size();
    index_t base = 0, first = 0;
    do {
      for (index_t i = 0; i < inner; i += channel_block) {
        const index_t count = std::min(inner - i, channel_block);
        f(count, first, [&](auto visit) {
          index_t offset = base + i;
          if (!nothing) do {
              visit(offset, contiguous ? runs.innermost_size() : count);
            } while (runs.next(true, offset));
        });
        first += count;
      }
    } while (runs.next(false, base));
  }
};

}  // namespace lithe::inline v0::ops::detail
