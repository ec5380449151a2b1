// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/detail/weights_cache.hpp"
#include "lithe/xnn/detail/window.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// The indirection buffers of convolutions: 0, they lie in the operator heap and are filled at reshape; or
/// XNN_FLAG_TRANSIENT_INDIRECTION_BUFFER, they lie in the workspace and are filled in every run, which costs
/// a first layer two thirds more time.
inline constexpr std::uint32_t convolution_flags = 0;

/// What Conv2D and DepthwiseConv2D have in common, once their filters' layouts are understood.
struct ConvolutionProblem {
  Window window;
  index_t groups = 1, input_channels = 0, output_channels = 0;  ///< channels of one group
  Clamp clamp;
  std::uint32_t flags = convolution_flags;

  index_t channels() const { return groups * output_channels; }
  bool pointwise() const { return window.h.kernel * window.w.kernel == 1; }

  /// Refused for the sake of strips: 1x1 filters with padding, which would need two packings, and rows of
  /// nothing but padding, because XNNPACK takes no empty input.
  bool supported(const NodeInfo& node) const {
    const DType dtype = node.input(0).dtype;
    if (datatype(dtype) == xnn_datatype_invalid || !runs_natively(dtype, node) || any_empty(node))
      return false;
    if (!node.input(1).constant() || (node.has(2) && !node.input(2).constant())) return false;
    const index_t height = (window.h.kernel - 1) * window.h.dilation + 1;
    if ((pointwise() && padded(window)) || window.h.before >= height || window.h.after >= height)
      return false;
    if (!usable_clamp(clamp, dtype) || (quantized(dtype) && !usable_layer(node, channels()))) return false;
    return small_indirection(window, node.output().shape);
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

/// A convolution on XNNPACK: one packed filter, and an operator for each slot of strips.
class Convolution {
 protected:
  Status pack(const ConvolutionProblem& problem, CreateContext& context, const char* name) {
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
    return packed_.pack(context, packing_key(context, name, problem.hash()), [&](xnn_weights_cache_t cache) {
      return make(problem, node, slot, {node.input(1).data, bias, scales.data()}, cache);
    });
  }

  Status reshape(const ConvolutionProblem& whole, ReshapeContext& context) {
    ConvolutionProblem problem = whole;
    problem.window = ops::detail::at_strip(whole.window, context.strip);
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    if (!small_indirection(problem.window, output.shape))
      return {Code::out_of_memory, "a convolution's indirection buffer would exceed 1 GiB"};
    Slot& slot = slots_[static_cast<std::size_t>(context.slot)];
    const SlotKey key{pads_for(problem.window, input.shape, output.shape), input.pitch, output.pitch,
                      input.shape[3]};
    if (!slot.op || slot.key != key) LITHE_TRY(remake(problem, context.node, slot, key));
    std::size_t bytes = 0, align = 0, height = 0, width = 0;
    LITHE_TRY(check(reshape_operator(input.dtype)(
        slot.op.get(), static_cast<std::size_t>(input.shape[0]), static_cast<std::size_t>(input.shape[1]),
        static_cast<std::size_t>(input.shape[2]), &bytes, &align, &height, &width, native(context.threads))));
    context.workspace(bytes);
    return check_output(output.shape, height, width);
  }

 public:
  /// The same for every convolution: everything was decided at reshape.
  template <class Attributes>
  Status run(const Attributes&, RunContext& context) {
    xnn_operator_t op = slots_[static_cast<std::size_t>(context.slot())].op.get();
    const void* in = context.input(0).data;
    void *out = context.output().data, *workspace = context.workspace().data();
    xnn_status status = xnn_status_success;
    switch (context.input(0).dtype) {
      case DType::f32:
        status = xnn_setup_convolution2d_nhwc_f32(op, workspace, static_cast<const float*>(in),
                                                  static_cast<float*>(out));
        break;
      case DType::f16:
        status = xnn_setup_convolution2d_nhwc_f16(op, workspace, in, out);
        break;
      case DType::s8:
        status = xnn_setup_convolution2d_nhwc_qs8_qc8w(op, workspace, static_cast<const std::int8_t*>(in),
                                                       static_cast<std::int8_t*>(out));
        break;
      default:
        status = xnn_setup_convolution2d_nhwc_qu8(op, workspace, static_cast<const std::uint8_t*>(in),
                                                  static_cast<std::uint8_t*>(out));
    }
    LITHE_TRY(check(status));
    return check(xnn_run_operator(op, native(context.threads())));
  }

 private:
  struct Slot {
    Handle op;
    SlotKey key;
  };
  struct Constants {
    const void *filter, *bias;
    const float* scales;  ///< s8 only
  };
  using Reshape = xnn_status (*)(xnn_operator_t, std::size_t, std::size_t, std::size_t, std::size_t*,
                                 std::size_t*, std::size_t*, std::size_t*, pthreadpool_t);

  static ChannelScales scales_of(const ConvolutionProblem& problem, const NodeInfo& node) {
    static constexpr Quantization none{};
    const bool s8 = node.input(0).dtype == DType::s8;
    return ChannelScales(s8 ? *node.input(1).quantization : none, s8 ? problem.channels() : 0);
  }
  static Reshape reshape_operator(DType dtype) {
    switch (dtype) {
      case DType::f32:
        return xnn_reshape_convolution2d_nhwc_f32;
      case DType::f16:
        return xnn_reshape_convolution2d_nhwc_f16;
      case DType::s8:
        return xnn_reshape_convolution2d_nhwc_qs8_qc8w;
      default:
        return xnn_reshape_convolution2d_nhwc_qu8;
    }
  }

  Status remake(const ConvolutionProblem& problem, const NodeInfo& node, Slot& slot, const SlotKey& key) {
    const ChannelScales scales = scales_of(problem, node);
    if (node.input(0).dtype == DType::s8 && scales.data() == nullptr)
      return {Code::out_of_memory, "no memory for filter scales"};
    slot.key = key;
    return packed_.reuse([&](xnn_weights_cache_t cache) {
      return make(problem, node, slot, {packed_.stand_in(), nullptr, scales.data()}, cache);
    });
  }

  static xnn_status make(const ConvolutionProblem& p, const NodeInfo& node, Slot& slot, const Constants& c,
                         xnn_weights_cache_t cache) {
    const auto geometry = [&](auto create, auto... rest) {
      const auto u = [](index_t v) { return static_cast<std::uint32_t>(v); };
      const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
      const Window& w = p.window;
      const auto [top, right, bottom, left] = slot.key.pads;
      const xnn_status status = create(
          top, right, bottom, left, u(w.h.kernel), u(w.w.kernel), u(w.h.stride), u(w.w.stride),
          u(w.h.dilation), u(w.w.dilation), u(p.groups), z(p.input_channels), z(p.output_channels),
          z(slot.key.input_pitch), z(slot.key.output_pitch), rest..., p.flags, nullptr, cache, slot.op.out());
      // XNNPACK 4ea82e5 says success when it has no memory for its buffer of zeros.
      return status == xnn_status_success && !slot.op ? xnn_status_out_of_memory : status;
    };
    const ValueInfo &in = node.input(0), &out = node.output();
    const auto* bias = static_cast<const std::int32_t*>(c.bias);
    if (in.dtype == DType::f32)
      return geometry(xnn_create_convolution2d_nhwc_f32, static_cast<const float*>(c.filter),
                      static_cast<const float*>(c.bias), p.clamp.min, p.clamp.max);
    if (in.dtype == DType::f16)
      return geometry(xnn_create_convolution2d_nhwc_f16, c.filter, c.bias, p.clamp.min, p.clamp.max);
    const ops::detail::QuantizedRange range = stored_range(p.clamp, out);
    const std::int32_t in_zero = zero_point_of(in), out_zero = zero_point_of(out);
    if (in.dtype == DType::s8) {
      const auto s = [](std::int32_t v) { return static_cast<std::int8_t>(v); };
      return geometry(xnn_create_convolution2d_nhwc_qs8_qc8w, s(in_zero), scale_of(in), c.scales,
                      static_cast<const std::int8_t*>(c.filter), bias, s(out_zero), scale_of(out),
                      s(range.min), s(range.max));
    }
    const auto u = [](std::int32_t v) { return static_cast<std::uint8_t>(v); };
    return geometry(xnn_create_convolution2d_nhwc_qu8, u(in_zero), scale_of(in),
                    u(zero_point_of(node.input(1))), scale_of(node.input(1)),
                    static_cast<const std::uint8_t*>(c.filter), bias, u(out_zero), scale_of(out),
                    u(range.min), u(range.max));
  }

  PackedFilter packed_;
  std::array<Slot, strip_slots> slots_;
};

}  // namespace lithe::inline v0::xnn
