// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "lithe/ops/dynamic_fully_connected.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/weights_cache.hpp"

namespace lithe::inline v0::xnn {

/// fully_connected_nc_qd8_f32_qc8w and qc4w; qb4w where scales are bf16 and blocks are multiples of 32
/// (without AVX2 and NEON: an even number of blocks). Filter and bias are constant. Sums are exact. Scaling
/// is fused with the bias where the processor can do that, so that the last bits may differ from the portable
/// kernel's.
class DynamicFullyConnected {
 public:
  using Op = ops::DynamicFullyConnected;
  static constexpr const char* name = "xnn::fully_connected_nc_qd8_f32";
  static constexpr std::uint32_t packed_inputs = 0b110;
  static constexpr bool strided_outputs = true;

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const Quantization* q = node.input(1).quantization;
    if (any_empty(node) || !node.input(1).constant() || q == nullptr) return false;
    if (node.has(2) && !node.input(2).constant()) return false;
    if (q->block != 0 && !usable_blocks(*q, node.input(1).shape[1], *node.cpu)) return false;
    for (index_t i = 0; i < q->count; ++i)
      if (!usable_scale(q->scale_at(i))) return false;
    return usable_clamp(a.clamp, DType::f32) && exact_sums(node.input(1), Sums::of_products, *node.cpu);
  }

  [[gnu::cold]] Status create(const Op::Attributes& a, CreateContext& context) {
    LITHE_TRY(initialize());
    const NodeInfo& node = context.node;
    const ValueInfo& filter = node.input(1);
    output_pitch_ = filter.shape[0];
    const void* contents = filter.data;
    std::unique_ptr<std::byte[]> shifted;
    if (filter.dtype == DType::s4) {
      const auto bytes = static_cast<std::size_t>(filter.shape[0] * (filter.shape[1] / 2));
      shifted.reset(new (std::nothrow) std::byte[bytes]);
      if (shifted == nullptr) return {Code::out_of_memory, "no memory for a filter of 4 bits"};
      const auto* from = static_cast<const std::byte*>(filter.data);
      for (std::size_t i = 0; i < bytes; ++i)
        shifted[i] = from[i] ^ std::byte{0x88};  // adds 8 to each of two elements
      contents = shifted.get();
    }
    PackingHash hash;
    hash.add(filter.shape[0]).add(filter.shape[1]).add(filter.quantization->block);
    return with_scales(node, [&](const float* scales) {
      return packed_.pack(context, packing_key(context, name, hash), [&](xnn_weights_cache_t cache) {
        return make(a, filter, {contents, node.has(2) ? node.input(2).data : nullptr, scales}, cache);
      });
    });
  }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    const ValueInfo& filter = context.node.input(1);
    if (!op_ || output_pitch_ != output.pitch) {
      output_pitch_ = output.pitch;
      LITHE_TRY(with_scales(context.node, [&](const float* scales) {
        return packed_.reuse([&](xnn_weights_cache_t cache) {
          return make(a, filter, {packed_.stand_in(), nullptr, scales}, cache);
        });
      }));
    }
    const auto rows = static_cast<std::size_t>(input.shape.rows());
    context.workspace((rows + static_cast<std::size_t>(extra_pairs)) * sizeof(xnn_quantization_params));
    const auto reshape_operator = filter.dtype == DType::s8 ? xnn_reshape_fully_connected_nc_qd8_f32_qc8w
                                  : filter.quantization->block == 0
                                      ? xnn_reshape_fully_connected_nc_qd8_f32_qc4w
                                      : xnn_reshape_fully_connected_nc_qd8_f32_qb4w;
    return check(reshape_operator(op_.get(), rows, native(context.threads)));
  }

  Status run(const Op::Attributes&, RunContext& context) {
    auto* params = reinterpret_cast<xnn_quantization_params*>(context.workspace().data());
    const auto* pairs = static_cast<const float*>(context.input(3).data);
    const index_t rows = context.input(0).shape.rows();
    for (index_t i = 0; i < rows; ++i)
      params[i] = {ops::detail::row_zero_point(pairs[2 * i + 1]), pairs[2 * i]};
    for (index_t i = 0; i < extra_pairs; ++i) params[rows + i] = params[rows - 1];
    const TensorView& filter = context.input(1);
    const auto setup = filter.dtype == DType::s8         ? xnn_setup_fully_connected_nc_qd8_f32_qc8w
                       : filter.quantization->block == 0 ? xnn_setup_fully_connected_nc_qd8_f32_qc4w
                                                         : xnn_setup_fully_connected_nc_qd8_f32_qb4w;
    LITHE_TRY(check(setup(op_.get(), static_cast<const std::int8_t*>(context.input(0).data),
                          static_cast<float*>(context.output().data), params)));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  /// How many pairs must follow those of the rows. A kernel of n rows reads n pairs, and stores its results
  /// for rows that do not exist over the last row: the extra pairs must be those of the last row.
  /// XNN_EXTRA_QUANTIZATION_PARAMS, 10, is too few for 14x16c8__avx512vnnigfni.
  static constexpr index_t extra_pairs = 16;

  /// Kernels for SSE and AVX load sums at multiples of 16 bytes, after two bytes of scale for each of four
  /// channels and each block: an odd number of blocks ends the process.
  static bool usable_blocks(const Quantization& q, index_t k, const Cpu& cpu) {
    return q.block % XNN_MIN_BLOCKSIZE == 0 && q.scale_dtype == DType::bf16 &&
           (cpu.avx2 || cpu.neon || k / q.block % 2 == 0);
  }

  struct Constants {
    const void *filter, *bias;
    const float* scales;  ///< null for blocks
  };

  /// Calls `make_operator` with a scale for each output channel, or with null where each block has one.
  template <class Make>
  static Status with_scales(const NodeInfo& node, Make make_operator) {
    const ValueInfo& filter = node.input(1);
    if (filter.quantization->block != 0) return make_operator(nullptr);
    const ChannelScales scales(*filter.quantization, filter.shape[0]);
    if (scales.data() == nullptr) return {Code::out_of_memory, "no memory for filter scales"};
    return make_operator(scales.data());
  }

  [[gnu::cold]] xnn_status make(const Op::Attributes& a, const ValueInfo& filter, const Constants& c,
                                xnn_weights_cache_t cache) {
    const auto n = static_cast<std::size_t>(filter.shape[0]), k = static_cast<std::size_t>(filter.shape[1]),
               pitch = static_cast<std::size_t>(output_pitch_);
    const auto* bias = static_cast<const float*>(c.bias);
    constexpr std::uint8_t middle = 8;
    if (filter.dtype == DType::s8)
      return xnn_create_fully_connected_nc_qd8_f32_qc8w(
          k, n, k, pitch, c.scales, static_cast<const std::int8_t*>(c.filter), bias, a.clamp.min, a.clamp.max,
          0, nullptr, cache, op_.out());
    if (c.scales != nullptr)
      return xnn_create_fully_connected_nc_qd8_f32_qc4w(k, n, k, pitch, middle, c.scales, c.filter, bias,
                                                        a.clamp.min, a.clamp.max, 0, nullptr, cache,
                                                        op_.out());
    return xnn_create_fully_connected_nc_qd8_f32_qb4w(
        k, n, k, pitch, static_cast<std::size_t>(filter.quantization->block), middle,
        static_cast<const std::uint16_t*>(filter.quantization->scale), c.filter, bias, a.clamp.min,
        a.clamp.max, 0, nullptr, cache, op_.out());
  }

  PackedFilter packed_;
  Handle op_;
  index_t output_pitch_ = 0;
};

}  // namespace lithe::inline v0::xnn
