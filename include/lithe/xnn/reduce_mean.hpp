// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/reduce_mean.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// reduce_nd (mean), f32, f16, qs8 and qu8, up to rank 6.
class ReduceMean {
 public:
  using Op = ops::ReduceMean;
  static constexpr const char* name = "xnn::reduce_mean_nd";

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    if (datatype(input.dtype) == xnn_datatype_invalid || !runs_natively(input.dtype, node) || any_empty(node))
      return false;
    if (input.shape.rank() < 1 || input.shape.rank() > max_dims) return false;
    if (!quantized(input.dtype)) return true;
    if (!usable_activation(input) || !usable_activation(node.output())) return false;
    const float scale = scale_of(input) / scale_of(node.output());
    return scale >= 0x1p-8f && scale < 0x1p8f && reduced_elements(a, input.shape) <= (1 << 23);
  }

  Status create(const Op::Attributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    const xnn_quantization_params in = params_of(context.node.input(0)),
                                  out = params_of(context.node.output());
    return check(xnn_create_reduce_nd(xnn_reduce_mean, datatype(context.node.input(0).dtype), &in, &out, 0,
                                      op_.out()));
  }

  Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    LITHE_ASSIGN_OR_RETURN(const ops::detail::AxisSet reduced, ops::detail::axis_set(a.axes, shape.rank()));
    std::array<std::int64_t, max_dims> axes{};
    std::array<std::size_t, max_dims> dims{};
    std::size_t count = 0;
    for (int i = 0; i < shape.rank(); ++i) {
      dims[static_cast<std::size_t>(i)] = static_cast<std::size_t>(shape[i]);
      if (reduced.has(i)) axes[count++] = i;
    }
    std::size_t bytes = 0, align = 0;
    LITHE_TRY(
        check(xnn_reshape_reduce_nd(op_.get(), count, axes.data(), static_cast<std::size_t>(shape.rank()),
                                    dims.data(), &bytes, &align, native(context.threads))));
    // f32 accumulates in the output; XNNPACK would convert from a workspace with a function it does not have.
    if (context.inputs[0].dtype != DType::f32) context.workspace(bytes);
    return {};
  }

  Status run(const Op::Attributes&, RunContext& context) {
    void* workspace = context.input(0).dtype == DType::f32 ? nullptr : context.workspace().data();
    LITHE_TRY(check(xnn_setup_reduce_nd(op_.get(), workspace, context.input(0).data, context.output().data)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  static constexpr int max_dims = 6;

  static std::int64_t reduced_elements(const Op::Attributes& a, const Shape& shape) {
    const auto reduced = ops::detail::axis_set(a.axes, shape.rank());
    std::int64_t count = 1;
    for (int i = 0; reduced.ok() && i < shape.rank(); ++i)
      if (reduced->has(i)) count *= shape[i];
    return count;
  }

  Handle op_;
};

}  // namespace lithe::inline v0::xnn
