// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>

#include "lithe/ops/conv2d.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/winograd.hpp"
#include "lithe/xnn/detail/convolution.hpp"
#include "lithe/xnn/detail/packing.hpp"
#include "lithe/xnn/detail/weights_cache.hpp"

namespace lithe::inline v0::xnn {

/// A 3x3 convolution of stride 1 in f32 by Winograd's F(4x4, 3x3). Blocks of tiles take turns in the workspace, where
/// transformed inputs and sums stay in L2; the 36 products of matrices between them are one convolution of 1x1 in 36
/// groups. The packed filter has 4 times the size of the filter. Rounding errors are relative to the largest number of a
/// tile; one with a NaN, an infinity or outputs above 1.8e19 is computed once more from the filter, which therefore
/// stays.
class WinogradConv2D {
 public:
  using Op = ops::Conv2D;
  static constexpr bool strided_inputs = true, strided_outputs = true;

 protected:
  using Inputs = simd::detail::winograd::Inputs;
  using Outputs = simd::detail::winograd::Outputs;

  /// The steps that depend on the instruction set.
  struct Transforms {
    void (*scatter)(const Inputs& from, index_t channels, float* to);
    /// Returns whether the outputs are right.
    bool (*gather)(const float* from, index_t channels, const float* bias, const Clamp& clamp,
                   const Outputs& to);
  };

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node, index_t lanes) {
    if (node.input(0).dtype != DType::f32 || a.group != 1) return false;
    const Shape& filter = node.input(1).shape;
    const Window window = a.window(filter);
    const auto fits = [](const WindowAxis& axis) {
      return axis.kernel == taps && axis.stride == 1 && axis.dilation == 1 && axis.before < taps &&
             axis.after < taps;
    };
    return fits(window.h) && fits(window.w) && filter[0] >= lanes && filter[3] >= lanes &&
           packable(products, filter[3], filter[0]) && problem(filter).usable(node);
  }

  [[gnu::cold]] Status create(CreateContext& context, const char* name) {
    LITHE_TRY(initialize());
    const ValueInfo& filter = context.node.input(1);
    const Shape& shape = filter.shape;
    const std::ptrdiff_t filters = shape[0], channels = shape[3];
    const std::unique_ptr<float[]> transformed(
        new (std::nothrow) float[static_cast<std::size_t>(products * filters * channels)]);
    if (transformed == nullptr) return {Code::out_of_memory, "no memory for a transformed filter"};
    const auto* from = static_cast<const float*>(filter.data);
    for (std::ptrdiff_t o = 0; o < filters; ++o)
      for (std::ptrdiff_t c = 0; c < channels; ++c)
        simd::detail::winograd::transform_filter(from + o * taps * taps * channels + c, channels,
                                                 &transformed[static_cast<std::size_t>(o * channels + c)],
                                                 filters * channels);
    PackingHash hash;
    hash.add(shape[0]).add(shape[3]);
    return packed_.pack(context, packing_key(context, name, hash), [&](xnn_weights_cache_t cache) {
      return make(shape, slots_[0].ops[0], transformed.get(), cache);
    });
  }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const Shape& filter = context.inputs[1].shape;
    const Tiles tiles(at_strip(a.window(filter), context.strip), context.outputs[0].shape);
    Slot& slot = slots_[static_cast<std::size_t>(context.slot)];
    const std::size_t threads = context.threads == nullptr ? 1 : context.threads->threads;
    const auto operators = static_cast<index_t>(std::min(threads, most_workers));
    slot.workers = std::clamp<index_t>(tiles.count / least_block, 1, operators);
    const std::size_t bytes = (pitch(filter[3]) + pitch(filter[0])) * sizeof(float);
    const auto cached = std::clamp<std::size_t>(context.node.cpu->l2_bytes / bytes, least_block, most_block);
    const index_t most = static_cast<index_t>(cached) * slot.workers;
    const index_t blocks = (tiles.count + most - 1) / most * slot.workers;
    slot.block = (tiles.count + blocks - 1) / blocks;
    context.workspace(static_cast<std::size_t>(slot.workers * slot.block) * bytes);
    // All of them at once: a sealed heap has no room for those that a larger shape would want.
    for (Handle& op : std::span(slot.ops).first(static_cast<std::size_t>(operators))) {
      if (!op)
        LITHE_TRY(packed_.reuse([&](xnn_weights_cache_t cache) {
          return make(filter, op, static_cast<const float*>(packed_.stand_in()), cache);
        }));
      std::size_t workspace = 0, align = 0, height = 0, width = 0;
      LITHE_TRY(check(xnn_reshape_convolution2d_nhwc_f32(op.get(), 1, 1, static_cast<std::size_t>(slot.block),
                                                         &workspace, &align, &height, &width, nullptr)));
    }
    return {};
  }

  Status run(const Op::Attributes& a, RunContext& context, const Transforms& transforms) {
    const Slot& slot = slots_[static_cast<std::size_t>(context.slot())];
    const Tiles tiles(at_strip(a.window(context.input(1).shape), context.strip()), context.output().shape);
    std::array<xnn_status, most_workers> results{};
    ops::detail::in_parallel(context.threads(), slot.workers, [&](index_t worker) {
      const Block block{slot.ops[static_cast<std::size_t>(worker)], slot.block, worker};
      xnn_status& result = results[static_cast<std::size_t>(worker)];
      for (index_t first = worker * slot.block; first < tiles.count && result == xnn_status_success;
           first += slot.workers * slot.block)
        result = run(block, tiles, first, a.clamp, context, transforms);
    });
    for (const xnn_status result : results) LITHE_TRY(check(result));
    return {};
  }

  /// About how many multiply-adds take as long as the convolution by XNNPACK, and by this kernel. Reading a weight from L3
  /// or from memory takes as long as 36; transforming a channel of a tile, as 600 (inputs) and 500 (sums). Measured with
  /// AVX-512 on ResNet50's layers.
  struct Cost {
    double direct, winograd;

    explicit Cost(const NodeInfo& node) {
      constexpr double weight = 36, scatter = 600, gather = 500;
      const Shape &filter = node.input(1).shape, &output = node.output().shape;
      const double channels = filter[3], filters = filter[0], each = channels * filters;
      const double tiles = Tiles({}, output).count;
      direct = taps * taps * each * (static_cast<double>(output.rows()) + weight);
      winograd = products * each * (tiles + weight) + tiles * (scatter * channels + gather * filters);
    }
  };

 private:
  static constexpr int taps = simd::detail::winograd::taps, products = simd::detail::winograd::products;
  static constexpr index_t least_block = 8, most_block = 256;
  static constexpr std::size_t most_workers = 8;

  /// Each worker, a thread, has an operator and memory of its own.
  struct Slot {
    std::array<Handle, most_workers> ops;
    index_t workers = 1;
    index_t block = 0;  ///< how many tiles an operator runs at a time
  };
  struct Block {
    const Handle& op;
    index_t tiles, worker;
  };

  /// The tiles of an [N, OH, OW, O] output, in order.
  struct Tiles {
    Window window;
    index_t height, width, down, across, count;

    Tiles(const Window& w, const Shape& output)
        : window(w),
          height(output[1]),
          width(output[2]),
          down((height + size - 1) / size),
          across((width + size - 1) / size),
          count(output[0] * down * across) {}

    Inputs inputs(const TensorView& input, index_t tile) const {
      const Shape& shape = input.shape;
      return {input.row<float>(tile / across / down * shape[1] * shape[2]),
              shape[1],
              shape[2],
              input.pitch,
              tile / across % down * size - window.h.before,
              tile % across * size - window.w.before};
    }
    Outputs outputs(const Tensor& output, index_t tile) const {
      return {output.row<float>(tile / across / down * height * width),
              height,
              width,
              output.pitch,
              tile / across % down * size,
              tile % across * size};
    }

   private:
    static constexpr index_t size = simd::detail::winograd::outputs;
  };

  /// Elements of a tile of the workspace: not a multiple of 4 KB, so that tiles do not compete for a few sets of the cache.
  static std::size_t pitch(index_t channels) {
    constexpr std::size_t apart = 16;
    return static_cast<std::size_t>(products) * static_cast<std::size_t>(channels) + apart;
  }

  /// As XNNPACK's usual kernel sees it.
  static ConvolutionProblem problem(const Shape& filter) {
    return {Window{}, 1, filter[3], filter[0], Clamp{}};
  }

  [[gnu::cold]] static xnn_status make(const Shape& filter, Handle& op, const float* transformed,
                                       xnn_weights_cache_t cache) {
    const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
    return xnn_create_convolution2d_nhwc_f32(
        0, 0, 0, 0, 1, 1, 1, 1, 1, 1, products, z(filter[3]), z(filter[0]), pitch(filter[3]),
        pitch(filter[0]), transformed, nullptr, -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::infinity(), 0, nullptr, cache, op.out());
  }

  /// Tiles from `first` on, as many as there are. The operator multiplies a whole block; what it makes of the rest of the
  /// workspace counts for nothing.
  static xnn_status run(const Block& block, const Tiles& tiles, index_t first, const Clamp& clamp,
                        const RunContext& context, const Transforms& transforms) {
    const TensorView &input = context.input(0), &filter = context.input(1);
    const auto* bias = context.has(2) ? static_cast<const float*>(context.input(2).data) : nullptr;
    const index_t channels = filter.shape[3], filters = filter.shape[0];
    const index_t count = std::min(block.tiles, tiles.count - first);
    const std::size_t step = pitch(channels), sums_step = pitch(filters);
    float* transformed = reinterpret_cast<float*>(context.workspace().data()) +
                         static_cast<std::size_t>(block.worker * block.tiles) * (step + sums_step);
    float* sums = transformed + static_cast<std::size_t>(block.tiles) * step;
    for (index_t i = 0; i < count; ++i)
      transforms.scatter(tiles.inputs(input, first + i), channels,
                         transformed + static_cast<std::size_t>(i) * step);
    xnn_status status = xnn_setup_convolution2d_nhwc_f32(block.op.get(), nullptr, transformed, sums);
    if (status == xnn_status_success) status = xnn_run_operator(block.op.get(), nullptr);
    for (index_t i = 0; i < count; ++i) {
      const Outputs to = tiles.outputs(context.output(), first + i);
      if (!transforms.gather(sums + static_cast<std::size_t>(i) * sums_step, filters, bias, clamp, to))
        convolve(tiles.inputs(input, first + i), filter, bias, clamp, to);
    }
    return status;
  }

  /// A tile as it is defined.
  [[gnu::cold]] static void convolve(const Inputs& from, const TensorView& filter, const float* bias,
                                     const Clamp& clamp, const Outputs& to) {
    const index_t channels = filter.shape[3];
    const auto* weights = static_cast<const float*>(filter.data);
    for (int y = 0; y < simd::detail::winograd::outputs; ++y)
      for (int x = 0; x < simd::detail::winograd::outputs; ++x)
        for (index_t o = 0; to.inside(y, x) && o < filter.shape[0]; ++o) {
          float sum = bias == nullptr ? 0.0f : bias[o];
          for (int tap = 0; tap < taps * taps; ++tap) {
            const int i = y + tap / taps, j = x + tap % taps;
            const float* weight = weights + (std::ptrdiff_t{o} * taps * taps + tap) * channels;
            for (index_t c = 0; from.inside(i, j) && c < channels; ++c)
              sum += from.pixel(i, j)[c] * weight[c];
          }
          to.pixel(y, x)[o] = clamp(sum);
        }
  }

  PackedFilter packed_;
  std::array<Slot, strip_slots> slots_;
};

/// Its instance for an instruction set.
template <class Isa>
class WinogradConv2DOn : public WinogradConv2D {
 public:
  static constexpr auto full_name = simd::isa::joined("xnn::convolution2d_nhwc_winograd_", Isa::name);
  static constexpr const char* name = full_name.data();

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    constexpr index_t lanes = Isa::bytes / sizeof(float);
    return Isa::on(*node.cpu) && WinogradConv2D::supports(a, node, lanes);
  }
  Status create(const Op::Attributes&, CreateContext& context) {
    return WinogradConv2D::create(context, name);
  }
  Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    return WinogradConv2D::reshape(a, context);
  }
  Status run(const Op::Attributes& a, RunContext& context) {
    return WinogradConv2D::run(a, context, {scatter, gather});
  }

 private:
  static void scatter(const Inputs& from, index_t channels, float* to) {
    Isa::enter(
        [&]() __attribute__((always_inline)) { simd::detail::winograd::scatter<Isa>(from, channels, to); });
  }
  static bool gather(const float* from, index_t channels, const float* bias, const Clamp& clamp,
                     const Outputs& to) {
    bool right = false;
    Isa::enter([&]() __attribute__((always_inline)) {
      right = simd::detail::winograd::gather<Isa>(from, channels, bias, clamp, to);
    });
    return right;
  }
};

/// It where it takes at most four fifths of the time.
template <class Isa>
struct FasterWinogradConv2DOn : WinogradConv2DOn<Isa> {
  static bool supports(const ops::Conv2D::Attributes& a, const NodeInfo& node) {
    if (!WinogradConv2DOn<Isa>::supports(a, node)) return false;
    const typename WinogradConv2DOn<Isa>::Cost cost(node);
    return 5 * cost.winograd <= 4 * cost.direct;
  }
};

/// In order of preference.
using FasterWinogradConv2D = simd::isa::ForFloats::kernels<FasterWinogradConv2DOn>;

}  // namespace lithe::inline v0::xnn
