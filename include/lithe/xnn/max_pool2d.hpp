// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/max_pool2d.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/detail/window.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// max_pooling2d_nhwc, f32, f16, s8 and u8. Refuses strides above the kernel; windows that may lie in padding
/// alone; dilation with padding, where XNNPACK 4ea82e5 can read outside the input; and windows of several
/// passes unless a pixel is whole vectors, because XNNPACK reads the output back in vectors and may leave it.
class MaxPool2D {
 public:
  using Op = ops::MaxPool2D;
  static constexpr const char* name = "xnn::max_pooling2d_nhwc";
  static constexpr bool strided_inputs = true, strided_outputs = true;

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    if (datatype(dtype) == xnn_datatype_invalid || !runs_natively(dtype, node) || any_empty(node))
      return false;
    const Window w = window(a);
    if (w.taps() < 2 || w.h.stride > w.h.kernel || w.w.stride > w.w.kernel) return false;
    if ((w.h.dilation > 1 || w.w.dilation > 1) && (padded(w) || a.ceil_mode)) return false;
    for (const WindowAxis& axis : {w.h, w.w})
      if (axis.before >= axis.kernel || axis.after >= axis.kernel) return false;
    if (w.taps() > single_pass && node.output().shape[3] * element_bytes(dtype) % vector_bytes != 0)
      return false;
    if (quantized(dtype) && node.input(0).quantization != nullptr && !usable_activation(node.output()))
      return false;
    return usable_clamp(a.clamp, dtype) && small_indirection(w, node.output().shape);
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
    if (!slot.op || slot.key != key) {
      slot.key = key;
      LITHE_TRY(check(make(a, context.node.output(), slot)));
    }
    const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
    const Shape& s = input.shape;
    const auto reshape_operator = input.dtype == DType::f32   ? xnn_reshape_max_pooling2d_nhwc_f32
                                  : input.dtype == DType::f16 ? xnn_reshape_max_pooling2d_nhwc_f16
                                  : input.dtype == DType::s8  ? xnn_reshape_max_pooling2d_nhwc_s8
                                                              : xnn_reshape_max_pooling2d_nhwc_u8;
    std::size_t height = 0, width = 0;
    LITHE_TRY(check(reshape_operator(slot.op.get(), z(s[0]), z(s[1]), z(s[2]), z(s[3]), z(input.pitch),
                                     z(output.pitch), &height, &width, native(context.threads))));
    return check_output(output.shape, height, width);
  }

  Status run(const Op::Attributes&, RunContext& context) {
    xnn_operator_t op = slots_[static_cast<std::size_t>(context.slot())].op.get();
    const void* in = context.input(0).data;
    void* out = context.output().data;
    xnn_status status = xnn_status_success;
    switch (context.input(0).dtype) {
      case DType::f32:
        status =
            xnn_setup_max_pooling2d_nhwc_f32(op, static_cast<const float*>(in), static_cast<float*>(out));
        break;
      case DType::f16:
        status = xnn_setup_max_pooling2d_nhwc_f16(op, in, out);
        break;
      case DType::s8:
        status = xnn_setup_max_pooling2d_nhwc_s8(op, static_cast<const std::int8_t*>(in),
                                                 static_cast<std::int8_t*>(out));
        break;
      default:
        status = xnn_setup_max_pooling2d_nhwc_u8(op, static_cast<const std::uint8_t*>(in),
                                                 static_cast<std::uint8_t*>(out));
    }
    LITHE_TRY(check(status));
    return check(xnn_run_operator(op, native(context.threads())));
  }

 private:
  struct Slot {
    Handle op;
    SlotKey key;  ///< XNNPACK keeps its pointers when only channels or pitches change, so they count too
  };

  static constexpr index_t single_pass = 9, vector_bytes = 16;

  static Window window(const Op::Attributes& a) { return ops::detail::window(a, a.kernel[0], a.kernel[1]); }
  [[gnu::cold]] static xnn_status make(const Op::Attributes& a, const ValueInfo& output, Slot& slot) {
    const auto geometry = [&](auto create, auto min, auto max) {
      const auto u = [](std::int32_t v) { return static_cast<std::uint32_t>(v); };
      const auto [top, right, bottom, left] = slot.key.pads;
      return create(top, right, bottom, left, u(a.kernel[0]), u(a.kernel[1]), u(a.strides[0]),
                    u(a.strides[1]), u(a.dilations[0]), u(a.dilations[1]), min, max, 0u, slot.op.out());
    };
    if (output.dtype == DType::f32)
      return geometry(xnn_create_max_pooling2d_nhwc_f32, a.clamp.min, a.clamp.max);
    if (output.dtype == DType::f16)
      return geometry(xnn_create_max_pooling2d_nhwc_f16, a.clamp.min, a.clamp.max);
    const ops::detail::QuantizedRange range = stored_range(a.clamp, output);
    if (output.dtype == DType::s8)
      return geometry(xnn_create_max_pooling2d_nhwc_s8, static_cast<std::int8_t>(range.min),
                      static_cast<std::int8_t>(range.max));
    return geometry(xnn_create_max_pooling2d_nhwc_u8, static_cast<std::uint8_t>(range.min),
                    static_cast<std::uint8_t>(range.max));
  }

  std::array<Slot, strip_slots> slots_;
};

}  // namespace lithe::inline v0::xnn
