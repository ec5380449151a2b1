// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/group_normalization.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/stored_floats.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// In f32, and in f16 as f32: the portable kernel's steps, of vectors of channels.
template <class Isa>
class GroupNormalizationOn {
 public:
  using Op = ops::GroupNormalization;
  static constexpr auto full_name = isa::joined("simd::group_normalization_", Isa::name);
  static constexpr const char* name = full_name.data();

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return Isa::on(*node.cpu) && Stored::holds(node.input(0).dtype) && node.input(0).shape.back() >= lanes;
  }
  static Status reshape(const Op::Attributes&, ReshapeContext& context) {
    return ops::detail::GroupNormalizer::reshape(context);
  }
  static Status run(const Op::Attributes& a, RunContext& context) {
    if (context.output().elements() == 0) return {};
    const ops::detail::GroupNormalizer normalizer(context.input(0).shape);
    Stored::for_type(context.input(0).dtype, [&]<class T>() { normalizer.normalize<T, Loops>(a, context); });
    return {};
  }

 private:
  using Stored = detail::StoredFloats<Isa>;
  using Floats = typename Stored::Floats;
  using Integers = detail::Vector<std::int32_t, Isa::bytes>;
  using Moments = ops::detail::Moments<float>;
  static constexpr index_t lanes = Stored::lanes;
  static constexpr int columns = 4;  ///< vectors of channels that are summed side by side

  struct Loops {
    template <class T>
    static void find_moments(const T* x, index_t rows, index_t channels, const Moments& found) {
      Isa::enter([&]() __attribute__((always_inline)) { find(x, rows, channels, found); });
    }
    template <class T>
    static void apply(const T* x, T* y, index_t rows, index_t channels, const float* middle,
                      const float* factor, const float* shift) {
      Isa::enter([&]()
                     __attribute__((always_inline)) { scale(x, y, rows, channels, middle, factor, shift); });
    }
  };

  template <class T>
  [[gnu::always_inline]] static void find(const T* x, index_t rows, index_t channels, const Moments& found) {
    const index_t block = ops::detail::GroupNormalizer::block_rows(channels);
    for (index_t first = 0; first < rows; first += block) {
      const Block<T> of{x + first * channels, channels, first, std::min(block, rows - first), found};
      index_t c = 0;
      for (; c + columns * lanes <= channels; c += columns * lanes) of.template merge<columns>(c, 0);
      for (; c + lanes <= channels; c += lanes) of.template merge<1>(c, 0);
      if (c < channels) of.template merge<1>(channels - lanes, c - (channels - lanes));
    }
  }

  /// `n` rows after `before` others.
  template <class T>
  struct Block {
    const T* x;
    index_t channels, before, n;
    Moments found;

    /// Merges the moments of `width` vectors of channels from `c` on, but not of the first `done` channels.
    template <int width>
    [[gnu::always_inline]] void merge(index_t c, index_t done) const {
      Floats middle[width], sum[width], squares[width];
#pragma GCC unroll 4
      for (int i = 0; i < width; ++i) {
        Stored::load(middle[i], x + c + i * lanes);
        sum[i] = Floats{};
        squares[i] = Floats{};
      }
      for (index_t r = 1; r < n; ++r) {
#pragma GCC unroll 4
        for (int i = 0; i < width; ++i) {
          Floats v;
          Stored::load(v, x + r * channels + c + i * lanes);
          sum[i] += v - middle[i];
        }
      }
      const float inverse = 1 / static_cast<float>(n);
      Floats infinity;
      detail::fill(infinity, std::numeric_limits<float>::infinity());
#pragma GCC unroll 4
      for (int i = 0; i < width; ++i) {
        middle[i] += sum[i] * inverse;
        sum[i] = Floats{};
      }
      for (index_t r = 0; r < n; ++r) {
#pragma GCC unroll 4
        for (int i = 0; i < width; ++i) {
          Floats v;
          Stored::load(v, x + r * channels + c + i * lanes);
          v -= middle[i];
          sum[i] += v;
          squares[i] += v * v;
        }
      }
#pragma GCC unroll 4
      for (int i = 0; i < width; ++i) {
        const Floats off = sum[i] * inverse, rounding = off * sum[i];
        const Floats around = rounding < infinity ? squares[i] - rounding : squares[i];
        merge_vector(c + i * lanes, done, middle[i], off, around);
      }
    }

    /// As the portable kernel's Moments::merge.
    [[gnu::always_inline]] void merge_vector(index_t c, index_t done, const Floats& middle,
                                             const Floats& off_middle, const Floats& other_squares) const {
      if (before == 0) {
        detail::store(found.pivot + c, middle);
        detail::store(found.mean + c, off_middle);
        detail::store(found.squares + c, other_squares);
        return;
      }
      const float share = static_cast<float>(n) / static_cast<float>(before + n),
                  weight = share * static_cast<float>(before);
      Integers first, number;
      detail::fill(first, static_cast<std::int32_t>(done));
      count_lanes(number, std::make_integer_sequence<std::int32_t, lanes>{});
      const Integers is_new = number >= first;
      Floats pivot, mean, squares;
      detail::load(pivot, found.pivot + c);
      detail::load(mean, found.mean + c);
      detail::load(squares, found.squares + c);
      const Floats off = (middle - pivot) + (off_middle - mean), merged = off * share + mean,
                   sum = squares + (off * off * weight + other_squares);
      mean = is_new ? merged : mean;
      squares = is_new ? sum : squares;
      detail::store(found.mean + c, mean);
      detail::store(found.squares + c, squares);
    }
  };

  template <class T>
  [[gnu::always_inline]] static void scale(const T* x, T* y, index_t rows, index_t channels,
                                           const float* middle, const float* factor, const float* shift) {
    const auto scaled = [&](Floats& v, index_t c) __attribute__((always_inline)) {
      Floats m, f, s;
      detail::load(m, middle + c);
      detail::load(f, factor + c);
      detail::load(s, shift + c);
      v = (v - m) * f + s;
    };
    const index_t end = channels - lanes;
    const bool ragged = channels % lanes != 0;
    for (index_t r = 0; r < rows; ++r, x += channels, y += channels) {
      Floats last{};  // read before the vector that it overlaps is written: y may be x
      if (ragged) Stored::load(last, x + end);
      for (index_t c = 0; c + lanes <= channels; c += lanes) {
        Floats v;
        Stored::load(v, x + c);
        scaled(v, c);
        Stored::store(y + c, v);
      }
      if (!ragged) continue;
      scaled(last, end);
      Stored::store(y + end, last);
    }
  }

  template <std::int32_t... i>
  [[gnu::always_inline]] static void count_lanes(Integers& to, std::integer_sequence<std::int32_t, i...>) {
    to = Integers{i...};
  }
};

/// In order of preference.
using GroupNormalization = isa::Every::kernels<GroupNormalizationOn>;

}  // namespace lithe::inline v0::simd
