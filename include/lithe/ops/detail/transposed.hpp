// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/convolve.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/ops/detail/window.hpp"

/// Transposed convolutions over two or three spatial axes: each output sums the taps that reach it.
namespace lithe::inline v0::ops::detail {

/// Attributes of a grouped transposed convolution, one number for each axis: {height, width} or {depth,
/// height, width}.
template <std::size_t Axes>
struct TransposedAttributes {
  std::array<std::int32_t, Axes> strides = ones<Axes>, dilations = ones<Axes>, output_padding{};
  std::array<std::int32_t, 2 * Axes> pads{};  ///< those before each axis, then those after each axis
  std::int32_t group = 1;
  Clamp clamp{};
  static constexpr auto fields() {
    using A = TransposedAttributes;
    return Fields{field("strides", &A::strides), field("dilations", &A::dilations),
                  field("pads", &A::pads),       field("output_padding", &A::output_padding),
                  field("group", &A::group),     field("clamp", &A::clamp)};
  }
  Window window(const Shape& filter) const { return filter_window<Axes>(*this, filter); }
};

/// The taps first, first + step, ... of one axis; the i-th tap reads input element at - i * back.
struct TransposedTaps {
  index_t first = 0, step = 1, count = 0, at = 0, back = 1;
};

/// One axis of a transposed window: output = input * stride + tap * dilation - before.
class TransposedAxis {
 public:
  explicit TransposedAxis(const WindowAxis& axis) : axis_(axis) {
    const index_t common = std::gcd(axis.stride, axis.dilation);
    step_ = axis.stride / common;
    back_ = axis.dilation / common;
  }
  /// The taps that reach output `out` from one of `size` input elements.
  TransposedTaps taps(index_t out, index_t size) const {
    const index_t from = out + axis_.before;
    for (index_t k = 0; k < std::min(step_, axis_.kernel) && k * axis_.dilation <= from; ++k) {
      if ((from - k * axis_.dilation) % axis_.stride != 0) continue;
      const index_t at = (from - k * axis_.dilation) / axis_.stride;
      const index_t skipped = at < size ? 0 : (at - size) / back_ + 1;
      const index_t all = std::min((axis_.kernel - 1 - k) / step_, at / back_) + 1;
      return {k + skipped * step_, step_, std::max(all - skipped, index_t{0}), at - skipped * back_, back_};
    }
    return {};
  }

 private:
  WindowAxis axis_;
  index_t step_, back_;
};

/// The output elements of a checked axis over `size` input elements, `extra` of them after those of the
/// window.
/// Errors: Code::shape; Code::invalid_model for an output_padding out of range.
inline Result<index_t> transposed_size(const WindowAxis& axis, index_t size, std::int64_t extra) {
  if (size == 0) return Status{Code::shape, "a transposed convolution of no rows or columns"};
  if (extra < 0 || extra > max_window)
    return Status{Code::invalid_model, "output_padding is outside [0, 2^20]"};
  const std::int64_t out = (std::int64_t{size} - 1) * axis.stride +
                           (std::int64_t{axis.kernel} - 1) * axis.dilation + 1 + extra - axis.before -
                           axis.after;
  if (out < 0) return Status{Code::shape, "the padding is larger than the output"};
  if (out > std::numeric_limits<std::int32_t>::max() - 2 * max_window)
    return Status{Code::shape, "an output dimension is too large"};
  return static_cast<index_t>(out);
}

/// Infers a transposed convolution: checks everything and sets the output's shape.
template <std::size_t Axes>
Status infer_transposed(const TransposedAttributes<Axes>& a, InferContext& context) {
  constexpr int axes = static_cast<int>(Axes);
  const Shape &input = context.shape(0), &filter = context.shape(1);
  if (input.rank() != axes + 2) return {Code::shape, "the input must be [N, (D,) H, W, C]"};
  if (filter.rank() != axes + 2) return {Code::shape, "the filter must be [O, (KD,) KH, KW, C / group]"};
  if (a.group < 1) return {Code::invalid_model, "group must be at least 1"};
  LITHE_TRY(check_clamp(a.clamp));
  Shape output{input[0]};
  const Window window = a.window(filter);
  const WindowAxis all[] = {window.d, window.h, window.w};
  for (int i = 0; i < axes; ++i) {
    const WindowAxis& axis = all[3 - axes + i];
    LITHE_TRY(check(axis));
    LITHE_ASSIGN_OR_RETURN(
        const index_t size,
        transposed_size(axis, input[i + 1], a.output_padding[static_cast<std::size_t>(i)]));
    output.push_back(size);
  }
  output.push_back(filter[0]);
  LITHE_TRY(check_convolution(a.group, input.back(), context));
  return context.output(0, output);
}

/// Computes one output pixel of image `n`: all channels, from the taps of each axis that reach it.
template <class T>
void transposed_pixel(const TransposedTaps& d, const TransposedTaps& h, const TransposedTaps& w, index_t n,
                      const Linear<T>& linear, const RunContext& context, index_t group, T* to) {
  const TensorView& input = context.input(0);
  const TensorView& filter = context.input(1);
  const Shape &x = input.shape, &f = filter.shape;
  const int axis = x.rank() - 3;  // height, and KH
  const index_t channels = f.back(), per_group = f[0] / group, taps = f.product(1, f.rank() - 1);
  for (index_t o = 0; o < f[0]; ++o) {
    const index_t first_channel = o / per_group * channels;
    auto sum = linear.start(o);
    for (index_t i = 0; i < d.count; ++i)
      for (index_t j = 0; j < h.count; ++j) {
        const index_t from =
            ((n * x.product(1, axis) + d.at - i * d.back) * x[axis] + h.at - j * h.back) * x[axis + 1];
        const index_t tap =
            o * taps + ((d.first + i * d.step) * f[axis] + h.first + j * h.step) * f[axis + 1];
        for (index_t k = 0; k < w.count; ++k)
          sum += linear.sum(input.row<T>(from + w.at - k * w.back) + first_channel,
                            filter.row<T>(tap + w.first + k * w.step), channels, o);
      }
    to[o] = linear.store(sum, o);
  }
}

/// A transposed convolution as a LinearKernel runs it.
template <std::size_t Axes>
struct TransposedConvolution {
  using Attributes = TransposedAttributes<Axes>;

  static index_t channels(const Shape& filter) { return filter[0]; }

  template <class T>
  static void run(const Attributes& a, const RunContext& context) {
    const Window window = a.window(context.input(1).shape);
    const Shape &x = context.input(0).shape, &y = context.output().shape;
    const int axis = x.rank() - 3;
    const Linear<T> linear(a.clamp, context, y.back());
    const TransposedAxis depth(window.d), height(window.h), width(window.w);
    index_t to = 0;
    for (index_t n = 0; n < y[0]; ++n)
      for (index_t z = 0; z < y.product(1, axis); ++z) {
        const TransposedTaps d = depth.taps(z, x.product(1, axis));
        for (index_t i = 0; i < y[axis]; ++i) {
          const TransposedTaps h = height.taps(i, x[axis]);
          for (index_t j = 0; j < y[axis + 1]; ++j)
            transposed_pixel<T>(d, h, width.taps(j, x[axis + 1]), n, linear, context, a.group,
                                context.output().row<T>(to++));
        }
      }
  }
};

}  // namespace lithe::inline v0::ops::detail
