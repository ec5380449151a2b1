// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/softmax.hpp"
#include "lithe/simd/detail/elements.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/rounding.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// Softmax of s8 and u8 over the last axis: the same bits as the portable kernel. The exponentials of all distances from
/// the largest element are a table. Four rows are summed side by side, each in its order. A long row is looked up in a
/// table of its 256 results. Rows are shared among threads.
template <class Isa>
class SoftmaxOn {
 public:
  using Op = ops::Softmax;
  static constexpr auto full_name = isa::joined("simd::softmax_x8_", Isa::name);
  static constexpr const char* name = full_name.data();

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    const int rank = input.shape.rank();
    return Isa::on(*node.cpu) && ops::detail::is_quantized_8bit(input.dtype) &&
           normalize_axis(a.axis, rank) == rank - 1;
  }

  Status create(const Op::Attributes&, CreateContext& context) {
    const ops::detail::ExpOfSteps exp(context.node.input(0).quantization->scale_at(0));
    for (std::size_t i = 0; i < values; ++i)
      exponentials_[i] = static_cast<float>(exp(static_cast<std::uint32_t>(i)));
    return {};
  }

  Status run(const Op::Attributes&, RunContext& context) const {
    const TensorView& input = context.input(0);
    const index_t n = input.shape.back();
    detail::for_each_range<Isa>(context.threads(), input.shape.rows(), n, grain,
                                [&](index_t first, index_t count) __attribute__((always_inline)) {
                                  const Problem problem(context, exponentials_.data());
                                  index_t i = 0;
                                  for (; i + together <= count; i += together)
                                    problem.template run<together>(first + i);
                                  for (; i < count; ++i) problem.template run<1>(first + i);
                                });
    return {};
  }

 private:
  using Floats = detail::Vector<float, Isa::bytes>;
  using Integers = detail::Vector<std::int32_t, Isa::bytes>;
  using Bytes = detail::Vector<std::int8_t, Isa::bytes>;
  static constexpr index_t lanes = Isa::bytes / sizeof(float), grain = 16384;
  static constexpr int together = 4;
  static constexpr index_t values = 256;  ///< that a byte has; a longer row has a table

  struct Problem {
    const float* exponentials;
    const std::int8_t* input;
    std::int8_t* output;
    index_t n;
    std::int8_t flip;  ///< makes s8 of the input's type, in the same order
    float per_step;
    detail::Rounding<Isa> rounding;

    [[gnu::always_inline]] Problem(const RunContext& context, const float* table)
        : exponentials(table),
          input(static_cast<const std::int8_t*>(context.input(0).data)),
          output(static_cast<std::int8_t*>(context.output().data)),
          n(context.input(0).shape.back()),
          flip(context.output().dtype == DType::u8 ? std::numeric_limits<std::int8_t>::min() : std::int8_t{}),
          per_step(1 / context.output().quantization->scale_at(0)),
          rounding(range_of(context.output()), context.output().quantization->zero_point_at(0)) {}

    static ops::detail::QuantizedRange range_of(const Tensor& output) {
      const Quantization& q = *output.quantization;
      return output.dtype == DType::u8
                 ? ops::detail::quantized_range<std::uint8_t>({}, q.scale_at(0), q.zero_point_at(0))
                 : ops::detail::quantized_range<std::int8_t>({}, q.scale_at(0), q.zero_point_at(0));
    }

    /// `count` rows from `row` on.
    template <int count>
    [[gnu::always_inline]] void run(index_t row) const {
      const std::int8_t* x = input + row * n;
      std::uint8_t largest[count];
      for (int r = 0; r < count; ++r) largest[r] = largest_of(x + r * n);
      float sums[count]{};
      std::int8_t result[values];
      if (n <= values) {
        float kept[count][values];
        for (index_t i = 0; i < n; ++i) {
#pragma GCC unroll 4
          for (int r = 0; r < count; ++r) {
            kept[r][i] = exponential(x[r * n + i], largest[r]);
            sums[r] += kept[r][i];
          }
        }
        const index_t padded = (n + Isa::bytes - 1) / Isa::bytes * Isa::bytes;
        for (int r = 0; r < count; ++r) {
          std::fill(kept[r] + n, kept[r] + padded, 0.0f);
          quantize(kept[r], padded, per_step / sums[r], result);
          std::memcpy(output + (row + r) * n, result, static_cast<std::size_t>(n));
        }
      } else {
        for (index_t i = 0; i < n; ++i) {
#pragma GCC unroll 4
          for (int r = 0; r < count; ++r) sums[r] += exponential(x[r * n + i], largest[r]);
        }
        for (int r = 0; r < count; ++r) {
          quantize(exponentials, values, per_step / sums[r], result);
          look_up(typename Isa::Table(result), x + r * n, largest[r], output + (row + r) * n);
        }
      }
    }

    [[gnu::always_inline]] float exponential(std::int8_t x, std::uint8_t largest) const {
      return exponentials[static_cast<std::uint8_t>(largest - static_cast<std::uint8_t>(x ^ flip))];
    }

    [[gnu::always_inline]] std::uint8_t largest_of(const std::int8_t* x) const {
      Bytes most, flips;
      detail::fill(most, std::numeric_limits<std::int8_t>::min());
      detail::fill(flips, flip);
      Bytes v = most ^ flips;
      if (n < Isa::bytes) {
        std::memcpy(&v, x, static_cast<std::size_t>(n));
        most = v ^ flips;
      } else {
        for (index_t i = 0; i < n; i += Isa::bytes) {  // the last vector overlaps the one before it
          detail::load(v, x + std::min<index_t>(i, n - Isa::bytes));
          v ^= flips;
          most = v > most ? v : most;
        }
      }
      std::int8_t largest = 0;
      largest_lane(most, largest, std::make_integer_sequence<int, Isa::bytes / 2>{});
      return static_cast<std::uint8_t>(largest);
    }

    /// `count` numbers, which fill vectors of bytes, times a factor.
    [[gnu::always_inline]] void quantize(const float* from, index_t count, float factor,
                                         std::int8_t* to) const {
      for (index_t i = 0; i < count; i += Isa::bytes) {
        Integers steps[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          Floats v;
          detail::load(v, from + i + k * lanes);
          v *= factor;
          rounding.apply(steps[k], v);
        }
        Bytes stored;
        detail::lowest_bytes(steps, stored);
        detail::store(to + i, stored);
      }
    }

    [[gnu::always_inline]] void look_up(const typename Isa::Table& table, const std::int8_t* x,
                                        std::uint8_t largest, std::int8_t* to) const {
      Bytes most, flips, v{};
      detail::fill(most, static_cast<std::int8_t>(largest));
      detail::fill(flips, flip);
      index_t i = 0;
      for (; i < n; i += Isa::bytes) {
        const auto count = static_cast<std::size_t>(std::min<index_t>(n - i, Isa::bytes));
        if (count == Isa::bytes)
          detail::load(v, x + i);
        else
          std::memcpy(&v, x + i, count);
        v = most - (v ^ flips);
        Isa::look_up(v, table);
        if (count == Isa::bytes)
          detail::store(to + i, v);
        else
          std::memcpy(to + i, &v, count);
      }
    }
  };

  /// By halves down to 16 lanes, then among these.
  template <class V, int... lane>
  [[gnu::always_inline]] static void largest_lane(const V& v, std::int8_t& largest,
                                                  std::integer_sequence<int, lane...>) {
    constexpr int half = sizeof...(lane);
    if constexpr (half > 8) {
      using Half = detail::Vector<std::int8_t, half>;
      const Half low = __builtin_shufflevector(v, v, lane...),
                 high = __builtin_shufflevector(v, v, (lane + half)...), most = low > high ? low : high;
      largest_lane(most, largest, std::make_integer_sequence<int, half / 2>{});
    } else {
      V most = v;
      take_larger<8>(most, std::make_integer_sequence<int, 16>{});
      take_larger<4>(most, std::make_integer_sequence<int, 16>{});
      take_larger<2>(most, std::make_integer_sequence<int, 16>{});
      take_larger<1>(most, std::make_integer_sequence<int, 16>{});
      largest = most[0];
    }
  }
  template <int step, class V, int... lane>
  [[gnu::always_inline]] static void take_larger(V& v, std::integer_sequence<int, lane...>) {
    const V other = __builtin_shufflevector(v, v, ((lane + step) % 16)...);
    v = v > other ? v : other;
  }

  std::array<float, values> exponentials_{};
};

/// In order of preference.
using Softmax = isa::ForTables::kernels<SoftmaxOn>;

}  // namespace lithe::inline v0::simd
