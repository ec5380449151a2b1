// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <cstdint>

#include "lithe/ops/fully_connected.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/not_a_number.hpp"
#include "lithe/xnn/detail/packing.hpp"
#include "lithe/xnn/detail/weights_cache.hpp"

namespace lithe::inline v0::xnn {

/// fully_connected_nc, f32, f16, qs8_qc8w and qu8, with constant filter and bias. s8 is bit-exact with the
/// portable kernel; u8 may be one step off on ARM. Where XNNPACK would choose its narrow kernel for SSE, the
/// layer is a convolution of 1x1 over rows, which runs the main kernel.
class FullyConnected {
 public:
  using Op = ops::FullyConnected;
  static constexpr const char* name = "xnn::fully_connected_nc";
  static constexpr std::uint32_t packed_inputs = 0b110;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    if (datatype(dtype) == xnn_datatype_invalid || !runs_natively(dtype, node) || any_empty(node))
      return false;
    if (!node.input(1).constant() || (node.has(2) && !node.input(2).constant())) return false;
    return usable_clamp(a.clamp, dtype) &&
           (!quantized(dtype) || usable_layer(node, node.input(1).shape[0])) &&
           exact_sums(node.input(1), Sums::of_products, *node.cpu);
  }

  [[gnu::cold]] Status create(const Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    const NodeInfo& node = context.node;
    const Shape& filter = node.input(1).shape;
    PackingHash hash;
    hash.add(filter[0]).add(filter[1]);
    input_pitch_ = filter[1];
    output_pitch_ = filter[0];
    convolution_ = runs_narrow_sse(node.input(0).dtype, *node.cpu, filter[0]);
    const bool s8 = node.input(0).dtype == DType::s8;
    const ChannelScales scales(s8 ? *node.input(1).quantization : Quantization{}, s8 ? filter[0] : 0);
    if (s8 && scales.data() == nullptr) return {Code::out_of_memory, "no memory for filter scales"};
    const void* bias = node.has(2) ? node.input(2).data : nullptr;
    return packed_.pack(context, packing_key(context, name, hash), [&](xnn_weights_cache_t cache) {
      return make(a, node, {node.input(1).data, bias, scales.data()}, cache);
    });
  }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    if (!op_ || input_pitch_ != input.pitch || output_pitch_ != output.pitch) {
      input_pitch_ = input.pitch;
      output_pitch_ = output.pitch;
      LITHE_TRY(remake(a, context.node));
    }
    const auto rows = static_cast<std::size_t>(input.shape.rows());
    const pthreadpool_t threads = native(context.threads, work(input, output));
    switch (input.dtype) {
      case DType::f32: {
        if (!convolution_) return check(xnn_reshape_fully_connected_nc_f32(op_.get(), rows, threads));
        std::size_t bytes = 0, align = 0, height = 0, width = 0;
        return check(xnn_reshape_convolution2d_nhwc_f32(op_.get(), rows, 1, 1, &bytes, &align, &height,
                                                        &width, threads));
      }
      case DType::f16:
        return check(xnn_reshape_fully_connected_nc_f16(op_.get(), rows, threads));
      case DType::s8:
        return check(xnn_reshape_fully_connected_nc_qs8_qc8w(op_.get(), rows, threads));
      default:
        return check(xnn_reshape_fully_connected_nc_qu8(op_.get(), rows, threads));
    }
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const void* in = context.input(0).data;
    void* out = context.output().data;
    xnn_status status = xnn_status_success;
    switch (context.input(0).dtype) {
      case DType::f32:
        status = convolution_
                     ? xnn_setup_convolution2d_nhwc_f32(op_.get(), nullptr, static_cast<const float*>(in),
                                                        static_cast<float*>(out))
                     : xnn_setup_fully_connected_nc_f32(op_.get(), static_cast<const float*>(in),
                                                        static_cast<float*>(out));
        break;
      case DType::f16:
        status = xnn_setup_fully_connected_nc_f16(op_.get(), in, out);
        break;
      case DType::s8:
        status = xnn_setup_fully_connected_nc_qs8_qc8w(op_.get(), static_cast<const std::int8_t*>(in),
                                                       static_cast<std::int8_t*>(out));
        break;
      default:
        status = xnn_setup_fully_connected_nc_qu8(op_.get(), static_cast<const std::uint8_t*>(in),
                                                  static_cast<std::uint8_t*>(out));
    }
    LITHE_TRY(check(status));
    return check(
        xnn_run_operator(op_.get(), native(context.threads(), work(context.input(0), context.output()))));
  }

 private:
  struct Constants {
    const void *filter, *bias;
    const float* scales;  ///< s8 only
  };

  /// The multiply-adds of a run.
  static std::int64_t work(const TensorView& input, const TensorView& output) {
    return std::int64_t{output.elements()} * input.shape.back();
  }

  [[gnu::cold]] Status remake(const Op::Attributes& a, const NodeInfo& node) {
    const bool s8 = node.input(0).dtype == DType::s8;
    const ChannelScales scales(s8 ? *node.input(1).quantization : Quantization{},
                               s8 ? node.input(1).shape[0] : 0);
    if (s8 && scales.data() == nullptr) return {Code::out_of_memory, "no memory for filter scales"};
    return packed_.reuse([&](xnn_weights_cache_t cache) {
      return make(a, node, {packed_.stand_in(), nullptr, scales.data()}, cache);
    });
  }

  [[gnu::cold]] xnn_status make(const Op::Attributes& a, const NodeInfo& node, const Constants& c,
                                xnn_weights_cache_t cache) {
    const auto matrix = [&](auto function, auto... rest) {
      const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
      const Shape& filter = node.input(1).shape;
      return function(z(filter[1]), z(filter[0]), z(input_pitch_), z(output_pitch_), rest..., 0u, nullptr,
                      cache, op_.out());
    };
    const ValueInfo &in = node.input(0), &out = node.output();
    const auto* bias = static_cast<const std::int32_t*>(c.bias);
    if (convolution_)
      return matrix(
          [](auto... rest) {
            return xnn_create_convolution2d_nhwc_f32(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, rest...);
          },
          static_cast<const float*>(c.filter), static_cast<const float*>(c.bias), a.clamp.min, a.clamp.max);
    if (in.dtype == DType::f32)
      return matrix(xnn_create_fully_connected_nc_f32, static_cast<const float*>(c.filter),
                    static_cast<const float*>(c.bias), a.clamp.min, a.clamp.max);
    if (in.dtype == DType::f16)
      return matrix(xnn_create_fully_connected_nc_f16, c.filter, c.bias, a.clamp.min, a.clamp.max);
    const ops::detail::QuantizedRange range = stored_range(a.clamp, out);
    const std::int32_t in_zero = zero_point_of(in), out_zero = zero_point_of(out);
    if (in.dtype == DType::s8) {
      const auto s = [](std::int32_t v) { return static_cast<std::int8_t>(v); };
      return matrix(xnn_create_fully_connected_nc_qs8_qc8w, s(in_zero), scale_of(in), c.scales,
                    static_cast<const std::int8_t*>(c.filter), bias, s(out_zero), scale_of(out), s(range.min),
                    s(range.max));
    }
    const auto u = [](std::int32_t v) { return static_cast<std::uint8_t>(v); };
    return matrix(xnn_create_fully_connected_nc_qu8, u(in_zero), scale_of(in),
                  u(zero_point_of(node.input(1))), scale_of(node.input(1)),
                  static_cast<const std::uint8_t*>(c.filter), bias, u(out_zero), scale_of(out), u(range.min),
                  u(range.max));
  }

  PackedFilter packed_;
  Handle op_;
  index_t input_pitch_ = 0, output_pitch_ = 0;
  bool convolution_ = false;
};

/// dynamic_fully_connected_nc, f32 and f16, for a filter or bias that is not constant. Each run packs them
/// into the workspace, which pays from a few rows on.
class UnpackedFullyConnected {
 public:
  using Op = ops::FullyConnected;
  static constexpr const char* name = "xnn::dynamic_fully_connected_nc";
  static constexpr bool strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    return (dtype == DType::f32 || dtype == DType::f16) && runs_natively(dtype, node) && !any_empty(node) &&
           node.input(0).shape.rows() >= fewest_rows && usable_clamp(a.clamp, dtype);
  }

  Status create(const Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    return check(context.node.input(0).dtype == DType::f32
                     ? xnn_create_dynamic_fully_connected_nc_f32(a.clamp.min, a.clamp.max, 0, op_.out())
                     : xnn_create_dynamic_fully_connected_nc_f16(a.clamp.min, a.clamp.max, 0, op_.out()));
  }

  [[gnu::cold]] Status reshape(const Op::Attributes&, ReshapeContext& context) {
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    const Shape& filter = context.inputs[1].shape;
    if (!packable(1, filter[1], filter[0]))
      return {Code::out_of_memory, "a packed matrix is beyond the address space"};
    const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
    const auto reshape_operator = input.dtype == DType::f32 ? xnn_reshape_dynamic_fully_connected_nc_f32
                                                            : xnn_reshape_dynamic_fully_connected_nc_f16;
    std::size_t bytes = 0, align = 0;
    LITHE_TRY(
        check(reshape_operator(op_.get(), z(input.shape.rows()), z(filter[1]), z(filter[0]), z(input.pitch),
                               z(output.pitch), &bytes, &align, native(context.threads))));
    context.workspace(bytes);
    return {};
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const void *in = context.input(0).data, *filter = context.input(1).data,
               *bias = context.has(2) ? context.input(2).data : nullptr;
    void *out = context.output().data, *workspace = context.workspace().data();
    LITHE_TRY(check(
        context.input(0).dtype == DType::f32
            ? xnn_setup_dynamic_fully_connected_nc_f32(
                  op_.get(), workspace, static_cast<const float*>(in), static_cast<const float*>(filter),
                  static_cast<const float*>(bias), static_cast<float*>(out))
            : xnn_setup_dynamic_fully_connected_nc_f16(op_.get(), workspace, in, filter, bias, out)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  static constexpr index_t fewest_rows = 4;

  Handle op_;
};

}  // namespace lithe::inline v0::xnn
