// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <bit>
#include <cstddef>

#include "lithe/core/kernel.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// Two numbers for each axis: where a slice begins and how long it is, or the padding before and after.
struct Box {
  std::array<std::size_t, 6> first{}, second{};
};

/// The shell of slice_nd and constant_pad_nd: a box of elements of 1, 2 or 4 bytes, up to rank 6.
class BoxOperator {
 protected:
  using Reshape = xnn_status (*)(xnn_operator_t, std::size_t, const std::size_t*, const std::size_t*,
                                 const std::size_t*, pthreadpool_t);
  using Setup = xnn_status (*)(xnn_operator_t, const void*, void*);

  static bool fits(const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    const int width = element_bytes(input.dtype);
    return (width == 1 || width == 2 || width == 4) && input.shape.rank() >= 1 && input.shape.rank() <= 6 &&
           !any_empty(node);
  }
  /// The function for elements of the dtype's width, out of those for x8, x16 and x32.
  template <class F>
  static F of_width(const std::array<F, 3>& functions, DType dtype) {
    return functions[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(element_bytes(dtype))))];
  }

  [[gnu::cold]] Status reshape_box(const std::array<Reshape, 3>& functions, const Box& box,
                                   const ReshapeContext& context) {
    const TensorView& input = context.inputs[0];
    std::array<std::size_t, 6> dims{};
    for (int i = 0; i < input.shape.rank(); ++i)
      dims[static_cast<std::size_t>(i)] = static_cast<std::size_t>(input.shape[i]);
    return check(of_width(functions, input.dtype)(op_.get(), static_cast<std::size_t>(input.shape.rank()),
                                                  dims.data(), box.first.data(), box.second.data(),
                                                  native(context.threads)));
  }
  Status run_box(const std::array<Setup, 3>& functions, RunContext& context) {
    LITHE_TRY(check(of_width(functions, context.input(0).dtype)(op_.get(), context.input(0).data,
                                                                context.output().data)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

  Handle op_;
};

}  // namespace lithe::inline v0::xnn
