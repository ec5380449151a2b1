// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/detail/requantize.hpp"
#include "lithe/simd/detail/bands.hpp"
#include "lithe/simd/detail/depthwise.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/rounding.hpp"
#include "lithe/simd/detail/tap_columns.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

/// A 3x3 depthwise convolution of s8, strides 1 or 2. The input rows under an output row, or under two of
/// stride 1, are loaded as columns that slide to the right; three columns of taps make the sums.
template <class Isa>
class QuantizedDepthwise {
 public:
  QuantizedDepthwise(const ops::DepthwiseConv2D::Attributes& a, const RunContext& context)
      : context_(context), window_(window_3x3(a, context)) {
    const Quantization& output = *context.output().quantization;
    zero_point_ = output.zero_point_at(0);
    range_ = ops::detail::quantized_range<std::int8_t>(a.clamp, output.scale_at(0), zero_point_);
    std::ranges::fill(padding_, static_cast<std::int8_t>(context.input(0).quantization->zero_point_at(0)));
  }

  /// Output rows [y, last) of an image.
  void run(index_t image, index_t y, index_t last, Channels band) const {
    Isa::enter([&]() __attribute__((always_inline)) {
      const auto vector = [&](index_t channel)
                              __attribute__((always_inline)) { run_channels(image, y, last, channel); };
      band.for_each(channels, context_.output().shape[3], vector);
    });
  }

 private:
  using Columns = TapColumns<Isa>;
  using Column = typename Columns::Column;
  using Sums = typename Columns::Sums;
  using Floats = Vector<float, Isa::bytes>;
  using Integers = Vector<std::int32_t, Isa::bytes>;
  static constexpr int channels = Columns::channels, vectors = Columns::vectors, lanes = channels / vectors;

  /// What a vector of channels is multiplied by.
  struct Filter {
    Column left[2], middle[2], right[2];  ///< [1]: one row lower, for the second output row
    Column padding;                       ///< input that is all padding
    Sums start;                           ///< bias, less what the zero point and the offset of the input add
    Floats scales[vectors];
  };

  /// The input rows under one or two output rows.
  template <int used>
  struct InputRows {
    const std::int8_t* pixels[4];
    index_t pitches[4];
    index_t width;

    [[gnu::always_inline]] InputRows(const QuantizedDepthwise& job, index_t image, index_t y, index_t channel)
        : width(job.context_.input(0).shape[2]) {
      const Rows<std::int8_t, 4> rows(job.context_.input(0), job.window_.h, image, y, job.padding_, used);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        pixels[i] = rows.at(i, channel);
        pitches[i] = rows.pitches[i];
      }
    }
    [[gnu::always_inline]] void load(Column& to, index_t x, const Column& padding) const {
      if (x < 0 || x >= width)
        to = padding;
      else
        Columns::template load_input<used>(to, pixels[0] + x * pitches[0], pixels[1] + x * pitches[1],
                                           pixels[2] + x * pitches[2], pixels[3] + x * pitches[3]);
    }
  };

  [[gnu::always_inline]] void run_channels(index_t image, index_t y, index_t last, index_t channel) const {
    Filter filter;
    load_filter(filter, channel);
    if (window_.w.stride == 1) {
      for (; y + 2 <= last; y += 2) slide<2, 1>(filter, image, y, channel);
      for (; y < last; ++y) slide<1, 1>(filter, image, y, channel);
    } else {
      for (; y < last; ++y) slide<1, 2>(filter, image, y, channel);
    }
  }

  [[gnu::always_inline]] void load_filter(Filter& to, index_t channel) const {
    const auto* from = static_cast<const std::int8_t*>(context_.input(1).data) + channel;
    const index_t step = context_.output().shape[3];
    load_taps(to.left, from, taps * step);
    load_taps(to.middle, from + step, taps * step);
    load_taps(to.right, from + 2 * step, taps * step);
    Columns::template load_input<4>(to.padding, padding_, padding_, padding_, padding_);
    Sums sum{};
    Columns::template add<0>(sum, to.padding, to.left[0]);
    Columns::template add<0>(sum, to.padding, to.middle[0]);
    Columns::template add<0>(sum, to.padding, to.right[0]);
    const auto* bias =
        context_.has(2) ? static_cast<const std::int32_t*>(context_.input(2).data) + channel : nullptr;
    const Quantization& filter = *context_.input(1).quantization;
    const float input = context_.input(0).quantization->scale_at(0);
    const float output = context_.output().quantization->scale_at(0);
    float scales[channels];
    for (index_t i = 0; i < channels; ++i) scales[i] = ops::detail::filter_scale(filter, channel + i);
#pragma GCC unroll 2
    for (int i = 0; i < vectors; ++i) {
      Integers start{};
      if (bias != nullptr) load(start, bias + i * lanes);
      to.start.v[i] = start - sum.v[i];
      load(to.scales[i], scales + i * lanes);
      to.scales[i] = input * to.scales[i] / output;  // as requantization_scale
    }
  }

  [[gnu::always_inline]] static void load_taps(Column (&to)[2], const std::int8_t* from, index_t row) {
    Columns::load(to[0], from, from + row, from + 2 * row, zeros);
    Columns::load(to[1], zeros, from, from + row, from + 2 * row);
  }

  /// `count` output rows from `y` on.
  template <int count, int stride>
  [[gnu::always_inline]] void slide(const Filter& filter, index_t image, index_t y, index_t channel) const {
    const InputRows<count + taps - 1> rows(*this, image, y, channel);
    const Tensor& output = context_.output();
    std::int8_t* to = output.row<std::int8_t>((image * output.shape[1] + y) * output.shape[2]) + channel;
    const index_t pitch = output.pitch, row_pitch = output.shape[2] * pitch;
    index_t x = -window_.w.before;
    const Rounding<Isa> rounding(range_, zero_point_);
    Column left, middle, right;
    rows.load(left, x++, filter.padding);
    if constexpr (stride == 1) rows.load(middle, x++, filter.padding);
    for (index_t i = output.shape[2]; i > 0; --i) {
      if constexpr (stride == 2) rows.load(middle, x++, filter.padding);
      rows.load(right, x++, filter.padding);
      store<0>(filter, rounding, left, middle, right, to);
      if constexpr (count == 2) store<1>(filter, rounding, left, middle, right, to + row_pitch);
      to += pitch;
      if constexpr (stride == 1) {
        left = middle;
        middle = right;
      } else {
        left = right;
      }
    }
  }

  /// One pixel of an output row.
  template <int row>
  [[gnu::always_inline]] static void store(const Filter& filter, const Rounding<Isa>& rounding,
                                           const Column& left, const Column& middle, const Column& right,
                                           std::int8_t* to) {
    Sums sums = filter.start;
    Columns::template add<row>(sums, left, filter.left[row]);
    Columns::template add<row>(sums, middle, filter.middle[row]);
    Columns::template add<row>(sums, right, filter.right[row]);
#pragma GCC unroll 2
    for (int i = 0; i < vectors; ++i)
      rounding.apply(sums.v[i], __builtin_convertvector(sums.v[i], Floats) * filter.scales[i]);
    Isa::store_bytes(to, sums.v);
  }

  static constexpr std::int8_t zeros[channels]{};
  const RunContext& context_;
  ops::detail::Window window_;
  ops::detail::QuantizedRange range_;
  std::int32_t zero_point_;
  std::int8_t padding_[channels];
};

}  // namespace detail

/// 3x3 depthwise convolution in s8, strides 1 or 2, one filter a channel, at least as many channels as are
/// computed at once; the same bits as the portable kernel. Bands of rows and chunks of channels are shared
/// among threads.
template <class Isa>
class QuantizedDepthwiseConv2DOn {
 public:
  using Op = ops::DepthwiseConv2D;
  static constexpr auto full_name = isa::joined("simd::depthwise_conv2d_3x3_qs8_qc8w_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    return Isa::on(*node.cpu) &&
           detail::is_depthwise_3x3(a, node, DType::s8, detail::TapColumns<Isa>::channels);
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const detail::QuantizedDepthwise<Isa> convolution(a, context);
    const index_t rows =
        std::max<index_t>(band_pixels / std::max<index_t>(context.output().shape[2], 1) / 2 * 2, 2);
    detail::for_bands(context, rows, [&](index_t image, index_t y, index_t last, detail::Channels channels) {
      convolution.run(image, y, last, channels);
    });
    return {};
  }

 private:
  /// A band is as many pixels as stay in L1 while its channels are computed.
  static constexpr index_t band_pixels = 256;
};

/// The same, for the nodes that it runs faster than XNNPACK does: measured on x86 only.
template <class Isa>
struct FasterQuantizedDepthwiseConv2DOn : QuantizedDepthwiseConv2DOn<Isa> {
  static bool supports(const ops::DepthwiseConv2D::Attributes& a, const NodeInfo& node) {
    return !node.cpu->neon && QuantizedDepthwiseConv2DOn<Isa>::supports(a, node);
  }
};

/// In order of preference: for lists without XNNPACK, and for those in which it comes after.
using QuantizedDepthwiseConv2D = isa::ForBytes::kernels<QuantizedDepthwiseConv2DOn>;
using FasterQuantizedDepthwiseConv2D = isa::ForBytes::kernels<FasterQuantizedDepthwiseConv2DOn>;

}  // namespace lithe::inline v0::simd
