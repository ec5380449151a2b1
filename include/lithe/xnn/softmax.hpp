// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <cstdint>

#include "lithe/ops/softmax.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// softmax_nc along the last axis, f32, f16, and qu8 where the output's scale is 1/256 and its zero point 0.
class Softmax {
 public:
  using Op = ops::Softmax;
  static constexpr const char* name = "xnn::softmax_nc";
  static constexpr bool strided_inputs = true, strided_outputs = true;

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo &input = node.input(0), &output = node.output();
    const int rank = input.shape.rank();
    if (rank < 1 || normalize_axis(a.axis, rank) != rank - 1 || any_empty(node) ||
        !runs_natively(input.dtype, node))
      return false;
    if (input.dtype == DType::u8)
      return usable_activation(input) && usable_activation(output) && scale_of(output) == 0x1p-8f &&
             zero_point_of(output) == 0;
    return input.dtype == DType::f32 || input.dtype == DType::f16;
  }

  [[gnu::cold]] Status create(const Op::Attributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    switch (context.node.input(0).dtype) {
      case DType::f32:
        return check(xnn_create_softmax_nc_f32(0, op_.out()));
      case DType::f16:
        return check(xnn_create_softmax_nc_f16(0, op_.out()));
      default:
        return check(xnn_create_softmax_nc_qu8(scale_of(context.node.input(0)), 0, 0x1p-8f, 0, op_.out()));
    }
  }

  [[gnu::cold]] Status reshape(const Op::Attributes&, ReshapeContext& context) {
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    const auto reshape_operator = input.dtype == DType::f32   ? xnn_reshape_softmax_nc_f32
                                  : input.dtype == DType::f16 ? xnn_reshape_softmax_nc_f16
                                                              : xnn_reshape_softmax_nc_qu8;
    return check(reshape_operator(op_.get(), static_cast<std::size_t>(input.shape.back()),
                                  static_cast<std::size_t>(input.pitch),
                                  static_cast<std::size_t>(output.pitch),
                                  static_cast<std::size_t>(input.shape.rows()), native(context.threads)));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const void* in = context.input(0).data;
    void* out = context.output().data;
    xnn_status status = xnn_status_success;
    switch (context.input(0).dtype) {
      case DType::f32:
        status = xnn_setup_softmax_nc_f32(op_.get(), static_cast<const float*>(in), static_cast<float*>(out));
        break;
      case DType::f16:
        status = xnn_setup_softmax_nc_f16(op_.get(), in, out);
        break;
      default:
        status = xnn_setup_softmax_nc_qu8(op_.get(), static_cast<const std::uint8_t*>(in),
                                          static_cast<std::uint8_t*>(out));
    }
    LITHE_TRY(check(status));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  Handle op_;
};

}  // namespace lithe::inline v0::xnn
