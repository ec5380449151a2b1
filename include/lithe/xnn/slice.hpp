// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/slice.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/constant_list.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// slice_nd of 1, 2 and 4 byte elements, up to rank 6, with constant bounds and steps of 1.
class Slice {
 public:
  using Op = ops::Slice;
  static constexpr const char* name = "xnn::slice_nd";

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    const int width = element_bytes(input.dtype);
    if ((width != 1 && width != 2 && width != 4) || input.shape.rank() < 1 || input.shape.rank() > max_dims ||
        any_empty(node))
      return false;
    for (int i = 1; i < 5; ++i)
      if (!constant_list(node, i)) return false;
    for (const std::int64_t step : int_list(node, 4))
      if (step != 1) return false;
    return true;
  }

  Status create(const Op::Attributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    switch (element_bytes(context.node.input(0).dtype)) {
      case 1:
        return check(xnn_create_slice_nd_x8(0, op_.out()));
      case 2:
        return check(xnn_create_slice_nd_x16(0, op_.out()));
      default:
        return check(xnn_create_slice_nd_x32(0, op_.out()));
    }
  }

  Status reshape(const Op::Attributes&, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    const IntList starts = int_list(context.node, 1), ends = int_list(context.node, 2),
                  axes = int_list(context.node, 3);
    std::array<Op::Range, max_rank> ranges;
    LITHE_TRY(Op::resolve(shape, starts, ends, context.node.has(3) ? &axes : nullptr, nullptr, ranges));
    std::array<std::size_t, max_dims> dims{}, first{}, count{};
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.rank()); ++i) {
      dims[i] = static_cast<std::size_t>(shape[static_cast<int>(i)]);
      first[i] = static_cast<std::size_t>(ranges[i].first),
      count[i] = static_cast<std::size_t>(ranges[i].count);
    }
    const int width = element_bytes(context.inputs[0].dtype);
    const auto reshape_operator = width == 1   ? xnn_reshape_slice_nd_x8
                                  : width == 2 ? xnn_reshape_slice_nd_x16
                                               : xnn_reshape_slice_nd_x32;
    return check(reshape_operator(op_.get(), static_cast<std::size_t>(shape.rank()), dims.data(),
                                  first.data(), count.data(), native(context.threads)));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const int width = element_bytes(context.input(0).dtype);
    const auto setup = width == 1   ? xnn_setup_slice_nd_x8
                       : width == 2 ? xnn_setup_slice_nd_x16
                                    : xnn_setup_slice_nd_x32;
    LITHE_TRY(check(setup(op_.get(), context.input(0).data, context.output().data)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  static constexpr int max_dims = 6;
  Handle op_;
};

}  // namespace lithe::inline v0::xnn
