// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/detail/window.hpp"

/// What the 3x3 depthwise convolutions share: strides 1 or 2, one filter a channel.
namespace lithe::inline v0::simd::detail {

inline constexpr index_t taps = 3;

/// Whether a node is such a convolution of `dtype`, with at least `lanes` channels.
inline bool is_depthwise_3x3(const ops::DepthwiseConv2D::Attributes& a, const NodeInfo& node, DType dtype,
                             index_t lanes) {
  const Shape& filter = node.input(1).shape;
  return node.input(0).dtype == dtype && filter[0] == taps && filter[1] == taps && filter[3] == 1 &&
         filter[2] >= lanes && a.strides[0] == a.strides[1] && a.strides[0] <= 2 && a.dilations[0] == 1 &&
         a.dilations[1] == 1;
}

/// The window of a node, or of what a strip leaves of it.
inline ops::detail::Window window_3x3(const ops::DepthwiseConv2D::Attributes& a, const RunContext& context) {
  return ops::detail::at_strip(ops::detail::window(a, taps, taps), context.strip());
}

/// Output rows [first, last) of an image, `lanes` channels from `channel` on.
struct Band {
  index_t image, first, last, channel;
};

/// Calls body(band) for bands of `rows` output rows that cover the output, on the threads there are. Chunks
/// of channels go to threads too, where a picture is small. The last channels of a band overlap those before.
template <class Body>
void for_bands(const RunContext& context, index_t rows, index_t lanes, const Body& body) {
  constexpr index_t chunk = 128;
  const Shape& output = context.output().shape;
  if (output.elements() == 0) return;
  const index_t channels = output[3];
  const index_t bands = (output[1] + rows - 1) / rows, chunks = (channels + chunk - 1) / chunk;
  ops::detail::in_parallel(context.threads(), output[0] * bands * chunks, [&](index_t i) {
    const index_t first = i / chunks % bands * rows, channel = i % chunks * chunk;
    Band band{i / chunks / bands, first, std::min(first + rows, output[1]), channel};
    const index_t end = std::min(channel + chunk, channels);
    for (index_t c = channel; c < end; c += lanes) {
      band.channel = std::min(c, channels - lanes);
      body(band);
    }
  });
}

/// Neighbouring input rows; one of padding is one pixel, again and again.
template <class T, int n>
struct Rows {
  const T* pixels[n];
  index_t pitches[n];

  /// The rows from the one under tap 0 of output row `y` on, the first `used` of them.
  Rows(const TensorView& input, const ops::detail::WindowAxis& h, const Band& band, index_t y, const T* padding,
       int used = n) {
    for (int i = 0; i < n; ++i) {
      const index_t at = h.start(y) + i;
      const bool inside = i < used && at >= 0 && at < input.shape[1];
      pixels[i] = inside ? input.row<T>((band.image * input.shape[1] + at) * input.shape[2]) + band.channel
                         : padding;
      pitches[i] = inside ? input.pitch : 0;
    }
  }
};

/// Where output row `y` of a band begins.
template <class T>
T* output_row(const Tensor& output, const Band& band, index_t y) {
  return output.row<T>((band.image * output.shape[1] + y) * output.shape[2]) + band.channel;
}

}  // namespace lithe::inline v0::simd::detail
