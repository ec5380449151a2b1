// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <array>
#include <cstddef>

#include "lithe/ops/transpose.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// transpose_nd of 1, 2, 4 and 8 byte elements, up to rank 6.
class Transpose {
 public:
  using Op = ops::Transpose;
  static constexpr const char* name = "xnn::transpose_nd";

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    const int width = element_bytes(input.dtype);
    return (width == 1 || width == 2 || width == 4 || width == 8) && input.shape.rank() >= 1 &&
           input.shape.rank() <= max_dims && !any_empty(node);
  }

  [[gnu::cold]] Status create(const Op::Attributes&, CreateContext& context) {
    LITHE_TRY(initialize());
    switch (element_bytes(context.node.input(0).dtype)) {
      case 1:
        return check(xnn_create_transpose_nd_x8(0, op_.out()));
      case 2:
        return check(xnn_create_transpose_nd_x16(0, op_.out()));
      case 4:
        return check(xnn_create_transpose_nd_x32(0, op_.out()));
      default:
        return check(xnn_create_transpose_nd_x64(0, op_.out()));
    }
  }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const Shape& shape = context.inputs[0].shape;
    std::array<std::size_t, max_dims> dims{}, permutation{};
    for (int i = 0; i < shape.rank(); ++i) {
      dims[static_cast<std::size_t>(i)] = static_cast<std::size_t>(shape[i]);
      permutation[static_cast<std::size_t>(i)] = static_cast<std::size_t>(Op::source(a, shape.rank(), i));
    }
    const int width = element_bytes(context.inputs[0].dtype);
    const auto reshape_operator = width == 1   ? xnn_reshape_transpose_nd_x8
                                  : width == 2 ? xnn_reshape_transpose_nd_x16
                                  : width == 4 ? xnn_reshape_transpose_nd_x32
                                               : xnn_reshape_transpose_nd_x64;
    return check(reshape_operator(op_.get(), static_cast<std::size_t>(shape.rank()), dims.data(),
                                  permutation.data(), native(context.threads)));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const int width = element_bytes(context.input(0).dtype);
    const auto setup = width == 1   ? xnn_setup_transpose_nd_x8
                       : width == 2 ? xnn_setup_transpose_nd_x16
                       : width == 4 ? xnn_setup_transpose_nd_x32
                                    : xnn_setup_transpose_nd_x64;
    LITHE_TRY(check(setup(op_.get(), context.input(0).data, context.output().data)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  static constexpr int max_dims = 6;
  Handle op_;
};

}  // namespace lithe::inline v0::xnn
