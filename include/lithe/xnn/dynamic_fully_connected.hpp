// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <cstdint>

#include "lithe/ops/dynamic_fully_connected.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/weights_cache.hpp"

namespace lithe::inline v0::xnn {

/// fully_connected_nc_qd8_f32_qc8w, with constant filter and bias. Sums are exact; scaling them is fused
/// with the bias where the processor can, so that the last bit may differ from the portable kernel's.
class DynamicFullyConnected {
 public:
  using Op = ops::DynamicFullyConnected;
  static constexpr const char* name = "xnn::fully_connected_nc_qd8_f32";
  static constexpr std::uint32_t packed_inputs = 0b110;
  static constexpr bool strided_outputs = true;

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const Quantization* q = node.input(1).quantization;
    if (any_empty(node) || !node.input(1).constant() || q == nullptr) return false;
    if (node.has(2) && !node.input(2).constant()) return false;
    for (index_t i = 0; i < q->count; ++i)
      if (!usable_scale(q->scale_at(i))) return false;
    return usable_clamp(a.clamp, DType::f32);
  }

  Status create(const Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    const NodeInfo& node = context.node;
    const Shape& filter = node.input(1).shape;
    output_pitch_ = filter[0];
    const ChannelScales scales(*node.input(1).quantization, filter[0]);
    if (scales.data() == nullptr) return {Code::out_of_memory, "no memory for filter scales"};
    const void* bias = node.has(2) ? node.input(2).data : nullptr;
    return packed_.pack(context, packing_key(context, name, PackingHash{}.add(filter[0]).add(filter[1])),
                        [&](xnn_weights_cache_t cache) {
                          return make(a, filter, {node.input(1).data, bias, scales.data()}, cache);
                        });
  }

  Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    if (!op_ || output_pitch_ != output.pitch) {
      output_pitch_ = output.pitch;
      const ValueInfo& filter = context.node.input(1);
      const ChannelScales scales(*filter.quantization, filter.shape[0]);
      if (scales.data() == nullptr) return {Code::out_of_memory, "no memory for filter scales"};
      LITHE_TRY(packed_.reuse([&](xnn_weights_cache_t cache) {
        return make(a, filter.shape, {packed_.stand_in(), nullptr, scales.data()}, cache);
      }));
    }
    const auto rows = static_cast<std::size_t>(input.shape.rows());
    context.workspace((rows + XNN_EXTRA_QUANTIZATION_PARAMS) * sizeof(xnn_quantization_params));
    return check(xnn_reshape_fully_connected_nc_qd8_f32_qc8w(op_.get(), rows, native(context.threads)));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    auto* params = reinterpret_cast<xnn_quantization_params*>(context.workspace().data());
    const auto* pairs = static_cast<const float*>(context.input(3).data);
    const index_t rows = context.input(0).shape.rows();
    for (index_t i = 0; i < rows; ++i)
      params[i] = {ops::detail::row_zero_point(pairs[2 * i + 1]), pairs[2 * i]};
    for (index_t i = 0; i < XNN_EXTRA_QUANTIZATION_PARAMS; ++i) params[rows + i] = params[rows - 1];
    LITHE_TRY(check(xnn_setup_fully_connected_nc_qd8_f32_qc8w(
        op_.get(), static_cast<const std::int8_t*>(context.input(0).data),
        static_cast<float*>(context.output().data), params)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  struct Constants {
    const void *filter, *bias;
    const float* scales;
  };

  xnn_status make(const Op::Attributes& a, const Shape& filter, const Constants& c,
                  xnn_weights_cache_t cache) {
    const auto n = static_cast<std::size_t>(filter[0]), k = static_cast<std::size_t>(filter[1]);
    return xnn_create_fully_connected_nc_qd8_f32_qc8w(
        k, n, k, static_cast<std::size_t>(output_pitch_), c.scales, static_cast<const std::int8_t*>(c.filter),
        static_cast<const float*>(c.bias), a.clamp.min, a.clamp.max, 0, nullptr, cache, op_.out());
  }

  PackedFilter packed_;
  Handle op_;
  index_t output_pitch_ = 0;
};

}  // namespace lithe::inline v0::xnn
