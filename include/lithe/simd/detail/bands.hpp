// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/parallel.hpp"

/// How an [N, OH, OW, C] output is shared among threads: in bands of rows, and chunks of channels.
namespace lithe::inline v0::simd::detail {

/// Channels [first, last).
struct Channels {
  index_t first, last;

  /// Calls body(c) for vectors of `lanes` channels from c on; the last one overlaps the one before it where
  /// the tensor, of `all` channels, ends.
  template <class Body>
  [[gnu::always_inline]] void for_each(index_t lanes, index_t all, const Body& body) const {
    for (index_t c = first; c < last; c += lanes) body(std::min(c, all - lanes));
  }
};

/// Calls body(image, y, last, channels) for bands of `rows` output rows, [y, last), that cover the output, on
/// the threads there are. Chunks of channels go to threads too, where a picture is small.
template <class Body>
void for_bands(const RunContext& context, index_t rows, const Body& body) {
  constexpr index_t chunk = 128;
  const Shape& output = context.output().shape;
  if (output.elements() == 0) return;
  const index_t bands = (output[1] + rows - 1) / rows, chunks = (output[3] + chunk - 1) / chunk;
  ops::detail::in_parallel(context.threads(), output[0] * bands * chunks, [&](index_t i) {
    const index_t y = i / chunks % bands * rows, channel = i % chunks * chunk;
    body(i / chunks / bands, y, std::min(y + rows, output[1]),
         Channels{channel, std::min(channel + chunk, output[3])});
  });
}

}  // namespace lithe::inline v0::simd::detail
