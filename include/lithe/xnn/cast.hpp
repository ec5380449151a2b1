// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/cast.hpp"
#include "lithe/xnn/unary.hpp"

namespace lithe::inline v0::xnn {

/// unary_elementwise_nc (convert) between f32 and f16.
class Cast : public Elementwise {
 public:
  using Op = ops::Cast;
  static constexpr const char* name = "xnn::convert_nc";

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    const DType from = node.input(0).dtype, to = node.output().dtype;
    return !any_empty(node) &&
           ((from == DType::f32 && to == DType::f16) || (from == DType::f16 && to == DType::f32));
  }
  Status create(const Op::Attributes&, CreateContext& context) {
    return make(xnn_unary_convert, context.node, {});
  }
};

}  // namespace lithe::inline v0::xnn
