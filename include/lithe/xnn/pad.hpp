// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/ops/pad.hpp"
#include "lithe/xnn/detail/box.hpp"
#include "lithe/xnn/detail/constant_list.hpp"
#include "lithe/xnn/detail/quantized.hpp"

namespace lithe::inline v0::xnn {

/// constant_pad_nd of elements of 1, 2 and 4 bytes, up to rank 6, with constant pads that remove nothing and
/// a constant value.
class Pad : BoxOperator {
 public:
  using Op = ops::Pad;
  static constexpr const char* name = "xnn::constant_pad_nd";

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    if (a.mode != ops::PadMode::constant || !fits(node)) return false;
    if (!constant_list(node, 1) || !constant_list(node, 3) || (node.has(2) && !node.input(2).constant()))
      return false;
    for (const std::int64_t pad : int_list(node, 1))
      if (pad < 0) return false;
    return true;
  }

  [[gnu::cold]] Status create(const Op::Attributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    const NodeInfo& node = context.node;
    const auto width = static_cast<std::size_t>(element_bytes(node.input(0).dtype));
    std::uint32_t value = 0;
    if (node.has(2)) {
      std::memcpy(&value, node.input(2).data, width);
    } else if (node.input(0).quantization != nullptr && node.input(0).quantization->per_tensor()) {
      const std::int32_t zero = zero_point_of(node.input(0));
      std::memcpy(&value, &zero, width);
    }
    constexpr std::array functions{xnn_create_constant_pad_nd_x8, xnn_create_constant_pad_nd_x16,
                                   xnn_create_constant_pad_nd_x32};
    return check(of_width(functions, node.input(0).dtype)(&value, 0, op_.out()));
  }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    const IntList pads = int_list(context.node, 1), numbers = int_list(context.node, 3);
    Op::Axes axes;
    LITHE_TRY(Op::resolve(a.mode, shape, pads, context.node.has(3) ? &numbers : nullptr, axes));
    Box box;
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.rank()); ++i) {
      box.first[i] = static_cast<std::size_t>(axes[i].before);
      box.second[i] = static_cast<std::size_t>(axes[i].after);
    }
    constexpr std::array<Reshape, 3> functions{
        xnn_reshape_constant_pad_nd_x8, xnn_reshape_constant_pad_nd_x16, xnn_reshape_constant_pad_nd_x32};
    return reshape_box(functions, box, context);
  }

  Status run(const Op::Attributes&, RunContext& context) {
    return run_box(
        {xnn_setup_constant_pad_nd_x8, xnn_setup_constant_pad_nd_x16, xnn_setup_constant_pad_nd_x32},
        context);
  }
};

}  // namespace lithe::inline v0::xnn
