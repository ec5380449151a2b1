// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/fully_connected.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// FullyConnected in f32 with few outputs: rows of the input times rows of the filter, along their vectors.
/// Nothing is packed, so that filter and bias need not be constant. Ranges of rows are shared among threads.
template <class Isa>
class FullyConnectedOn {
 public:
  using Op = ops::FullyConnected;
  static constexpr auto full_name = isa::joined("simd::fully_connected_f32_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return Isa::on(*node.cpu) && node.input(0).dtype == DType::f32;
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const Product product{.input = context.input(0),
                          .filter = static_cast<const float*>(context.input(1).data),
                          .bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr,
                          .output = context.output(),
                          .clamp = a.clamp};
    const ops::detail::Ranges ranges(product.input.shape.rows(), context.input(1).shape.elements(), grain,
                                     most_ranges);
    ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t i) {
      Isa::enter([&]() __attribute__((always_inline)) {
        product.template run<Isa::bytes>(ranges.first(i), ranges.first(i) + ranges.length(i));
      });
    });
    return {};
  }

 private:
  static constexpr index_t grain = 48 * 1024, most_ranges = 64;
  static constexpr int block_rows = 4, block_filters = Isa::registers / 8;

  struct Product {
    const TensorView& input;
    const float *filter, *bias;  ///< bias may be null
    const Tensor& output;
    Clamp clamp;

    /// Rows [first, last), in vectors that are not longer than a row.
    template <int bytes>
    [[gnu::always_inline]] void run(index_t first, index_t last) const {
      if constexpr (bytes > sizeof(float))
        if (input.shape.back() < static_cast<index_t>(bytes / sizeof(float)))
          return run<bytes == 16 ? 4 : bytes / 2>(first, last);
      for (; last - first >= block_rows; first += block_rows) run_rows<bytes, block_rows>(first);
      for (; first < last; ++first) run_rows<bytes, 1>(first);
    }

   private:
    template <int bytes, int rows>
    [[gnu::always_inline]] void run_rows(index_t row) const {
      const index_t outputs = output.shape.back();
      index_t o = 0;
      for (; outputs - o >= block_filters; o += block_filters) run_block<bytes, rows, block_filters>(row, o);
      for (; o < outputs; ++o) run_block<bytes, rows, 1>(row, o);
    }

    /// Outputs [o, o + filters) of `rows` rows.
    template <int bytes, int rows, int filters>
    [[gnu::always_inline]] void run_block(index_t row, index_t o) const {
      using Floats = detail::Vector<float, bytes>;
      constexpr index_t lanes = bytes / sizeof(float);
      const index_t length = input.shape.back(), pitch = input.pitch;
      const float *x = input.template row<float>(row), *w = filter + o * length;
      Floats sums[rows][filters]{};
      index_t k = 0;
      for (; k + lanes <= length; k += lanes)
        add<rows, filters>(sums, x + k, pitch, w + k, length, [](Floats&) __attribute__((always_inline)) {});
      if (k < length) {
        // The last vector overlaps the one before it: what was added already becomes 0.
        using Lanes = detail::Vector<std::int32_t, bytes>;
        Lanes rest;
        for (index_t i = 0; i < lanes; ++i) rest[i] = i < lanes - (length - k) ? 0 : -1;
        const index_t at = length - lanes;
        add<rows, filters>(sums, x + at, pitch, w + at, length,
                           [&](Floats& v) __attribute__((always_inline)) {
                             v = reinterpret_cast<Floats>(reinterpret_cast<Lanes>(v) & rest);
                           });
      }
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        float* to = output.template row<float>(row + r) + o;
#pragma GCC unroll 4
        for (int f = 0; f < filters; ++f) {
          float sum = 0;
          detail::add_lanes(sums[r][f], sum);
          to[f] = clamp(bias == nullptr ? sum : sum + bias[o + f]);
        }
      }
    }

    /// Adds a vector of each row times a vector of each filter, after `mask` of both.
    template <int rows, int filters, class Floats, class Mask>
    [[gnu::always_inline]] static void add(Floats (&sums)[rows][filters], const float* x, index_t pitch,
                                           const float* w, index_t length, const Mask& mask) {
      Floats weights[filters];
#pragma GCC unroll 4
      for (int f = 0; f < filters; ++f) {
        detail::load(weights[f], w + f * length);
        mask(weights[f]);
      }
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        Floats value;
        detail::load(value, x + r * pitch);
        mask(value);
#pragma GCC unroll 4
        for (int f = 0; f < filters; ++f) sums[r][f] += value * weights[f];
      }
    }
  };
};

/// The same, for the nodes that it runs faster than XNNPACK's main kernel, or that XNNPACK's kernels for SSE
/// would run.
template <class Isa>
struct FasterFullyConnectedOn : FullyConnectedOn<Isa> {
  static bool supports(const ops::FullyConnected::Attributes& a, const NodeInfo& node) {
    if (!FullyConnectedOn<Isa>::supports(a, node)) return false;
    const index_t outputs = node.input(1).shape[0], length = node.input(1).shape[1];
    const bool constant = node.input(1).constant() && (!node.has(2) || node.input(2).constant());
    return constant ? outputs <= (length < 32 ? 2 : 8) : outputs < 32;
  }
};

/// In order of preference: for lists without XNNPACK, and for those in which it comes after.
using FullyConnected = isa::ForNonFinite::kernels<FullyConnectedOn>;
using FasterFullyConnected = isa::ForNonFinite::kernels<FasterFullyConnectedOn>;

}  // namespace lithe::inline v0::simd
