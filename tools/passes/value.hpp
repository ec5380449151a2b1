// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "tools/passes/node.hpp"

/// Small questions about a value.
namespace lithe::passes {

inline std::optional<int> rank_of(const Value& value) {
  return value.dims ? std::optional(static_cast<int>(value.dims->size())) : std::nullopt;
}
/// f32, f16, bf16 or f64.
inline bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::f64;
}
/// s8 or u8.
inline bool is_quantized8(DType dtype) { return dtype == DType::s8 || dtype == DType::u8; }

}  // namespace lithe::passes
