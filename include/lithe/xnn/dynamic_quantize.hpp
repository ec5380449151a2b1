// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <cstdint>

#include "lithe/ops/dynamic_quantize.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// convert_nc_f32_qd8. XNNPACK writes its pairs of zero point and scale into the workspace.
class DynamicQuantize {
 public:
  using Op = ops::DynamicQuantize;
  static constexpr const char* name = "xnn::convert_nc_f32_qd8";
  static constexpr bool strided_inputs = true;

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return node.outputs.size() == 2 && node.output(0).present() && node.output(1).present() &&
           !any_empty(node);
  }

  Status create(const Op::Attributes&, CreateContext&) {
    LITHE_TRY(initialize());
    return check(xnn_create_convert_nc_f32_qd8(0, op_.out()));
  }

  [[gnu::cold]] Status reshape(const Op::Attributes&, ReshapeContext& context) {
    const TensorView& input = context.inputs[0];
    const auto rows = static_cast<std::size_t>(input.shape.rows()),
               k = static_cast<std::size_t>(input.shape.back());
    context.workspace((rows + XNN_EXTRA_QUANTIZATION_PARAMS) * sizeof(xnn_quantization_params));
    return check(xnn_reshape_convert_nc_f32_qd8(op_.get(), rows, k, static_cast<std::size_t>(input.pitch), k,
                                                native(context.threads)));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    auto* params = reinterpret_cast<xnn_quantization_params*>(context.workspace().data());
    LITHE_TRY(check(xnn_setup_convert_nc_f32_qd8(op_.get(), static_cast<const float*>(context.input(0).data),
                                                 static_cast<std::int8_t*>(context.output(0).data), params)));
    LITHE_TRY(check(xnn_run_operator(op_.get(), native(context.threads()))));
    auto* pairs = static_cast<float*>(context.output(1).data);
    for (index_t i = 0; i < context.input(0).shape.rows(); ++i) {
      pairs[2 * i] = params[i].scale;
      pairs[2 * i + 1] = static_cast<float>(params[i].zero_point);
    }
    return {};
  }

 private:
  Handle op_;
};

}  // namespace lithe::inline v0::xnn
