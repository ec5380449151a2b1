// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops::detail {

/// Whether the integers stand for real numbers through a scale and a zero point.
constexpr bool quantized(DType dtype, const Quantization* q) {
  return q != nullptr && (dtype == DType::s8 || dtype == DType::u8);
}
template <class Void>
bool quantized(const BasicTensor<Void>& tensor) {
  return quantized(tensor.dtype, tensor.quantization);
}

/// Limits v to [low, high]; NaN becomes low.
template <class T>
constexpr T limit(T v, T low, T high) {
  const T at_least = v > low ? v : low;
  return at_least < high ? at_least : high;
}

/// One scale and one zero point, with the range of the stored integers.
struct Affine {
  float scale;
  std::int32_t zero_point, low, high;

  Affine(DType dtype, const Quantization& q)
      : scale(q.scale_at(0)),
        zero_point(q.zero_point_at(0)),
        low(dtype == DType::s8 ? -128 : 0),
        high(low + 255) {}

  float real(std::int32_t stored) const { return static_cast<float>(stored - zero_point) * scale; }
  /// The stored integer nearest to a real number; saturates; NaN gives the lowest.
  std::int32_t stored(float real, float inverse_scale) const {
    const float steps = real * inverse_scale;
    return round_to_even(
               limit(steps, static_cast<float>(low - zero_point), static_cast<float>(high - zero_point))) +
           zero_point;
  }
};

/// Which 8-bit integers an operator takes as plain integers too, without quantization.
struct PlainBytes {
  bool s8 = false, u8 = false;
};

/// For operators on real numbers: checks that the 8-bit tensors among the inputs and output 0 are either all
/// quantized, per tensor, or all plain.
/// Errors: Code::dtype for plain bytes for which the operator has no meaning; Code::invalid_model for a
/// mixture; those of check_activation.
[[gnu::cold]] inline Status check_quantization(const InferContext& context, PlainBytes plain) {
  int with = 0, without = 0;
  const auto check = [&](DType dtype, const Quantization* q) -> Status {
    if (dtype != DType::s8 && dtype != DType::u8) return {};
    if (quantized(dtype, q)) {
      ++with;
      return check_activation(q, dtype);
    }
    ++without;
    if (dtype == DType::s8 ? plain.s8 : plain.u8) return {};
    return {Code::dtype, "8-bit integers need a scale and a zero point here"};
  };
  for (int i = 0; i < context.inputs(); ++i) LITHE_TRY(check(context.dtype(i), context.quantization(i)));
  LITHE_TRY(check(context.output_dtype(), context.output_quantization()));
  if (with != 0 && without != 0)
    return {Code::invalid_model, "some 8-bit tensors of a node are quantized and others are not"};
  return {};
}

}  // namespace lithe::inline v0::ops::detail
