// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/normalize.hpp"
#include "lithe/ops/layer_normalization.hpp"
#include "lithe/simd/detail/elements.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/stored_floats.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

/// Rows in f32, and in f16 as f32, normalized around their mean if `centered`, else around 0. The distances from the
/// mean, rounded to f32, are summed with their squares: what rounding took from the mean comes back, so that rows far
/// from zero keep their digits. Rows are shared among threads.
template <class Isa, class Operator, bool centered>
class NormalizedRows {
 public:
  using Op = Operator;

  static bool supports(const ops::TrailingAxesAttributes&, const NodeInfo& node) {
    return Isa::on(*node.cpu) && Stored::holds(node.input(0).dtype);
  }

  static Status run(const ops::TrailingAxesAttributes& a, RunContext& context) {
    const Shape& shape = context.input(0).shape;
    const int axis = normalize_axis(a.axis, shape.rank());
    const index_t rows = shape.product(0, axis), n = shape.product(axis, shape.rank());
    Stored::for_type(context.input(0).dtype, [&]<class T>() {
      const Problem<T> problem(a.epsilon, n, context);
      for_each_range<Isa>(context.threads(), rows, n, grain,
                          [&](index_t first, index_t count) __attribute__((always_inline)) {
                            for (index_t i = first; i < first + count; ++i) problem.normalize(i);
                          });
    });
    return {};
  }

 private:
  using Stored = StoredFloats<Isa>;
  using Floats = typename Stored::Floats;
  static constexpr index_t lanes = Stored::lanes, grain = 16384;
  static constexpr index_t columns = 4;  ///< vectors that are summed side by side

  struct Sums {
    double numbers = 0, squares = 0;
  };

  template <class T>
  struct Problem {
    double epsilon;
    index_t n;     ///< elements of a row
    double share;  ///< one of them
    const T *input, *scale, *bias;
    T* output;
    float *means = nullptr, *factors = nullptr;

    Problem(float from_zero, index_t elements, const RunContext& context)
        : epsilon(from_zero),
          n(elements),
          share(1 / static_cast<double>(elements)),
          input(static_cast<const T*>(context.input(0).data)),
          scale(ops::detail::optional_data<T>(context, 1)),
          bias(centered ? ops::detail::optional_data<T>(context, 2) : nullptr),
          output(static_cast<T*>(context.output().data)) {
      if (context.has_output(1)) means = static_cast<float*>(context.output(1).data);
      if (context.has_output(2)) factors = static_cast<float*>(context.output(2).data);
    }

    [[gnu::always_inline]] void normalize(index_t row) const {
      const T* x = input + row * n;
      float middle = 0;
      if constexpr (centered) middle = static_cast<float>(sum<false>(x, 0).numbers * share);
      const Sums sums = sum<true>(x, middle);
      const double off = centered ? sums.numbers * share : 0;
      const double variance = std::max(sums.squares * share - off * off, 0.0);  // NaN stays NaN
      const float factor = 1 / std::sqrt(static_cast<float>(variance + epsilon));
      scale_row(x, output + row * n, middle, factor, static_cast<float>(off) * factor);
      if (means != nullptr) means[row] = static_cast<float>(middle + off);
      if (factors != nullptr) factors[row] = factor;
    }

    /// Sums of the distances of a row's elements from `middle`, and of their squares if asked for.
    template <bool squared>
    [[gnu::always_inline]] Sums sum(const T* x, float middle) const {
      constexpr index_t block = 256 * lanes;  // few enough for sums in f32
      Floats from;
      fill(from, middle);
      Sums all;
      for (index_t i = 0; i < n;) {
        const index_t last = std::min(i + block, n);
        Floats numbers[columns]{}, squares[columns]{};
        for (; i + columns * lanes <= last; i += columns * lanes) {
#pragma GCC unroll 4
          for (index_t c = 0; c < columns; ++c) {
            Floats v;
            Stored::load(v, x + i + c * lanes);
            add<squared>(v, from, numbers[c], squares[c]);
          }
        }
        for (; i < last; i += lanes) {
          Floats v = from;
          if (i + lanes <= last)
            Stored::load(v, x + i);
          else
            Stored::load_first(v, x + i, last - i);
          add<squared>(v, from, numbers[0], squares[0]);
        }
        all.numbers += total(numbers);
        if constexpr (squared) all.squares += total(squares);
      }
      return all;
    }

    /// y = ((x - middle) * factor - shift) * scale + bias; y may be x.
    [[gnu::always_inline]] void scale_row(const T* x, T* y, float middle, float factor, float shift) const {
      Floats from, factors_of_row, shifts;
      fill(from, middle);
      fill(factors_of_row, factor);
      fill(shifts, shift);
      const T *const scales = scale, *const biases = bias;
      const auto compute = [&](index_t at, const auto& load, const auto& store)
                               __attribute__((always_inline)) {
                                 Floats v{}, s{}, b{};
                                 load(v, x + at);
                                 v = centered ? (v - from) * factors_of_row - shifts : v * factors_of_row;
                                 if (scales != nullptr) {
                                   load(s, scales + at);
                                   v *= s;
                                 }
                                 if (biases != nullptr) {
                                   load(b, biases + at);
                                   v += b;
                                 }
                                 store(y + at, v);
                               };
      const index_t count = n, rest = count % lanes;
      for (index_t i = 0; i + lanes <= count; i += lanes)
        compute(
            i, [](Floats& to, const T* at) __attribute__((always_inline)) { Stored::load(to, at); },
            [](T* at, const Floats& v) __attribute__((always_inline)) { Stored::store(at, v); });
      if (rest == 0) return;
      compute(
          count - rest,
          [&](Floats& to, const T* at) __attribute__((always_inline)) { Stored::load_first(to, at, rest); },
          [&](T* at, const Floats& v) __attribute__((always_inline)) { Stored::store_first(at, v, rest); });
    }
  };

  template <bool squared>
  [[gnu::always_inline]] static void add(const Floats& v, const Floats& from, Floats& numbers,
                                         Floats& squares) {
    const Floats off = v - from;
    if constexpr (centered) numbers += off;
    if constexpr (squared) squares += off * off;
  }
  [[gnu::always_inline]] static float total(const Floats (&sums)[columns]) {
    const Floats folded = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    float result = 0;
    add_lanes(folded, result);
    return result;
  }
};

}  // namespace detail

template <class Isa>
struct LayerNormalizationOn : detail::NormalizedRows<Isa, ops::LayerNormalization, true> {
  static constexpr auto full_name = isa::joined("simd::layer_normalization_", Isa::name);
  static constexpr const char* name = full_name.data();
};
template <class Isa>
struct RMSNormalizationOn : detail::NormalizedRows<Isa, ops::RMSNormalization, false> {
  static constexpr auto full_name = isa::joined("simd::rms_normalization_", Isa::name);
  static constexpr const char* name = full_name.data();
};

/// In order of preference.
using LayerNormalization =
    KernelList<isa::Every::kernels<LayerNormalizationOn>, isa::Every::kernels<RMSNormalizationOn>>;

}  // namespace lithe::inline v0::simd
