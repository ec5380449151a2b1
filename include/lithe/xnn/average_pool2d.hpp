// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/average_pool2d.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/detail/window.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// average_pooling2d_nhwc, f32, f16 and qu8. In f32 and f16 XNNPACK leaves any padding out of the mean, in
/// qu8 it never does: supports refuses what count_include_pad and ceil_mode ask otherwise. It also refuses
/// top and bottom padding that meet in few output rows, where XNNPACK 4ea82e5 reads the wrong rows.
class AveragePool2D {
 public:
  using Op = ops::AveragePool2D;
  static constexpr const char* name = "xnn::average_pooling2d_nhwc";
  static constexpr bool strided_inputs = true, strided_outputs = true;

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    if (datatype(dtype) == xnn_datatype_invalid || dtype == DType::s8 || !runs_natively(dtype, node) ||
        any_empty(node))
      return false;
    const Window w = window(a);
    if (w.h.dilation != 1 || w.w.dilation != 1 || w.taps() >= (1 << 23)) return false;
    for (const WindowAxis& axis : {w.h, w.w})
      if (axis.before >= axis.kernel || axis.after >= axis.kernel) return false;
    const bool pads = padded(w);
    if (dtype == DType::u8 ? (pads && !a.count_include_pad) || a.ceil_mode : pads && a.count_include_pad)
      return false;
    if (dtype == DType::u8 && !usable_scales(w, node)) return false;
    const Shape& out = node.output().shape;
    return usable_clamp(a.clamp, dtype) && small_indirection(w, out) &&
           separate_padding(w, pads_for(w, node.input(0).shape, out, a.ceil_mode), out[1]);
  }

  Status create(const Op::Attributes&, CreateContext&) { return initialize(); }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    const Window w = ops::detail::at_strip(window(a), context.strip);
    if (!small_indirection(w, output.shape))
      return {Code::out_of_memory, "a pooling's indirection buffer would exceed 1 GiB"};
    Slot& slot = slots_[static_cast<std::size_t>(context.slot)];
    const SlotKey key{pads_for(w, input.shape, output.shape, a.ceil_mode), input.pitch, output.pitch,
                      input.shape[3]};
    if (!separate_padding(w, key.pads, output.shape[1]))
      return {Code::unsupported, "top and bottom padding meet in a strip of so few rows"};
    if (!slot.op || slot.key != key) {
      slot.key = key;
      LITHE_TRY(check(make(a, context.node, slot)));
    }
    const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
    const auto reshape_operator = input.dtype == DType::f32   ? xnn_reshape_average_pooling2d_nhwc_f32
                                  : input.dtype == DType::f16 ? xnn_reshape_average_pooling2d_nhwc_f16
                                                              : xnn_reshape_average_pooling2d_nhwc_qu8;
    const Shape& s = input.shape;
    std::size_t bytes = 0, align = 0, height = 0, width = 0;
    LITHE_TRY(
        check(reshape_operator(slot.op.get(), z(s[0]), z(s[1]), z(s[2]), z(s[3]), z(input.pitch),
                               z(output.pitch), &bytes, &align, &height, &width, native(context.threads))));
    context.workspace(bytes);
    return check_output(output.shape, height, width);
  }

  Status run(const Op::Attributes&, RunContext& context) {
    xnn_operator_t op = slots_[static_cast<std::size_t>(context.slot())].op.get();
    const void* in = context.input(0).data;
    void *out = context.output().data, *workspace = context.workspace().data();
    xnn_status status = xnn_status_success;
    switch (context.input(0).dtype) {
      case DType::f32:
        status = xnn_setup_average_pooling2d_nhwc_f32(op, workspace, static_cast<const float*>(in),
                                                      static_cast<float*>(out));
        break;
      case DType::f16:
        status = xnn_setup_average_pooling2d_nhwc_f16(op, workspace, in, out);
        break;
      default:
        status = xnn_setup_average_pooling2d_nhwc_qu8(op, workspace, static_cast<const std::uint8_t*>(in),
                                                      static_cast<std::uint8_t*>(out));
    }
    LITHE_TRY(check(status));
    return check(xnn_run_operator(op, native(context.threads())));
  }

 private:
  struct Slot {
    Handle op;
    SlotKey key;  ///< XNNPACK keeps its pointers when only pitches change, so they count too
  };

  /// Whether top and bottom padding do not meet. XNNPACK's indirection buffer has rows for the top, one for
  /// the middle, and rows for the bottom, addressed as if the top ended before the bottom began.
  static bool separate_padding(const Window& w, const Pads& pads, index_t rows) {
    const index_t top = (static_cast<index_t>(pads[0]) + w.h.stride - 1) / w.h.stride,
                  bottom = (static_cast<index_t>(pads[2]) + w.h.stride - 1) / w.h.stride;
    return bottom == 0 || top + bottom <= rows;
  }
  static Window window(const Op::Attributes& a) { return ops::detail::window(a, a.kernel[0], a.kernel[1]); }
  static bool usable_scales(const Window& w, const NodeInfo& node) {
    if (!usable_activation(node.input(0)) || !usable_activation(node.output())) return false;
    const float ratio = scale_of(node.input(0)) / scale_of(node.output());
    const float mean = ratio / static_cast<float>(w.taps());
    return ratio >= 0x1p-8f && ratio < 0x1p8f && mean >= 0x1p-32f;
  }
  [[gnu::cold]] static xnn_status make(const Op::Attributes& a, const NodeInfo& node, Slot& slot) {
    const auto geometry = [&](auto create, auto... rest) {
      const auto u = [](std::int32_t v) { return static_cast<std::uint32_t>(v); };
      const auto [top, right, bottom, left] = slot.key.pads;
      return create(top, right, bottom, left, u(a.kernel[0]), u(a.kernel[1]), u(a.strides[0]),
                    u(a.strides[1]), rest..., 0u, slot.op.out());
    };
    const ValueInfo &in = node.input(0), &out = node.output();
    if (in.dtype == DType::f32)
      return geometry(xnn_create_average_pooling2d_nhwc_f32, a.clamp.min, a.clamp.max);
    if (in.dtype == DType::f16)
      return geometry(xnn_create_average_pooling2d_nhwc_f16, a.clamp.min, a.clamp.max);
    const ops::detail::QuantizedRange range = stored_range(a.clamp, out);
    const auto u = [](std::int32_t v) { return static_cast<std::uint8_t>(v); };
    return geometry(xnn_create_average_pooling2d_nhwc_qu8, u(zero_point_of(in)), scale_of(in),
                    u(zero_point_of(out)), scale_of(out), u(range.min), u(range.max));
  }

  std::array<Slot, strip_slots> slots_;
};

}  // namespace lithe::inline v0::xnn
