// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/detail/window.hpp"

/// What depthwise convolutions with one filter a channel share.
namespace lithe::inline v0::simd::detail {

inline constexpr index_t taps = 3;  ///< a row or a column of a 3x3 filter

/// Whether a node is a 3x3 convolution of `dtype` with strides 1 or 2 and at least `lanes` channels.
inline bool is_depthwise_3x3(const ops::DepthwiseConv2D::Attributes& a, const NodeInfo& node, DType dtype,
                             index_t lanes) {
  const Shape& filter = node.input(1).shape;
  return node.input(0).dtype == dtype && filter[0] == taps && filter[1] == taps && filter[3] == 1 &&
         filter[2] >= lanes && a.strides[0] == a.strides[1] && a.strides[0] <= 2 && a.dilations[0] == 1 &&
         a.dilations[1] == 1;
}

/// The window of such a node, or of what a strip leaves of it.
inline ops::detail::Window window_3x3(const ops::DepthwiseConv2D::Attributes& a, const RunContext& context) {
  return ops::detail::at_strip(ops::detail::window(a, taps, taps), context.strip());
}

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

/// Neighbouring input rows, from the one under tap 0 of an output row on. A row of padding is one vector of
/// `padding`, again and again: its pitch is 0, and so is its channel.
template <class T, int n>
struct Rows {
  const T* pixels[n];
  index_t pitches[n];

  Rows(const TensorView& input, const ops::detail::WindowAxis& h, index_t image, index_t y, const T* padding,
       int used = n) {
    for (int i = 0; i < n; ++i) {
      const index_t at = h.start(y) + i;
      const bool inside = i < used && at >= 0 && at < input.shape[1];
      pixels[i] = inside ? input.row<T>((image * input.shape[1] + at) * input.shape[2]) : padding;
      pitches[i] = inside ? input.pitch : 0;
    }
  }

  [[gnu::always_inline]] const T* at(int i, index_t channel) const {
    return pitches[i] == 0 ? pixels[i] : pixels[i] + channel;
  }
};

}  // namespace lithe::inline v0::simd::detail
