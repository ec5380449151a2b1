// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "lithe/core/operator.hpp"
#include "lithe/core/services.hpp"
#include "lithe/ops/detail/requantize.hpp"

/// What XNNPACK asks of element types, scales, zero points and clamps, so that `supports` can refuse what
/// create would refuse.
namespace lithe::inline v0::xnn {

inline bool quantized(DType dtype) { return dtype == DType::s8 || dtype == DType::u8; }
inline xnn_datatype datatype(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return xnn_datatype_fp32;
    case DType::f16:
      return xnn_datatype_fp16;
    case DType::s8:
      return xnn_datatype_qint8;
    case DType::u8:
      return xnn_datatype_quint8;
    default:
      return xnn_datatype_invalid;
  }
}

inline bool usable_scale(float scale) { return scale > 0 && std::isnormal(scale); }

/// Whether a value is quantized per tensor, with a normal positive scale and a zero point that its dtype
/// holds.
inline bool usable_activation(const ValueInfo& value) {
  const Quantization* q = value.quantization;
  return quantized(value.dtype) && q != nullptr && q->per_tensor() && q->block == 0 &&
         usable_scale(q->scale_at(0)) && ops::detail::zero_point_fits(q->zero_point_at(0), value.dtype);
}
inline float scale_of(const ValueInfo& value) { return value.quantization->scale_at(0); }
inline std::int32_t zero_point_of(const ValueInfo& value) { return value.quantization->zero_point_at(0); }
inline xnn_quantization_params params_of(const ValueInfo& value) {
  return value.quantization == nullptr ? xnn_quantization_params{0, 1.0f}
                                       : xnn_quantization_params{zero_point_of(value), scale_of(value)};
}
inline bool same_quantization(const ValueInfo& a, const ValueInfo& b) {
  return scale_of(a) == scale_of(b) && zero_point_of(a) == zero_point_of(b);
}

/// What computes a layer's sums in XNNPACK: its products, or its depthwise convolutions.
enum class Sums { of_products, of_taps };

/// Whether XNNPACK 4ea82e5 adds two products of s8 in 16 bits, which two of -128 * -128 exceed: in the products
/// of ARM without dot product, and in the depthwise convolutions of ARM and of AVX without AVX2
/// (src/configs/gemm-config.c, dwconv-config.c).
inline bool sums_in_16_bits(Sums sums, const Cpu& cpu) {
  return cpu.neon ? sums == Sums::of_taps || !cpu.neon_dot : sums == Sums::of_taps && cpu.avx && !cpu.avx2;
}
/// Whether the layer's sums are exact with this constant filter. Reads it only where -128 matters.
[[gnu::cold]] inline bool exact_sums(const ValueInfo& filter, Sums sums, const Cpu& cpu) {
  return filter.dtype != DType::s8 || !sums_in_16_bits(sums, cpu) ||
         std::memchr(filter.data, 0x80, static_cast<std::size_t>(filter.shape.elements())) == nullptr;
}

/// Whether XNNPACK takes the quantization of a layer. s8: normal positive filter scales and zero points 0;
/// u8: one scale and zero point for the tensor. The requantization scale of each of `channels` lies in
/// [2^-32, 256).
[[gnu::cold]] inline bool usable_layer(const NodeInfo& node, index_t channels) {
  const ValueInfo& filter = node.input(1);
  const Quantization* q = filter.quantization;
  if (!usable_activation(node.input(0)) || !usable_activation(node.output()) || q == nullptr || q->block != 0)
    return false;
  if (q->count != 1 && (q->count != channels || filter.dtype == DType::u8)) return false;
  const float input = scale_of(node.input(0)), output = scale_of(node.output());
  for (index_t i = 0; i < q->count; ++i) {
    const float requantization = ops::detail::requantization_scale(input, q->scale_at(i), output);
    if (!usable_scale(q->scale_at(i)) || !(requantization >= 0x1p-32f && requantization < 256.0f))
      return false;
    if (filter.dtype == DType::s8 ? q->zero_point_at(i) != 0
                                  : !ops::detail::zero_point_fits(q->zero_point_at(i), DType::u8))
      return false;
  }
  return true;
}

/// Whether XNNPACK takes a clamp: limits in f32 may be equal, limits in f16 must differ after rounding.
inline bool usable_clamp(const Clamp& clamp, DType dtype) {
  if (dtype == DType::f16) return static_cast<float>(half(clamp.min)) < static_cast<float>(half(clamp.max));
  return clamp.min <= clamp.max;
}

/// The stored limits that a clamp in real units leaves of a quantized value; without quantization those of
/// the type.
inline ops::detail::QuantizedRange stored_range(const Clamp& clamp, const ValueInfo& value) {
  const xnn_quantization_params q = params_of(value);
  return value.dtype == DType::s8 ? ops::detail::quantized_range<std::int8_t>(clamp, q.scale, q.zero_point)
                                  : ops::detail::quantized_range<std::uint8_t>(clamp, q.scale, q.zero_point);
}

/// Whether the processor computes in this type. XNNPACK accepts f16 on any AVX2 and emulates it.
inline bool runs_natively(DType dtype, const NodeInfo& node) {
  return dtype != DType::f16 || node.cpu->f16_arithmetic;
}

[[gnu::cold]] inline bool any_empty(const NodeInfo& node) {
  for (const auto values : {node.inputs, node.outputs})
    for (const ValueInfo& value : values)
      for (const index_t dim : value.shape.dims())
        if (value.present() && dim == 0) return true;
  return false;
}

/// One float scale for each output channel of a filter; a per-tensor scale is repeated. data() is null where
/// there is no memory.
class ChannelScales {
 public:
  ChannelScales(const Quantization& filter, index_t channels) {
    if (filter.count == channels && filter.scale_dtype == DType::f32) {
      data_ = static_cast<const float*>(filter.scale);
      return;
    }
    copy_.reset(new (std::nothrow) float[static_cast<std::size_t>(channels)]);
    if (copy_ == nullptr) return;
    for (index_t i = 0; i < channels; ++i)
      copy_[static_cast<std::size_t>(i)] = ops::detail::filter_scale(filter, i);
    data_ = copy_.get();
  }
  const float* data() const { return data_; }

 private:
  std::unique_ptr<float[]> copy_;
  const float* data_ = nullptr;
};

}  // namespace lithe::inline v0::xnn
