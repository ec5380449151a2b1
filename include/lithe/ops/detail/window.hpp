// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"

namespace lithe::inline v0::ops::detail {

/// The kernel taps [first, last) of one axis that fall on the input.
struct Taps {
  index_t first = 0, last = 0;
  index_t count() const { return last - first; }
};

/// One axis of a sliding window, in input elements; `before` and `after` are the padding.
struct WindowAxis {
  index_t kernel = 1, stride = 1, dilation = 1, before = 0, after = 0;

  index_t start(index_t out) const { return out * stride - before; }
  /// The taps of output `out` whose positions lie in [low, high).
  Taps taps(index_t out, index_t low, index_t high) const {
    const index_t at = start(out);
    const index_t first = at < low ? (low - at + dilation - 1) / dilation : 0;
    const index_t last = at < high ? std::min(kernel, (high - at + dilation - 1) / dilation) : 0;
    return first < last ? Taps{first, last} : Taps{};
  }
};

/// A sliding window over height and width, or over depth too.
struct Window {
  WindowAxis h, w, d{};

  /// The taps over height and width; may be more than an index_t of 32 bits holds.
  std::int64_t taps() const { return std::int64_t{h.kernel} * w.kernel; }
};

inline constexpr index_t max_window = index_t{1} << 20;  ///< bound of kernels, strides, dilations and pads

/// The window of a spatial operator's attributes, which all have these names.
template <class Attributes>
Window window(const Attributes& a, index_t kernel_h, index_t kernel_w) {
  return {{kernel_h, a.strides[0], a.dilations[0], a.pads[0], a.pads[2]},
          {kernel_w, a.strides[1], a.dilations[1], a.pads[1], a.pads[3]}};
}

/// The same over depth, height and width.
template <class Attributes>
Window window(const Attributes& a, index_t kernel_d, index_t kernel_h, index_t kernel_w) {
  return {{kernel_h, a.strides[1], a.dilations[1], a.pads[1], a.pads[4]},
          {kernel_w, a.strides[2], a.dilations[2], a.pads[2], a.pads[5]},
          {kernel_d, a.strides[0], a.dilations[0], a.pads[0], a.pads[3]}};
}

/// Checks one axis of a window.
/// Errors: Code::invalid_model unless kernel, stride and dilation lie in [1, 2^20] and pads in [0, 2^20].
[[gnu::cold]] inline Status check(const WindowAxis& axis) {
  auto outside = [](index_t v, index_t low) { return v < low || v > max_window; };
  if (outside(axis.kernel, 1)) return {Code::invalid_model, "a kernel size is outside [1, 2^20]"};
  if (outside(axis.stride, 1)) return {Code::invalid_model, "a stride is outside [1, 2^20]"};
  if (outside(axis.dilation, 1)) return {Code::invalid_model, "a dilation is outside [1, 2^20]"};
  if (outside(axis.before, 0) || outside(axis.after, 0))
    return {Code::invalid_model, "a pad is outside [0, 2^20]"};
  return {};
}

/// The output elements of a checked axis over `size` input elements. With `ceil` the last window may reach
/// beyond the padding, but it never starts after the input and its leading padding (ONNX AveragePool-19).
/// Errors: Code::shape where the window does not fit.
[[gnu::cold]] inline Result<index_t> output_size(const WindowAxis& axis, index_t size, bool ceil = false) {
  const std::int64_t padded = std::int64_t{size} + axis.before + axis.after;
  if (padded > std::numeric_limits<std::int32_t>::max() - 2 * max_window)
    return Status{Code::shape, "a padded spatial dimension is too large"};
  const std::int64_t room = padded - (std::int64_t{axis.kernel} - 1) * axis.dilation - 1;
  const std::int64_t up = room + (ceil ? axis.stride - 1 : 0);
  if (up < -axis.stride) return Status{Code::shape, "the kernel is larger than the padded input"};
  index_t out = up < 0 ? 0 : static_cast<index_t>(up) / axis.stride + 1;
  if (ceil && out > 0 && (std::int64_t{out} - 1) * axis.stride >= std::int64_t{size} + axis.before) --out;
  return out;
}

/// The shape [N, OH, OW, channels] of a window over [N, H, W, C]. Checks the window and the input's rank.
/// Errors: those of check and output_size; Code::shape for another rank.
[[gnu::cold]] inline Result<Shape> output_shape(const Window& window, const Shape& input, index_t channels,
                                                bool ceil = false) {
  if (input.rank() != 4) return Status{Code::shape, "the input must be [N, H, W, C]"};
  LITHE_TRY(check(window.h));
  LITHE_TRY(check(window.w));
  LITHE_ASSIGN_OR_RETURN(const index_t oh, output_size(window.h, input[1], ceil));
  LITHE_ASSIGN_OR_RETURN(const index_t ow, output_size(window.w, input[2], ceil));
  return Shape{input[0], oh, ow, channels};
}

/// The shape [N, OH, OW, C] of a pool over [N, H, W, C], by the attributes that all pools have.
template <class Attributes>
Result<Shape> pooled_shape(const Attributes& a, const Shape& input) {
  return output_shape(window(a, a.kernel[0], a.kernel[1]), input, input.back(), a.ceil_mode);
}

/// The shape [N, OD, OH, OW, channels] of a window over [N, D, H, W, C]. Checks the window and the input's
/// rank.
/// Errors: those of check and output_size; Code::shape for another rank or more than 2^31 - 1 padded rows.
[[gnu::cold]] inline Result<Shape> output_volume(const Window& window, const Shape& input, index_t channels) {
  if (input.rank() != 5) return Status{Code::shape, "the input must be [N, D, H, W, C]"};
  Shape output{input[0]}, padded{input[0]};
  int axis = 1;
  for (const WindowAxis& a : {window.d, window.h, window.w}) {
    LITHE_TRY(check(a));
    padded.push_back(std::int64_t{input[axis]} + a.before + a.after);
    LITHE_ASSIGN_OR_RETURN(const index_t size, output_size(a, input[axis++]));
    output.push_back(size);
  }
  if (padded.joined(0, 3) < 0) return Status{Code::shape, "a padded volume has more than 2^31 - 1 rows"};
  output.push_back(channels);
  return output;
}

/// The input rows that output rows need, not clipped to the input.
inline RowSpan input_rows(const WindowAxis& h, RowSpan output) {
  if (output.count <= 0) return {h.start(output.first), 0};
  return {h.start(output.first), (output.count - 1) * h.stride + (h.kernel - 1) * h.dilation + 1};
}

/// The window inside a strip, whose vertical padding is what the strip has of it.
inline Window at_strip(Window window, const Strip* strip) {
  if (strip != nullptr) {
    window.h.before = strip->pad_top;
    window.h.after = std::min(window.h.after, strip->pad_bottom);
  }
  return window;
}

/// One output pixel: which taps fall on the input, and where.
struct Pixel {
  Taps kd, kh, kw;
  index_t y, x;  ///< place in the output
  /// Where tap (0, 0, 0) lies in the input, possibly in its padding; rows count through batches and slices.
  index_t row, column;
  index_t deep, down, across;  ///< input slices, rows and columns from one tap to the next
  index_t width;               ///< columns of the input

  /// The row of the input's last axis that lies under a tap.
  index_t at(index_t h, index_t w) const { return (row + h * down) * width + column + w * across; }
  index_t at(index_t d, index_t h, index_t w) const {
    return (row + d * deep + h * down) * width + column + w * across;
  }
};

/// Calls visit(self, pixel, row of the output's last axis) for every output pixel of tensors [N, H, W, C] or
/// [N, D, H, W, C].
inline void walk_pixels(const Window& window, const Shape& input, const Shape& output,
                        void (*visit)(void* self, const Pixel& pixel, index_t row), void* self) {
  const int axis = input.rank() - 3;  // height
  const index_t depth = input.product(1, axis), height = input[axis], width = input[axis + 1];
  index_t to = 0;
  for (index_t n = 0; n < output[0]; ++n)
    for (index_t z = 0; z < output.product(1, axis); ++z) {
      const Taps kd = window.d.taps(z, 0, depth);
      const index_t slice = n * depth + window.d.start(z),
                    deep = window.d.kernel > 1 ? window.d.dilation * height : 0;
      for (index_t y = 0; y < output[axis]; ++y) {
        const Taps kh = window.h.taps(y, 0, height);
        for (index_t x = 0; x < output[axis + 1]; ++x)
          visit(self,
                {kd, kh, window.w.taps(x, 0, width), y, x, slice * height + window.h.start(y),
                 window.w.start(x), deep, window.h.dilation, window.w.dilation, width},
                to++);
      }
    }
}

/// The same with f(pixel, row). One loop serves all kernels and types: a call costs little beside a pixel's
/// work.
template <class F>
void for_each_pixel(const Window& window, const Shape& input, const Shape& output, F f) {
  const auto visit = [](void* self, const Pixel& pixel, index_t row) {
    (*static_cast<F*>(self))(pixel, row);
  };
  walk_pixels(window, input, output, visit, &f);
}

}  // namespace lithe::inline v0::ops::detail
