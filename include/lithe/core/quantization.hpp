// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/core/half.hpp"
#include "lithe/core/shape.hpp"

namespace lithe::inline v0 {

/// How a quantized value maps to real numbers: real = (stored - zero_point) * scale. There is one pair of
/// scale and zero point for the whole tensor (`count` = 1), one for each index of `axis`, or one for each
/// block of `block` elements along `axis`.
struct Quantization {
  const void* scale = nullptr;       ///< `count` elements of `scale_dtype` (f32, f16 or bf16)
  const void* zero_point = nullptr;  ///< `count` elements of `zero_point_dtype`, or null: all zero
  index_t count = 0;
  index_t block = 0;  ///< 0: not blocked
  int axis = -1;      ///< -1: per tensor
  DType scale_dtype = DType::f32;
  DType zero_point_dtype = DType::none;

  bool per_tensor() const { return count == 1; }
  [[gnu::noinline]] float scale_at(index_t i) const {
    switch (scale_dtype) {
      case DType::f16:
        return static_cast<const half*>(scale)[i];
      case DType::bf16:
        return static_cast<const bfloat16*>(scale)[i];
      default:
        return static_cast<const float*>(scale)[i];
    }
  }
  [[gnu::noinline]] std::int32_t zero_point_at(index_t i) const {
    if (zero_point == nullptr) return 0;
    switch (zero_point_dtype) {
      case DType::s8:
        return static_cast<const std::int8_t*>(zero_point)[i];
      case DType::u8:
        return static_cast<const std::uint8_t*>(zero_point)[i];
      case DType::s16:
        return static_cast<const std::int16_t*>(zero_point)[i];
      case DType::u16:
        return static_cast<const std::uint16_t*>(zero_point)[i];
      case DType::s32:
        return static_cast<const std::int32_t*>(zero_point)[i];
      default:
        return 0;
    }
  }
};

}  // namespace lithe::inline v0
