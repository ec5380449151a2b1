// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/operator.hpp"
#include "lithe/core/tensor.hpp"

namespace lithe::inline v0::ops::detail {

/// Calls f.template operator()<T>() with the unsigned integer T of `width` bytes: 1, 2 or 4; any other width
/// means 8.
template <class F>
decltype(auto) by_width(int width, F f) {
  switch (width) {
    case 1:
      return f.template operator()<std::uint8_t>();
    case 2:
      return f.template operator()<std::uint16_t>();
    case 4:
      return f.template operator()<std::uint32_t>();
    default:
      return f.template operator()<std::uint64_t>();
  }
}

/// Element `i` of memory that holds elements of the width of T, whatever their type.
template <class T>
T load(const std::byte* data, index_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<index_t>(sizeof(T)), sizeof(T));
  return value;
}
template <class T>
void store(std::byte* data, index_t i, T value) {
  std::memcpy(data + i * static_cast<index_t>(sizeof(T)), &value, sizeof(T));
}

/// Sub-byte elements exist only as whole tensors: operators that move single elements refuse them.
/// Errors: Code::unsupported.
inline Status whole_bytes(DType dtype) {
  if (element_bytes(dtype) == 0)
    return {Code::unsupported, "elements smaller than a byte cannot be moved one by one"};
  return {};
}

/// Operators that move elements keep their numbers: two tensors that both have one scale must have the same
/// scale and zero point.
/// Errors: Code::invalid_model.
inline Status same_scale(const Quantization* a, const Quantization* b) {
  if (a == nullptr || b == nullptr || !a->per_tensor() || !b->per_tensor()) return {};
  if (a->scale_at(0) == b->scale_at(0) && a->zero_point_at(0) == b->zero_point_at(0)) return {};
  return {Code::invalid_model,
          "an operator that only moves elements has tensors that are quantized differently"};
}
/// The same for input `i` and output `o`.
inline Status same_scale(const InferContext& context, int i, int o) {
  return same_scale(context.has(i) ? context.quantization(i) : nullptr,
                    context.has_output(o) ? context.output_quantization(o) : nullptr);
}

/// Copies all elements, packed or not, into a dense tensor of as many bytes, unless they are there already.
/// Errors: Code::shape for another number of bytes.
inline Status copy_all(const TensorView& from, const Tensor& to) {
  if (from.bytes() != to.bytes()) return {Code::shape, "a copy needs as many bytes as its source"};
  if (from.data != to.data && to.bytes() != 0) std::memcpy(to.data, from.data, to.bytes());
  return {};
}

}  // namespace lithe::inline v0::ops::detail
