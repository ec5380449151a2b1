// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/conv_transpose2d.hpp"
#include "lithe/xnn/detail/convolution.hpp"

namespace lithe::inline v0::xnn {

/// XNNPACK's functions for transposed convolutions, by element type.
struct DeconvolutionCalls {
  static constexpr auto create_f32 = xnn_create_deconvolution2d_nhwc_f32;
  static constexpr auto create_f16 = xnn_create_deconvolution2d_nhwc_f16;
  static constexpr auto create_s8 = xnn_create_deconvolution2d_nhwc_qs8_qc8w;
  static constexpr auto create_u8 = xnn_create_deconvolution2d_nhwc_qu8;

  /// The hash of what decides the packing: a filter is packed for each phase of the strides, unless dilation
  /// forbids it.
  static PackingHash hash(const ConvolutionProblem& problem) {
    const WindowAxis &h = problem.window.h, &w = problem.window.w;
    return problem.hash().add(h.stride).add(w.stride).add(h.dilation).add(w.dilation);
  }
  /// Whether the pointers to all taps of each output fit; strides round each row of outputs up by a tile of
  /// at most 16.
  static bool small(const Window& window, const Shape& output) {
    return small_indirection(window, Shape{1, output[1], output[2] + 17 * window.w.stride, 1});
  }
  /// One operator serves all channels, because each phase of the strides has a packing of its own.
  static index_t slice(const ConvolutionProblem& problem, const Cpu&, index_t, DType, const Shape&,
                       std::size_t) {
    return problem.channels();
  }
  [[gnu::cold]] static xnn_status reshape(DType dtype, xnn_operator_t op, const ConvolutionProblem& problem,
                                          const Shape& input, std::size_t& height, std::size_t& width,
                                          std::size_t&, pthreadpool_t threads) {
    const auto reshape_operator = dtype == DType::f32   ? xnn_reshape_deconvolution2d_nhwc_f32
                                  : dtype == DType::f16 ? xnn_reshape_deconvolution2d_nhwc_f16
                                  : dtype == DType::s8  ? xnn_reshape_deconvolution2d_nhwc_qs8_qc8w
                                                        : xnn_reshape_deconvolution2d_nhwc_qu8;
    return reshape_operator(op, static_cast<std::size_t>(input[0]), static_cast<std::size_t>(input[1]),
                            static_cast<std::size_t>(input[2]),
                            static_cast<std::uint32_t>(problem.adjustment[0]),
                            static_cast<std::uint32_t>(problem.adjustment[1]), &height, &width, threads);
  }
  static xnn_status setup(DType dtype, xnn_operator_t op, void*, const void* in, void* out) {
    switch (dtype) {
      case DType::f32:
        return xnn_setup_deconvolution2d_nhwc_f32(op, static_cast<const float*>(in),
                                                  static_cast<float*>(out));
      case DType::f16:
        return xnn_setup_deconvolution2d_nhwc_f16(op, in, out);
      case DType::s8:
        return xnn_setup_deconvolution2d_nhwc_qs8_qc8w(op, static_cast<const std::int8_t*>(in),
                                                       static_cast<std::int8_t*>(out));
      default:
        return xnn_setup_deconvolution2d_nhwc_qu8(op, static_cast<const std::uint8_t*>(in),
                                                  static_cast<std::uint8_t*>(out));
    }
  }
};

/// deconvolution2d_nhwc, f32, f16, qs8_qc8w and qu8, with constant filter and bias. Refuses an output_padding
/// of a stride or more, and outputs smaller than a stride, where XNNPACK 4ea82e5 counts below zero. s8 is
/// bit-exact with the portable kernel; u8 may be one step off on ARM.
class ConvTranspose2D : public BasicConvolution<DeconvolutionCalls> {
 public:
  using Op = ops::ConvTranspose2D;
  static constexpr const char* name = "xnn::deconvolution2d_nhwc";
  static constexpr std::uint32_t packed_inputs = 0b110;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const Shape& output = node.output().shape;
    const ConvolutionProblem p = problem(a, node);
    return a.output_padding[0] < a.strides[0] && a.output_padding[1] < a.strides[1] && reaches(a, output) &&
           p.usable(node) && DeconvolutionCalls::small(p.window, output);
  }
  Status create(const Op::Attributes& a, CreateContext& context) {
    return pack(problem(a, context.node), context, name);
  }
  Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    if (!reaches(a, context.outputs[0].shape))
      return {Code::kernel, "XNNPACK cannot compute a transposed convolution's output below a stride"};
    return BasicConvolution::reshape(problem(a, context.node), context);
  }

 private:
  static bool reaches(const Op::Attributes& a, const Shape& output) {
    return output[1] >= a.strides[0] && output[2] >= a.strides[1];
  }
  static ConvolutionProblem problem(const Op::Attributes& a, const NodeInfo& node) {
    const Shape& filter = node.input(1).shape;
    ConvolutionProblem p{a.window(filter), a.group, filter[3], filter[0] / a.group, a.clamp};
    p.adjustment = a.output_padding;
    return p;
  }
};

}  // namespace lithe::inline v0::xnn
