// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/window.hpp"
#include "lithe/simd/detail/bands.hpp"
#include "lithe/simd/detail/vector.hpp"

/// What pools of f32 share. A tally is what a vector of channels comes to in a window:
///   add      counts an element in
///   result   what the window comes to, with 1 / the number of its elements
///   traced   whether elements are added to a trace, which becomes NaN where one is
///   rare     whether it is not worth code of its own for the usual windows
namespace lithe::inline v0::simd::detail {

template <class Isa>
class PoolRows {
 public:
  template <class Attributes>
  PoolRows(const Attributes& a, const RunContext& context)
      : input_(context.input(0)),
        output_(context.output()),
        window_(ops::detail::at_strip(ops::detail::window(a, a.kernel[0], a.kernel[1]), context.strip())),
        clamp_(a.clamp) {
    if constexpr (requires { a.count_include_pad; }) counts_padding_ = a.count_include_pad;
  }

  /// Calls body(image, y, channels) for every row of the output, on the threads there are.
  template <class Body>
  void for_each(const RunContext& context, const Body& body) const {
    constexpr std::int64_t grain = 48 * 1024;
    const std::int64_t row = window_.taps() * output_.shape[2] * std::min<index_t>(output_.shape[3], 128);
    const auto rows = static_cast<index_t>(std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, row)));
    for_bands(context, rows, [&](index_t image, index_t y, index_t last, Channels channels) {
      for (; y < last; ++y) body(image, y, channels);
    });
  }

  /// Computes a row of the output. Returns false where a trace is NaN.
  template <template <class> class Tally>
  bool run(index_t image, index_t y, Channels channels) const {
    float trace = 0;
    Isa::enter([&]() __attribute__((always_inline)) {
      run_in_vectors<Tally, Isa::bytes>(row_at(image, y), channels, trace);
    });
    return trace == trace;
  }

 private:
  /// A row of the output, and the input under it.
  struct Row {
    ops::detail::Taps kh;
    index_t high;       ///< rows of the window that a mean divides by
    index_t down;       ///< elements from one row of the window to the next
    const float* from;  ///< the first input row under the window; any where there is none
    float* to;
  };
  Row row_at(index_t image, index_t y) const {
    const ops::detail::WindowAxis& h = window_.h;
    const index_t height = input_.shape[1], width = input_.shape[2];
    const ops::detail::Taps kh = h.taps(y, 0, height);
    const index_t first = image * height + h.start(y) + kh.first * h.dilation;
    return {kh, counts_padding_ ? h.taps(y, -h.before, height + h.after).count() : kh.count(),
            h.dilation * width * input_.pitch,
            input_.template row<float>(kh.count() == 0 ? 0 : first * width),
            output_.template row<float>((image * output_.shape[1] + y) * output_.shape[2])};
  }

  /// Chooses the width of vectors: those of which a pixel is made, or that the last one overlaps by less than
  /// half of a pixel. Fewer than four channels are the first lanes of a vector.
  template <template <class> class Tally, int bytes>
  [[gnu::always_inline]] void run_in_vectors(const Row& row, const Channels& channels, float& trace) const {
    constexpr index_t lanes = bytes / sizeof(float);
    const index_t all = output_.shape[3];
    using Floats = Vector<float, bytes>;
    if constexpr (bytes > 16) {
      if (all < lanes || (all % lanes != 0 && all < 2 * lanes)) {
        run_in_vectors<Tally, bytes / 2>(row, channels, trace);
        return;
      }
    } else {
      if (all == 1) return run_row<Tally<Floats>, Floats, 1, 1>(row, channels, trace);
      if (all == 2) return run_row<Tally<Floats>, Floats, 2, 1>(row, channels, trace);
      if (all == 3) return run_row<Tally<Floats>, Floats, 3, 1>(row, channels, trace);
    }
    constexpr int most = bytes == Isa::bytes ? 4 : 2;  // narrower ones are for pixels of less than four
    run_row<Tally<Floats>, Floats, lanes, most>(row, channels, trace);
  }

  /// `most`: how many vectors of a pixel are computed at once, at most.
  template <class Tally, class Floats, index_t lanes, int most>
  [[gnu::always_inline]] void run_row(const Row& row, const Channels& channels, float& trace) const {
    const ops::detail::WindowAxis& w = window_.w;
    const index_t all = output_.shape[3];
    const bool overlap = w.dilation == 1 && w.stride < w.kernel;
    Floats traces[4]{};
    for (index_t x = 0; x < output_.shape[2]; ++x) {
      const ops::detail::Taps kw = taps_at(x);
      const index_t first = row.kh.count() == 0 ? 0 : (w.start(x) + kw.first * w.dilation) * input_.pitch;
      Place place{.from = row.from + first,
                  .rows = row.kh.count(),
                  .columns = kw.count(),
                  .seen = overlap && x > 0 ? w.kernel - w.stride - kw.first : 0,
                  .share = share(row, kw, x)};
      float* to = row.to + x * output_.pitch;
      index_t c = channels.first;
      if constexpr (most >= 4)
        for (; c + 4 * lanes <= channels.last; c += 4 * lanes)
          run_vectors<4, lanes, Tally>(place, row.down, c, to, traces);
      if constexpr (most >= 2)
        for (; c + 2 * lanes <= channels.last; c += 2 * lanes)
          run_vectors<2, lanes, Tally>(place, row.down, c, to, traces);
      for (; c < channels.last; c += lanes)
        run_vectors<1, lanes, Tally>(place, row.down, std::min(c, all - lanes), to, traces);
    }
    traces[0] += traces[1];
    traces[2] += traces[3];
    traces[0] += traces[2];
    add_lanes(traces[0], trace);
  }

  /// A window on the input.
  struct Place {
    const float* from;
    index_t rows, columns;
    index_t seen;  ///< the first columns, which belong to the window before this one too
    float share;   ///< 1 / the number of elements
  };

  /// The columns of a window that fall on the input; divides at the edges only.
  ops::detail::Taps taps_at(index_t x) const {
    const ops::detail::WindowAxis& w = window_.w;
    const index_t start = w.start(x);
    if (start >= 0 && start + (w.kernel - 1) * w.dilation < input_.shape[2]) return {0, w.kernel};
    return w.taps(x, 0, input_.shape[2]);
  }

  float share(const Row& row, const ops::detail::Taps& kw, index_t x) const {
    const ops::detail::WindowAxis& w = window_.w;
    index_t wide = kw.count();
    if (counts_padding_ && wide < w.kernel) wide = w.taps(x, -w.before, input_.shape[2] + w.after).count();
    return 1 / static_cast<float>(std::max<index_t>(1, row.high * wide));
  }

  template <int vectors, index_t lanes, class Tally, class Floats>
  [[gnu::always_inline]] void run_vectors(const Place& place, index_t down, index_t c, float* to,
                                          Floats (&traces)[4]) const {
    const index_t across = window_.w.dilation * input_.pitch;
    const float* from = place.from + c;
    Tally tallies[vectors];
    constexpr bool usual = !Tally::rare, traced = Tally::traced;
    if (usual && place.columns == 3 && (place.seen == 2 || !traced))
      add<3, 2, lanes>(tallies, from, down, across, place, traces);
    else if (usual && traced && place.columns == 3 && place.seen == 1)
      add<3, 1, lanes>(tallies, from, down, across, place, traces);
    else if (usual && place.columns == 2 && (place.seen == 0 || !traced))
      add<2, 0, lanes>(tallies, from, down, across, place, traces);
    else
      add<0, 0, lanes>(tallies, from, down, across, place, traces);
    Floats low, high;
    fill(low, clamp_.min);
    fill(high, clamp_.max);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      Floats value;
      tallies[v].result(value, place.share);
      clamp(value, low, high);
      store_lanes<lanes>(to + c + v * lanes, value);
    }
  }

  /// Adds a window of `columns` columns, of which `seen` are not traced, or of what the place has if that is 0.
  template <int columns, int seen, index_t lanes, int vectors, class Tally, class Floats>
  [[gnu::always_inline]] static void add(Tally (&tallies)[vectors], const float* from, index_t down,
                                         index_t across, const Place& place, Floats (&traces)[4]) {
    const index_t count = columns == 0 ? place.columns : columns, untraced = columns == 0 ? place.seen : seen;
    for (index_t h = place.rows; h > 0; --h, from += down) {
      const float* at = from;
#pragma GCC unroll 3
      for (index_t w = 0; w < count; ++w, at += across) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) {
          Floats value;
          load_lanes<lanes>(value, at + v * lanes);
          tallies[v].add(value);
          if (Tally::traced && w >= untraced) traces[vectors == 1 ? 3 : v] += value;
        }
      }
    }
  }

  const TensorView& input_;
  const Tensor& output_;
  ops::detail::Window window_;
  Clamp clamp_;
  bool counts_padding_ = false;
};

}  // namespace lithe::inline v0::simd::detail
