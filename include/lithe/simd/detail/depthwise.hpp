// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
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
