// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "lithe/ops/conv_transpose2d.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/not_a_number.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/detail/weights_cache.hpp"
#include "lithe/xnn/detail/window.hpp"

namespace lithe::inline v0::xnn {

/// A transposed convolution in f32 for which XNNPACK would choose its narrow kernel for SSE: a convolution of
/// 1x1 multiplies every pixel by all taps, and rows of the output add up what reaches them. Bands of input rows
/// take turns in the workspace. The filter is constant.
class NarrowConvTranspose2D {
 public:
  using Op = ops::ConvTranspose2D;
  static constexpr const char* name = "xnn::convolution2d_nhwc_of_taps";
  static constexpr std::uint32_t packed_inputs = 0b10;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const Shape& filter = node.input(1).shape;
    const index_t outputs = filter[0] / a.group;
    return runs_narrow_sse(node.input(0).dtype, *node.cpu, outputs) && node.input(1).constant() &&
           !any_empty(node) && usable_clamp(a.clamp, DType::f32) && filter.elements() != a.group;
  }

  [[gnu::cold]] Status create(const Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    const ValueInfo& filter = context.node.input(1);
    const Shape& shape = filter.shape;
    const index_t outputs = shape[0] / a.group, taps = shape[1] * shape[2], channels = shape[3];
    const std::unique_ptr<float[]> by_tap(
        new (std::nothrow) float[static_cast<std::size_t>(shape.elements())]);
    if (by_tap == nullptr) return {Code::out_of_memory, "no memory for a filter in another order"};
    const auto* from = static_cast<const float*>(filter.data);
    for (index_t o = 0; o < shape[0]; ++o)
      for (index_t tap = 0; tap < taps; ++tap, from += channels) {
        const index_t column = (o / outputs * taps + tap) * outputs + o % outputs;
        std::copy_n(from, channels, &by_tap[static_cast<std::size_t>(column * channels)]);
      }
    PackingHash hash;
    hash.add(a.group).add(channels).add(taps).add(outputs);
    return packed_.pack(context, packing_key(context, name, hash), [&](xnn_weights_cache_t cache) {
      const auto group = static_cast<std::uint32_t>(a.group);
      const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
      return xnn_create_convolution2d_nhwc_f32(
          0, 0, 0, 0, 1, 1, 1, 1, 1, 1, group, z(channels), z(taps * outputs), z(channels * a.group),
          z(taps * shape[0]), by_tap.get(), nullptr, -std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::infinity(), 0, nullptr, cache, op_.out());
    });
  }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const Columns columns(a, context.inputs[0].shape, context.inputs[1].shape, context.outputs[0].shape);
    const auto rows = static_cast<std::size_t>(columns.band), width = static_cast<std::size_t>(columns.width);
    context.workspace((rows + static_cast<std::size_t>(columns.halo)) * columns.row() * sizeof(float));
    std::size_t bytes = 0, align = 0, height = 0, out_width = 0;
    return check(xnn_reshape_convolution2d_nhwc_f32(op_.get(), 1, rows, width, &bytes, &align, &height,
                                                    &out_width, native(context.threads)));
  }

  Status run(const Op::Attributes& a, RunContext& context) {
    Columns columns(a, context.input(0).shape, context.input(1).shape, context.output().shape);
    columns.data = reinterpret_cast<float*>(context.workspace().data());
    columns.bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr;
    const Shape &input = context.input(0).shape, &output = context.output().shape;
    const std::size_t row = columns.row();
    for (index_t image = 0; image < input[0]; ++image) {
      index_t done = 0;
      for (index_t end = 0; end < input[1];) {
        const index_t first = std::min(end, input[1] - columns.band);
        if (first > 0)
          std::memmove(columns.data, columns.data + static_cast<std::size_t>(first - columns.first) * row,
                       static_cast<std::size_t>(columns.halo) * row * sizeof(float));
        columns.first = first;
        end = first + columns.band;
        const float* from = context.input(0).row<float>((image * input[1] + first) * input[2]);
        float* to = columns.data + static_cast<std::size_t>(columns.halo) * row;
        LITHE_TRY(check(xnn_setup_convolution2d_nhwc_f32(op_.get(), nullptr, from, to)));
        LITHE_TRY(check(xnn_run_operator(op_.get(), native(context.threads()))));
        const index_t last =
            end == input[1]
                ? output[1]
                : std::clamp(end * columns.window.h.stride - columns.window.h.before, done, output[1]);
        ops::detail::in_parallel(context.threads(), last - done, [&](index_t i) {
          columns.add_up(done + i, context.output().row<float>((image * output[1] + done + i) * output[2]));
        });
        done = last;
      }
    }
    return {};
  }

 private:
  /// The products of input rows [first - halo, first + band) with all taps: [row, W, group, KH, KW, O / group].
  struct Columns {
    Window window;
    index_t group, outputs, height, width, output_width;
    Clamp clamp;
    index_t halo;  ///< rows before a band that reach the same rows of the output
    index_t band;
    float* data = nullptr;
    const float* bias = nullptr;
    index_t first = 0;

    Columns(const Op::Attributes& a, const Shape& input, const Shape& filter, const Shape& output)
        : window(a.window(filter)),
          group(a.group),
          outputs(filter[0] / a.group),
          height(input[1]),
          width(input[2]),
          output_width(output[2]),
          clamp(a.clamp) {
      constexpr std::size_t cached = 64 * 1024;  // elements of a band
      halo = ((window.h.kernel - 1) * window.h.dilation + window.h.stride - 1) / window.h.stride;
      band =
          static_cast<index_t>(std::clamp<std::size_t>(cached / row(), 1, static_cast<std::size_t>(height)));
    }

    /// Elements of a row.
    std::size_t row() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(pixel()); }
    index_t pixel() const { return group * window.h.kernel * window.w.kernel * outputs; }

    /// Row y of the output.
    void add_up(index_t y, float* to) const {
      const index_t channels = group * outputs, elements = output_width * channels;
      if (bias == nullptr)
        std::fill_n(to, elements, 0.0f);
      else
        for (index_t x = 0; x < output_width; ++x) std::copy_n(bias, channels, to + x * channels);
      for (index_t k = 0; k < window.h.kernel; ++k) {
        const index_t at = y + window.h.before - k * window.h.dilation;
        if (at < 0 || at % window.h.stride != 0 || at / window.h.stride >= height) continue;
        const float* from = data + static_cast<std::size_t>(halo + at / window.h.stride - first) * row();
        for (index_t g = 0; g < group; ++g)
          add_line(from + (g * window.h.kernel + k) * window.w.kernel * outputs, to + g * outputs);
      }
      if (clamp.active())
        for (index_t i = 0; i < elements; ++i) to[i] = clamp(to[i]);
    }

    /// Adds one row of taps, times every pixel of a row, to the outputs of one group. Taps beside each other
    /// reach outputs beside each other, unless groups or dilation lie between.
    void add_line(const float* from, float* to) const {
      const WindowAxis& w = window.w;
      const index_t channels = group * outputs, joined = group == 1 && w.dilation == 1 ? w.kernel : 1;
      for (index_t x = 0; x < width; ++x, from += pixel())
        for (index_t k = 0; k < w.kernel; k += joined) {
          const index_t at = x * w.stride + k * w.dilation - w.before;
          const index_t skipped = std::max<index_t>(0, -at), end = std::min(joined, output_width - at);
          if (skipped >= end) continue;
          add(from + (k + skipped) * outputs, to + (at + skipped) * channels, (end - skipped) * outputs);
        }
    }
    /// Blocks are read before they are written, so that compilers vectorize.
    static void add(const float* from, float* to, index_t count) {
      constexpr index_t block = 4;
      for (; count >= block; count -= block, from += block, to += block) {
        float sums[block];
        for (index_t i = 0; i < block; ++i) sums[i] = to[i] + from[i];
        std::copy_n(sums, block, to);
      }
      for (index_t i = 0; i < count; ++i) to[i] += from[i];
    }
  };

  PackedFilter packed_;
  Handle op_;
};

}  // namespace lithe::inline v0::xnn
