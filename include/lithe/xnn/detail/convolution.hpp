// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/kernel.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/detail/weights_cache.hpp"
#include "lithe/xnn/detail/window.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// Where the indirection buffers of convolutions lie. 0: in the operator heap, filled at reshape.
/// XNN_FLAG_TRANSIENT_INDIRECTION_BUFFER: in the workspace, filled in every run, which makes a first layer
/// take two thirds more time.
inline constexpr std::uint32_t convolution_flags = 0;

/// What Conv2D, DepthwiseConv2D and ConvTranspose2D have in common once the layout of their filter is
/// resolved.
struct ConvolutionProblem {
  Window window;
  index_t groups = 1, input_channels = 0, output_channels = 0;  ///< channels of one group
  Clamp clamp;
  std::uint32_t flags = convolution_flags;
  std::array<std::int32_t, 2> adjustment{};  ///< rows and columns added to a transposed convolution's output

  index_t channels() const { return groups * output_channels; }
  /// The multiply-adds of an [N, OH, OW, O] output.
  std::int64_t work(const Shape& output) const {
    return std::int64_t{output.elements()} * window.taps() * input_channels;
  }
  bool pointwise() const { return window.taps() == 1; }

  /// Whether XNNPACK runs it. Strips forbid 1x1 filters with padding, which would need two packings, and rows
  /// that are all padding, because XNNPACK takes no empty input.
  bool supported(const NodeInfo& node) const {
    const index_t height = (window.h.kernel - 1) * window.h.dilation + 1;
    if ((pointwise() && padded(window)) || window.h.before >= height || window.h.after >= height)
      return false;
    return usable(node) && small_indirection(window, node.output().shape);
  }
  /// Whether XNNPACK takes the element types, constants, clamp and quantization.
  [[gnu::cold]] bool usable(const NodeInfo& node) const {
    const DType dtype = node.input(0).dtype;
    if (datatype(dtype) == xnn_datatype_invalid || !runs_natively(dtype, node) || any_empty(node))
      return false;
    if (!node.input(1).constant() || (node.has(2) && !node.input(2).constant())) return false;
    return usable_clamp(clamp, dtype) && (!quantized(dtype) || usable_layer(node, channels())) &&
           exact_sums(node.input(1), input_channels == 1 ? Sums::of_taps : Sums::of_products, *node.cpu);
  }

  PackingHash hash() const {
    PackingHash h;
    return h.add(window.h.kernel)
        .add(window.w.kernel)
        .add(groups)
        .add(input_channels)
        .add(output_channels)
        .add(flags & XNN_FLAG_DEPTHWISE_CONVOLUTION)
        // XNNPACK packs 1x1 filters of unit stride in another way than the rest.
        .add(pointwise() && window.h.stride == 1 && window.w.stride == 1);
  }
};

/// A convolution runs as at most this many operators, each for a slice of the output channels.
inline constexpr index_t max_slices = 8;

/// The output channels of one operator. XNNPACK reads the whole packed filter again for every few outputs. A
/// filter that does not fit into half of L2 is therefore cut into slices that do; each slice serves all
/// outputs while it stays there, and all threads get the same number of slices. Only f32 is cut: it is packed
/// alike for all channels, in blocks of at most 32 on x86 and ARM.
inline index_t slice_of(const ConvolutionProblem& p, const Cpu& cpu, index_t threads, DType dtype,
                        const Shape& output, std::size_t packed_bytes) {
  constexpr index_t block = 32, least = 64, few_outputs = 16;
  const index_t channels = p.channels();
  const auto inputs = std::uint64_t{1} * p.window.h.kernel * p.window.w.kernel * p.input_channels;
  if (dtype != DType::f32 || p.groups != 1 || channels % block != 0 || output.rows() < few_outputs ||
      packed_bytes != channels * (inputs + 1) * sizeof(float))
    return channels;
  const std::size_t budget = std::max<std::size_t>(1, cpu.l2_bytes / 2);
  const auto wanted =
      static_cast<index_t>(std::min<std::size_t>(max_slices, (packed_bytes - 1) / budget + 1));
  const index_t most = std::clamp<index_t>(channels / least, 1, max_slices);
  index_t slices = std::min(wanted, most);
  if (slices > 1 && threads > 1 && threads <= most)
    slices = std::min((slices + threads - 1) / threads, most / threads) * threads;
  return ((channels + slices - 1) / slices + block - 1) / block * block;
}

/// XNNPACK's functions for convolutions, by element type.
struct ConvolutionCalls {
  static constexpr auto create_f32 = xnn_create_convolution2d_nhwc_f32;
  static constexpr auto create_f16 = xnn_create_convolution2d_nhwc_f16;
  static constexpr auto create_s8 = xnn_create_convolution2d_nhwc_qs8_qc8w;
  static constexpr auto create_u8 = xnn_create_convolution2d_nhwc_qu8;

  static PackingHash hash(const ConvolutionProblem& problem) { return problem.hash(); }
  static constexpr auto slice = slice_of;
  static bool small(const Window& window, const Shape& output) { return small_indirection(window, output); }
  [[gnu::cold]] static xnn_status reshape(DType dtype, xnn_operator_t op, const ConvolutionProblem&,
                                          const Shape& input, std::size_t& height, std::size_t& width,
                                          std::size_t& workspace, pthreadpool_t threads) {
    const auto reshape_operator = dtype == DType::f32   ? xnn_reshape_convolution2d_nhwc_f32
                                  : dtype == DType::f16 ? xnn_reshape_convolution2d_nhwc_f16
                                  : dtype == DType::s8  ? xnn_reshape_convolution2d_nhwc_qs8_qc8w
                                                        : xnn_reshape_convolution2d_nhwc_qu8;
    std::size_t align = 0;
    return reshape_operator(op, static_cast<std::size_t>(input[0]), static_cast<std::size_t>(input[1]),
                            static_cast<std::size_t>(input[2]), &workspace, &align, &height, &width, threads);
  }
  static xnn_status setup(DType dtype, xnn_operator_t op, void* workspace, const void* in, void* out) {
    switch (dtype) {
      case DType::f32:
        return xnn_setup_convolution2d_nhwc_f32(op, workspace, static_cast<const float*>(in),
                                                static_cast<float*>(out));
      case DType::f16:
        return xnn_setup_convolution2d_nhwc_f16(op, workspace, in, out);
      case DType::s8:
        return xnn_setup_convolution2d_nhwc_qs8_qc8w(op, workspace, static_cast<const std::int8_t*>(in),
                                                     static_cast<std::int8_t*>(out));
      default:
        return xnn_setup_convolution2d_nhwc_qu8(op, workspace, static_cast<const std::uint8_t*>(in),
                                                static_cast<std::uint8_t*>(out));
    }
  }
};

/// A convolution on XNNPACK: one packed filter, and for each slot of strips one operator, or several for
/// slices of the output channels.
template <class Calls>
class BasicConvolution {
 protected:
  [[gnu::cold]] Status pack(const ConvolutionProblem& problem, CreateContext& context, const char* name) {
    LITHE_TRY(initialize());
    const NodeInfo& node = context.node;
    const ValueInfo &input = node.input(0), &output = node.output();
    Slot& slot = slots_[0];
    slot.key = {pads_for(problem.window, input.shape, output.shape), input.shape[3], output.shape[3],
                input.shape[3]};
    const ChannelScales scales = scales_of(problem, node);
    if (input.dtype == DType::s8 && scales.data() == nullptr)
      return {Code::out_of_memory, "no memory for filter scales"};
    const void* bias = node.has(2) ? node.input(2).data : nullptr;
    const Status status = packed_.pack(
        context, packing_key(context, name, Calls::hash(problem)), [&](xnn_weights_cache_t cache) {
          return make(problem, node, slot, 0, {node.input(1).data, bias, scales.data()}, cache);
        });
    slot.complete = status.ok();
    return status;
  }

  [[gnu::cold]] Status reshape(const ConvolutionProblem& whole, ReshapeContext& context) {
    ConvolutionProblem problem = whole;
    problem.window = ops::detail::at_strip(whole.window, context.strip);
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    if (!Calls::small(problem.window, output.shape))
      return {Code::out_of_memory, "a convolution's indirection buffer would exceed 1 GiB"};
    Slot& slot = slots_[static_cast<std::size_t>(context.slot)];
    const SlotKey key{pads_for(problem.window, input.shape, output.shape), input.pitch, output.pitch,
                      input.shape[3]};
    const index_t count = context.threads == nullptr ? 1 : static_cast<index_t>(context.threads->threads);
    if (slot.slice == 0) {  // decided once, at the largest shape: a sealed heap has no room for other slices
      slot.slice =
          Calls::slice(problem, *context.node.cpu, count, input.dtype, output.shape, packed_.bytes());
      slot.complete &= slot.slice == problem.channels();
    }
    if (!slot.complete || slot.key != key) LITHE_TRY(remake(problem, context.node, slot, key));
    slot.shared = problem.work(output.shape) >= least_shared_work;
    const std::span<const Handle> operators = slot.operators(problem.channels());
    slot.apart = slot.shared && count > 1 && static_cast<std::size_t>(count) <= operators.size();
    const pthreadpool_t threads = slot.shared && !slot.apart ? native(context.threads) : nullptr;
    std::size_t bytes = 0, height = 0, width = 0;
    for (const Handle& op : operators) {
      std::size_t more = 0;
      LITHE_TRY(
          check(Calls::reshape(input.dtype, op.get(), problem, input.shape, height, width, more, threads)));
      bytes = std::max(bytes, more);
    }
    if (slot.apart && bytes != 0) return {Code::kernel, "slices of a convolution need a workspace each"};
    context.workspace(bytes);
    return check_output(output.shape, height, width);
  }

 public:
  /// Runs any convolution: reshape has decided everything.
  template <class Attributes>
  Status run(const Attributes&, RunContext& context) {
    const Slot& slot = slots_[static_cast<std::size_t>(context.slot())];
    const Tensor& output = context.output();
    auto* out = static_cast<std::byte*>(output.data);
    const std::size_t step = static_cast<std::size_t>(slot.slice) * element_bytes(output.dtype);
    const std::span<const Handle> operators = slot.operators(output.shape[3]);
    for (const Handle& op : operators) {
      LITHE_TRY(check(Calls::setup(context.input(0).dtype, op.get(), context.workspace().data(),
                                   context.input(0).data, out)));
      out += step;
    }
    if (slot.apart && context.threads() != nullptr) return run_apart(operators, *context.threads());
    const pthreadpool_t threads = slot.shared ? native(context.threads()) : nullptr;
    for (const Handle& op : operators) LITHE_TRY(check(xnn_run_operator(op.get(), threads)));
    return {};
  }

 private:
  struct Slot {
    std::array<Handle, max_slices> ops;
    SlotKey key;
    /// Output channels of an operator; the last one may have fewer. 0: not decided yet.
    index_t slice = 0;
    bool complete = false;
    bool shared = false;  ///< all threads work on each operator
    bool apart = false;   ///< each operator on a thread of its own, so that a core fetches only its slices

    std::span<const Handle> operators(index_t channels) const {
      return std::span(ops).first(static_cast<std::size_t>((channels + slice - 1) / slice));
    }
  };
  static Status run_apart(std::span<const Handle> operators, const ThreadPool& threads) {
    struct Team {
      std::span<const Handle> operators;
      std::array<xnn_status, max_slices> results;
    } team{operators, {}};
    const auto task = [](void* context, std::size_t i) {
      Team& t = *static_cast<Team*>(context);
      t.results[i] = xnn_run_operator(t.operators[i].get(), nullptr);
    };
    threads.for_each(task, &team, operators.size());
    for (std::size_t i = 0; i < operators.size(); ++i) LITHE_TRY(check(team.results[i]));
    return {};
  }

  struct Constants {
    const void *filter, *bias;
    const float* scales;  ///< s8 only
  };

  static ChannelScales scales_of(const ConvolutionProblem& problem, const NodeInfo& node) {
    static constexpr Quantization none{};
    const bool s8 = node.input(0).dtype == DType::s8;
    return ChannelScales(s8 ? *node.input(1).quantization : none, s8 ? problem.channels() : 0);
  }

  [[gnu::cold]] Status remake(const ConvolutionProblem& whole, const NodeInfo& node, Slot& slot,
                              const SlotKey& key) {
    const ChannelScales scales = scales_of(whole, node);
    if (node.input(0).dtype == DType::s8 && scales.data() == nullptr)
      return {Code::out_of_memory, "no memory for filter scales"};
    slot.complete = false;
    slot.key = key;
    for (Handle& op : slot.ops) op.reset();
    const index_t channels = whole.channels();
    for (index_t i = 0, first = 0; first < channels; ++i, first += slot.slice) {
      ConvolutionProblem problem = whole;
      if (slot.slice < channels) problem.output_channels = std::min(slot.slice, channels - first);
      const auto offset =
          packed_.bytes() / static_cast<std::size_t>(channels) * static_cast<std::size_t>(first);
      LITHE_TRY(packed_.reuse(
          [&](xnn_weights_cache_t cache) {
            return make(problem, node, slot, i, {packed_.stand_in(), nullptr, scales.data()}, cache);
          },
          offset));
    }
    slot.complete = true;
    return {};
  }

  [[gnu::cold]] static xnn_status make(const ConvolutionProblem& p, const NodeInfo& node, Slot& slot,
                                       index_t part, const Constants& c, xnn_weights_cache_t cache) {
    Handle& op = slot.ops[static_cast<std::size_t>(part)];
    const auto geometry = [&](auto create, auto... rest) {
      const auto u = [](index_t v) { return static_cast<std::uint32_t>(v); };
      const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
      const Window& w = p.window;
      const auto [top, right, bottom, left] = slot.key.pads;
      const xnn_status status = create(top, right, bottom, left, u(w.h.kernel), u(w.w.kernel), u(w.h.stride),
                                       u(w.w.stride), u(w.h.dilation), u(w.w.dilation), u(p.groups),
                                       z(p.input_channels), z(p.output_channels), z(slot.key.input_pitch),
                                       z(slot.key.output_pitch), rest..., p.flags, nullptr, cache, op.out());
      // XNNPACK 4ea82e5 says success when it has no memory for its buffer of zeros.
      return status == xnn_status_success && !op ? xnn_status_out_of_memory : status;
    };
    const ValueInfo &in = node.input(0), &out = node.output();
    const auto* bias = static_cast<const std::int32_t*>(c.bias);
    if (in.dtype == DType::f32)
      return geometry(Calls::create_f32, static_cast<const float*>(c.filter),
                      static_cast<const float*>(c.bias), p.clamp.min, p.clamp.max);
    if (in.dtype == DType::f16)
      return geometry(Calls::create_f16, c.filter, c.bias, p.clamp.min, p.clamp.max);
    const ops::detail::QuantizedRange range = stored_range(p.clamp, out);
    const std::int32_t in_zero = zero_point_of(in), out_zero = zero_point_of(out);
    if (in.dtype == DType::s8) {
      const auto s = [](std::int32_t v) { return static_cast<std::int8_t>(v); };
      return geometry(Calls::create_s8, s(in_zero), scale_of(in), c.scales,
                      static_cast<const std::int8_t*>(c.filter), bias, s(out_zero), scale_of(out),
                      s(range.min), s(range.max));
    }
    const auto u = [](std::int32_t v) { return static_cast<std::uint8_t>(v); };
    return geometry(Calls::create_u8, u(in_zero), scale_of(in), u(zero_point_of(node.input(1))),
                    scale_of(node.input(1)), static_cast<const std::uint8_t*>(c.filter), bias, u(out_zero),
                    scale_of(out), u(range.min), u(range.max));
  }

  PackedFilter packed_;
  std::array<Slot, strip_slots> slots_;
};
using Convolution = BasicConvolution<ConvolutionCalls>;

}  // namespace lithe::inline v0::xnn
