// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/reduce.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/constant_list.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// reduce_nd over constant axes, up to rank 6, in f32 and f16; means also in qs8 and qu8.
template <class Operator, xnn_reduce_operator kind>
class Reduce {
 public:
  using Op = Operator;
  static constexpr const char* name = kind == xnn_reduce_mean ? "xnn::reduce_mean_nd" : "xnn::reduce_sum_nd";

  [[gnu::cold]] static bool supports(const ops::ReduceAttributes& a, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    if (!constant_list(node, 1)) return false;
    if (datatype(input.dtype) == xnn_datatype_invalid || !runs_natively(input.dtype, node) || any_empty(node))
      return false;
    const int rank = input.shape.rank();
    const auto reduced = a.reduced(int_list(node, 1), rank);
    if (rank < 1 || rank > max_dims || !reduced.ok() || reduced->bits == 0) return false;
    if (!quantized(input.dtype)) return true;
    // On x86 without SSSE3, XNNPACK has no sum of s8 and would call a null pointer.
    if (input.dtype == DType::s8 && !node.cpu->ssse3 && !node.cpu->neon) return false;
    if (!usable_activation(input) || !usable_activation(node.output())) return false;
    const float scale = scale_of(input) / scale_of(node.output());
    return scale >= 0x1p-8f && scale < 0x1p8f && reduced_elements(*reduced, input.shape) <= (1 << 23);
  }

  Status create(const ops::ReduceAttributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    const xnn_quantization_params in = params_of(context.node.input(0)),
                                  out = params_of(context.node.output());
    return check(xnn_create_reduce_nd(kind, datatype(context.node.input(0).dtype), &in, &out, 0, op_.out()));
  }

  [[gnu::cold]] Status reshape(const ops::ReduceAttributes& a, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    LITHE_ASSIGN_OR_RETURN(const ops::detail::AxisSet reduced,
                           a.reduced(int_list(context.node, 1), shape.rank()));
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
                                    dims.data(), &bytes, &align, native(context.threads, shape.elements()))));
    // f32 accumulates in the output; XNNPACK would convert from a workspace with a function it does not have.
    if (context.inputs[0].dtype != DType::f32) context.workspace(bytes);
    return {};
  }

  Status run(const ops::ReduceAttributes&, RunContext& context) {
    void* workspace = context.input(0).dtype == DType::f32 ? nullptr : context.workspace().data();
    LITHE_TRY(check(xnn_setup_reduce_nd(op_.get(), workspace, context.input(0).data, context.output().data)));
    return check(xnn_run_operator(op_.get(), native(context.threads(), context.input(0).elements())));
  }

 private:
  static constexpr int max_dims = 6;

  static std::int64_t reduced_elements(ops::detail::AxisSet reduced, const Shape& shape) {
    std::int64_t count = 1;
    for (int i = 0; i < shape.rank(); ++i)
      if (reduced.has(i)) count *= shape[i];
    return count;
  }

  Handle op_;
};

using ReduceMean = Reduce<ops::ReduceMean, xnn_reduce_mean>;
using ReduceSum = Reduce<ops::ReduceSum, xnn_reduce_sum>;

}  // namespace lithe::inline v0::xnn
