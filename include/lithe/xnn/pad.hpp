// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/ops/pad.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/constant_list.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// constant_pad_nd of 1, 2 and 4 byte elements, up to rank 6, with constant pads that take nothing away, and
/// a constant value.
class Pad {
 public:
  using Op = ops::Pad;
  static constexpr const char* name = "xnn::constant_pad_nd";

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    const int width = element_bytes(input.dtype);
    if (a.mode != ops::PadMode::constant || (width != 1 && width != 2 && width != 4)) return false;
    if (input.shape.rank() < 1 || input.shape.rank() > max_dims || any_empty(node)) return false;
    if (!constant_list(node, 1) || !constant_list(node, 3) || (node.has(2) && !node.input(2).constant()))
      return false;
    for (const std::int64_t pad : int_list(node, 1))
      if (pad < 0) return false;
    return true;
  }

  Status create(const Op::Attributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    const NodeInfo& node = context.node;
    const auto width = static_cast<std::size_t>(element_bytes(node.input(0).dtype));
    std::uint32_t value = 0;
    if (node.has(2))
      std::memcpy(&value, node.input(2).data, width);
    else if (node.input(0).quantization != nullptr && node.input(0).quantization->per_tensor()) {
      const std::int32_t zero = zero_point_of(node.input(0));
      std::memcpy(&value, &zero, width);
    }
    switch (width) {
      case 1:
        return check(xnn_create_constant_pad_nd_x8(&value, 0, op_.out()));
      case 2:
        return check(xnn_create_constant_pad_nd_x16(&value, 0, op_.out()));
      default:
        return check(xnn_create_constant_pad_nd_x32(&value, 0, op_.out()));
    }
  }

  Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    const IntList pads = int_list(context.node, 1), numbers = int_list(context.node, 3);
    Op::Axes axes;
    LITHE_TRY(Op::resolve(a.mode, shape, pads, context.node.has(3) ? &numbers : nullptr, axes));
    std::array<std::size_t, max_dims> dims{}, before{}, behind{};
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.rank()); ++i) {
      dims[i] = static_cast<std::size_t>(shape[static_cast<int>(i)]);
      before[i] = static_cast<std::size_t>(axes[i].before),
      behind[i] = static_cast<std::size_t>(axes[i].behind);
    }
    const int width = element_bytes(context.inputs[0].dtype);
    const auto reshape_operator = width == 1   ? xnn_reshape_constant_pad_nd_x8
                                  : width == 2 ? xnn_reshape_constant_pad_nd_x16
                                               : xnn_reshape_constant_pad_nd_x32;
    return check(reshape_operator(op_.get(), static_cast<std::size_t>(shape.rank()), dims.data(),
                                  before.data(), behind.data(), native(context.threads)));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const int width = element_bytes(context.input(0).dtype);
    const auto setup = width == 1   ? xnn_setup_constant_pad_nd_x8
                       : width == 2 ? xnn_setup_constant_pad_nd_x16
                                    : xnn_setup_constant_pad_nd_x32;
    LITHE_TRY(check(setup(op_.get(), context.input(0).data, context.output().data)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  static constexpr int max_dims = 6;
  Handle op_;
};

}  // namespace lithe::inline v0::xnn
