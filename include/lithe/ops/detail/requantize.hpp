// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "lithe/core/fields.hpp"
#include "lithe/core/operator.hpp"

namespace lithe::inline v0::ops::detail {

/// Rounds to nearest, ties to even; |v| must be below 2^22 (float) or 2^51 (double). Adding 1.5 * 2^mantissa
/// leaves the integer in the low bits. They are read as bits, so that no optimization may simplify this, and
/// it vectorizes everywhere.
inline std::int32_t round_to_even(float v) { return std::bit_cast<std::int32_t>(v + 0x1.8p23f) - 0x4B400000; }
inline std::int64_t round_to_even(double v) {
  return std::bit_cast<std::int64_t>(v + 0x1.8p52) - 0x4338000000000000;
}

constexpr bool is_quantized_8bit(DType dtype) { return dtype == DType::s8 || dtype == DType::u8; }

inline bool usable_scale(float scale) { return scale > 0 && scale <= std::numeric_limits<float>::max(); }

inline bool zero_point_fits(std::int32_t zero_point, DType dtype) {
  return dtype == DType::s8 ? zero_point >= -128 && zero_point <= 127 : zero_point >= 0 && zero_point <= 255;
}

/// Checks an activation of s8 or u8: one finite positive scale, and one zero point that the dtype holds.
/// Errors: Code::invalid_model; Code::unsupported where it is not quantized per tensor.
[[gnu::cold]] inline Status check_activation(const Quantization* q, DType dtype) {
  if (q == nullptr) return {Code::invalid_model, "an 8-bit tensor has no quantization"};
  if (q->count != 1 || q->block != 0)
    return {Code::unsupported, "an 8-bit activation must be quantized per tensor"};
  if (!usable_scale(q->scale_at(0)))
    return {Code::invalid_model, "a quantization scale is not finite and positive"};
  if (!zero_point_fits(q->zero_point_at(0), dtype))
    return {Code::invalid_model, "a zero point does not fit its tensor's type"};
  return {};
}

/// Checks a filter of s8 (zero points 0) or u8 (any zero points), quantized per tensor or with `channels`
/// scales along `axis`.
/// Errors: Code::invalid_model for bad scales or zero points; Code::unsupported for another kind.
[[gnu::cold]] inline Status check_filter(const Quantization* q, DType dtype, int axis, index_t channels) {
  if (q == nullptr) return {Code::invalid_model, "an 8-bit filter has no quantization"};
  if (q->block != 0 || (q->count != 1 && (q->count != channels || q->axis != axis)))
    return {Code::unsupported, "an 8-bit filter must be quantized per tensor or per output channel"};
  for (index_t i = 0; i < q->count; ++i) {
    if (!usable_scale(q->scale_at(i)))
      return {Code::invalid_model, "a quantization scale is not finite and positive"};
    const std::int32_t zero_point = q->zero_point_at(i);
    if (!zero_point_fits(zero_point, dtype))
      return {Code::invalid_model, "a zero point does not fit its tensor's type"};
    if (dtype == DType::s8 && zero_point != 0)
      return {Code::unsupported, "an s8 filter must have zero point 0"};
  }
  return {};
}

/// The scale from accumulator steps to output steps, in XNNPACK's order of operations.
inline float requantization_scale(float input, float filter, float output) { return input * filter / output; }

inline float filter_scale(const Quantization& filter, index_t channel) {
  return filter.scale_at(filter.count == 1 ? 0 : channel);
}
inline std::int32_t filter_zero_point(const Quantization& filter, index_t channel) {
  return filter.zero_point_at(filter.count == 1 ? 0 : channel);
}

/// Checks all that an 8-bit convolution or fully connected layer needs: inputs 0 and 1, output 0, and that
/// each channel's requantization scale is finite.
/// Errors: those of check_activation and check_filter; Code::invalid_model.
[[gnu::cold]] inline Status check_quantized_layer(const InferContext& context, int filter_axis,
                                                  index_t channels) {
  LITHE_TRY(check_activation(context.quantization(0), context.dtype(0)));
  LITHE_TRY(check_filter(context.quantization(1), context.dtype(1), filter_axis, channels));
  LITHE_TRY(check_activation(context.output_quantization(), context.output_dtype()));
  const Quantization& filter = *context.quantization(1);
  const float input_scale = context.quantization(0)->scale_at(0),
              output_scale = context.output_quantization()->scale_at(0);
  for (index_t i = 0; i < filter.count; ++i)
    if (!std::isfinite(requantization_scale(input_scale, filter.scale_at(i), output_scale)))
      return {Code::invalid_model, "a requantization scale overflows"};
  return {};
}

/// Errors: Code::invalid_model where min is above max, or NaN.
inline Status check_clamp(const Clamp& clamp) {
  return clamp.min <= clamp.max ? Status{}
                                : Status{Code::invalid_model, "clamp.min is above clamp.max, or NaN"};
}

/// The smallest and the largest stored value that a clamp in real units leaves.
struct QuantizedRange {
  std::int32_t min, max;
};

template <class T>
QuantizedRange quantized_range(const Clamp& clamp, float scale, std::int32_t zero_point) {
  const std::int32_t lowest = std::numeric_limits<T>::lowest(), highest = std::numeric_limits<T>::max();
  auto stored = [&](float real) {
    const float steps = std::clamp(real / scale, static_cast<float>(lowest - zero_point),
                                   static_cast<float>(highest - zero_point));
    return round_to_even(steps) + zero_point;
  };
  return {stored(clamp.min), stored(clamp.max)};
}

/// Turns real steps into the stored 8-bit value: clamps in float, rounds to nearest even, adds the zero
/// point. Bit-exact with the "fp32" requantization of XNNPACK's qs8_qc8w and qu8 kernels.
template <class T>
class Requantizer {
 public:
  Requantizer(const Clamp& clamp, float scale, std::int32_t zero_point) {
    const QuantizedRange range = quantized_range<T>(clamp, scale, zero_point);
    min_ = static_cast<float>(range.min - zero_point);
    max_ = static_cast<float>(range.max - zero_point);
    bias_ = 0x4B400000 - zero_point;
  }
  explicit Requantizer(const Quantization& output, const Clamp& clamp = {})
      : Requantizer(clamp, output.scale_at(0), output.zero_point_at(0)) {}

  T operator()(float steps) const {
    steps = steps < min_ ? min_ : steps;
    steps = steps > max_ ? max_ : steps;
    // Adding 1.5 * 2^23 leaves the integer, rounded to nearest even, in the low bits.
    return static_cast<T>(std::bit_cast<std::int32_t>(steps + 12582912.0f) - bias_);
  }
  T operator()(std::int32_t accumulator, float scale) const {
    return (*this)(static_cast<float>(accumulator) * scale);
  }

 private:
  float min_, max_;
  std::int32_t bias_;
};

}  // namespace lithe::inline v0::ops::detail
