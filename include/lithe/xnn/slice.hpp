// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/slice.hpp"
#include "lithe/xnn/detail/box.hpp"
#include "lithe/xnn/detail/constant_list.hpp"

namespace lithe::inline v0::xnn {

/// slice_nd of 1, 2 and 4 byte elements, up to rank 6, with constant bounds and steps of 1.
class Slice : BoxOperator {
 public:
  using Op = ops::Slice;
  static constexpr const char* name = "xnn::slice_nd";

  [[gnu::cold]] static bool supports(const Op::Attributes&, const NodeInfo& node) {
    if (!fits(node)) return false;
    for (int i = 1; i < 5; ++i)
      if (!constant_list(node, i)) return false;
    for (const std::int64_t step : int_list(node, 4))
      if (step != 1) return false;
    return true;
  }

  Status create(const Op::Attributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    constexpr std::array functions{xnn_create_slice_nd_x8, xnn_create_slice_nd_x16, xnn_create_slice_nd_x32};
    return check(of_width(functions, context.node.input(0).dtype)(0, op_.out()));
  }

  [[gnu::cold]] Status reshape(const Op::Attributes&, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    const IntList starts = int_list(context.node, 1), ends = int_list(context.node, 2),
                  axes = int_list(context.node, 3);
    std::array<Op::Range, max_rank> ranges;
    LITHE_TRY(Op::resolve(shape, starts, ends, context.node.has(3) ? &axes : nullptr, nullptr, ranges));
    Box box;
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.rank()); ++i) {
      box.first[i] = static_cast<std::size_t>(ranges[i].first);
      box.second[i] = static_cast<std::size_t>(ranges[i].count);
    }
    constexpr std::array<Reshape, 3> functions{xnn_reshape_slice_nd_x8, xnn_reshape_slice_nd_x16,
                                               xnn_reshape_slice_nd_x32};
    return reshape_box(functions, box, context);
  }

  Status run(const Op::Attributes&, RunContext& context) {
    return run_box({xnn_setup_slice_nd_x8, xnn_setup_slice_nd_x16, xnn_setup_slice_nd_x32}, context);
  }
};

}  // namespace lithe::inline v0::xnn
