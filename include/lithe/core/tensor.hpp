// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "lithe/core/half.hpp"
#include "lithe/core/quantization.hpp"
#include "lithe/core/shape.hpp"

namespace lithe::inline v0 {

/// The DType of a C++ element type; `DType::none` for anything else.
template <class T>
inline constexpr DType dtype_of = DType::none;
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<half> = DType::f16;
template <>
inline constexpr DType dtype_of<bfloat16> = DType::bf16;
template <>
inline constexpr DType dtype_of<std::int8_t> = DType::s8;
template <>
inline constexpr DType dtype_of<std::int16_t> = DType::s16;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::s32;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::s64;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<std::uint16_t> = DType::u16;
template <>
inline constexpr DType dtype_of<std::uint32_t> = DType::u32;
template <>
inline constexpr DType dtype_of<std::uint64_t> = DType::u64;
template <>
inline constexpr DType dtype_of<bool> = DType::boolean;

template <class T>
concept Element = dtype_of<std::remove_const_t<T>> != DType::none;

/// A view of row-major elements; it owns nothing. It is dense, except that rows of the last axis may lie
/// `pitch` >= shape.back() elements apart (a slice of the channels of a wider tensor); only kernels that
/// declare strided_inputs or strided_outputs see such a view.
template <class Void>
struct BasicTensor {
  Void* data = nullptr;
  DType dtype = DType::none;
  Shape shape;
  index_t pitch = 0;                           ///< elements from one row of the last axis to the next
  const Quantization* quantization = nullptr;  ///< the value's quantization, or null

  BasicTensor() = default;
  BasicTensor(Void* elements, DType type, const Shape& dims, const Quantization* q = nullptr)
      : data(elements), dtype(type), shape(dims), pitch(dims.back()), quantization(q) {}
  /// Makes a read-only view of a writable tensor.
  template <class Other>
    requires std::is_same_v<Void, const void> && std::is_same_v<Other, void>
  BasicTensor(const BasicTensor<Other>& other)  // NOLINT(google-explicit-constructor)
      : data(other.data),
        dtype(other.dtype),
        shape(other.shape),
        pitch(other.pitch),
        quantization(other.quantization) {}

  index_t elements() const { return shape.elements(); }
  bool dense() const { return pitch == shape.back() || shape.rows() <= 1; }
  /// Bytes of a dense tensor of this shape.
  std::size_t bytes() const {
    return static_cast<std::size_t>(lithe::bytes(dtype, static_cast<std::uint64_t>(elements())));
  }
  /// The elements of a dense tensor.
  template <Element T>
  auto as() const {
    using U = std::conditional_t<std::is_const_v<Void>, const T, T>;
    assert(dtype == dtype_of<T> && dense());
    return std::span<U>(static_cast<U*>(data), static_cast<std::size_t>(elements()));
  }
  /// The first element of row `i` of the last axis.
  template <Element T>
  auto row(index_t i) const {
    using U = std::conditional_t<std::is_const_v<Void>, const T, T>;
    return static_cast<U*>(data) + i * pitch;
  }
  /// false: an optional tensor that is absent.
  explicit operator bool() const { return dtype != DType::none; }
};

using TensorView = BasicTensor<const void>;
using Tensor = BasicTensor<void>;

/// The integer at place `i` of a dense tensor of bool or of whole-byte integers but u64, widened.
inline std::int64_t integer_at(const TensorView& tensor, index_t i) {
  switch (tensor.dtype) {
    case DType::s64:
      return static_cast<const std::int64_t*>(tensor.data)[i];
    case DType::s32:
      return static_cast<const std::int32_t*>(tensor.data)[i];
    case DType::s16:
      return static_cast<const std::int16_t*>(tensor.data)[i];
    case DType::s8:
      return static_cast<const std::int8_t*>(tensor.data)[i];
    case DType::u32:
      return static_cast<const std::uint32_t*>(tensor.data)[i];
    case DType::u16:
      return static_cast<const std::uint16_t*>(tensor.data)[i];
    case DType::u8:
    case DType::boolean:
      return static_cast<const std::uint8_t*>(tensor.data)[i];
    default:
      assert(false);
      return 0;
  }
}

}  // namespace lithe::inline v0
