// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include "lithe/core/tensor.hpp"

namespace lithe::test {

/// What references compute with: every element as a double (quantized ones dequantized), row-major.
struct ReferenceTensor {
  Shape shape;
  std::vector<double> values;
  DType dtype =
      DType::none;  ///< what the values were stored as, for operators that divide or saturate by type

  ReferenceTensor() = default;
  explicit ReferenceTensor(const Shape& dims)
      : shape(dims), values(static_cast<std::size_t>(dims.elements())) {}
  ReferenceTensor(const Shape& dims, std::vector<double> contents)
      : shape(dims), values(std::move(contents)) {}

  double& operator[](index_t i) { return values.at(static_cast<std::size_t>(i)); }
  double operator[](index_t i) const { return values.at(static_cast<std::size_t>(i)); }
  /// The element at one index per axis.
  template <class... Index>
  double& at(Index... index) {
    return (*this)[offset({static_cast<index_t>(index)...})];
  }
  template <class... Index>
  double at(Index... index) const {
    return (*this)[offset({static_cast<index_t>(index)...})];
  }
  index_t offset(std::vector<index_t> index) const {
    if (static_cast<int>(index.size()) != shape.rank()) throw std::out_of_range("one index per axis");
    index_t flat = 0;
    for (int i = 0; i < shape.rank(); ++i) {
      if (index[static_cast<std::size_t>(i)] < 0 || index[static_cast<std::size_t>(i)] >= shape[i])
        throw std::out_of_range("index");
      flat = flat * shape[i] + index[static_cast<std::size_t>(i)];
    }
    return flat;
  }
  /// The index per axis of the element number `flat`.
  std::vector<index_t> index_of(index_t flat) const {
    std::vector<index_t> index(static_cast<std::size_t>(shape.rank()));
    for (int i = shape.rank() - 1; i >= 0; --i) {
      index[static_cast<std::size_t>(i)] = flat % shape[i];
      flat /= shape[i];
    }
    return index;
  }
  bool empty() const { return values.empty(); }
};

/// The scales and zero points a test gives to a tensor; empty: not quantized.
struct TestQuantization {
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;
  int axis = -1;
  index_t block = 0;                ///< elements along the last axis that share a scale; 0: not blocked
  std::vector<bfloat16> rounded{};  ///< the scales, where they are stored as bf16

  bool active() const { return !scale.empty(); }
  Quantization view() const {
    Quantization q;
    q.scale = scale.data();
    q.zero_point = zero_point.data();
    q.count = static_cast<index_t>(scale.size());
    q.axis = axis;
    q.block = block;
    q.zero_point_dtype = DType::s32;
    if (!rounded.empty()) {
      q.scale = rounded.data();
      q.scale_dtype = DType::bf16;
    }
    return q;
  }
  /// Which scale element `i` of a tensor of `shape` has: along `axis`, or over `axis` and the following one
  /// together when there are as many scales as both have indices (a depthwise filter's [..., C, M]).
  std::size_t index(const Shape& shape, index_t i) const {
    const auto count = static_cast<index_t>(scale.size());
    if (count == 1) return 0;
    if (block > 0) return static_cast<std::size_t>(i / block);
    const int last = shape[axis] == count ? axis : axis + 1;
    return static_cast<std::size_t>(i / shape.product(last + 1, shape.rank()) % count);
  }
};

/// Smallest and largest value of an integer type of at most 32 bits, as doubles.
inline double lowest(DType d) {
  if (d == DType::boolean || is_unsigned_integer(d)) return 0;
  return -std::ldexp(1.0, bits(d) - 1);
}
inline double highest(DType d) {
  if (d == DType::boolean) return 1;
  return std::ldexp(1.0, bits(d) - (is_signed_integer(d) ? 1 : 0)) - 1;
}

namespace detail {
template <class T>
double load(const std::byte* data, std::size_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>)
    return static_cast<float>(value);
  else
    return static_cast<double>(value);
}
template <class T>
void store(std::byte* data, std::size_t i, T value) {
  std::memcpy(data + i * sizeof(T), &value, sizeof(T));
}
}  // namespace detail

/// Element `i` of stored, packed elements as the plain number it is.
inline double stored_value(DType dtype, const std::byte* data, std::size_t i) {
  switch (dtype) {
    case DType::f32:
      return detail::load<float>(data, i);
    case DType::f16:
      return detail::load<half>(data, i);
    case DType::bf16:
      return detail::load<bfloat16>(data, i);
    case DType::f64:
      return detail::load<double>(data, i);
    case DType::s8:
      return detail::load<std::int8_t>(data, i);
    case DType::s16:
      return detail::load<std::int16_t>(data, i);
    case DType::s32:
      return detail::load<std::int32_t>(data, i);
    case DType::s64:
      return detail::load<std::int64_t>(data, i);
    case DType::u8:
    case DType::boolean:
      return detail::load<std::uint8_t>(data, i);
    case DType::u16:
      return detail::load<std::uint16_t>(data, i);
    case DType::u32:
      return detail::load<std::uint32_t>(data, i);
    case DType::u64:
      return detail::load<std::uint64_t>(data, i);
    case DType::s4:
    case DType::u4:
    case DType::s2:
    case DType::u2: {
      const auto width = static_cast<std::size_t>(bits(dtype)), mask = (std::size_t{1} << width) - 1;
      const std::size_t raw = std::to_integer<std::size_t>(data[i * width / 8]) >> (i * width % 8) & mask;
      const bool negative = is_signed_integer(dtype) && raw > mask / 2;
      return static_cast<double>(raw) - (negative ? static_cast<double>(mask + 1) : 0.0);
    }
    default:
      throw std::invalid_argument(std::string("the tests cannot read ") + name(dtype));
  }
}

/// Stores a number as element `i`: rounded to nearest even, saturated for integers of at most 32 bits.
inline void store_value(DType dtype, std::byte* data, std::size_t i, double value) {
  const auto saturated = [&] { return std::clamp(std::nearbyint(value), lowest(dtype), highest(dtype)); };
  switch (dtype) {
    case DType::f32:
      return detail::store(data, i, static_cast<float>(value));
    case DType::f16:
      return detail::store(data, i, half(static_cast<float>(value)));
    case DType::bf16:
      return detail::store(data, i, bfloat16(static_cast<float>(value)));
    case DType::f64:
      return detail::store(data, i, value);
    case DType::s8:
      return detail::store(data, i, static_cast<std::int8_t>(saturated()));
    case DType::s16:
      return detail::store(data, i, static_cast<std::int16_t>(saturated()));
    case DType::s32:
      return detail::store(data, i, static_cast<std::int32_t>(saturated()));
    case DType::s64:
      return detail::store(data, i, static_cast<std::int64_t>(std::nearbyint(value)));
    case DType::u8:
      return detail::store(data, i, static_cast<std::uint8_t>(saturated()));
    case DType::boolean:
      return detail::store(data, i, static_cast<std::uint8_t>(value != 0));
    case DType::u16:
      return detail::store(data, i, static_cast<std::uint16_t>(saturated()));
    case DType::u32:
      return detail::store(data, i, static_cast<std::uint32_t>(saturated()));
    case DType::u64:
      return detail::store(data, i, static_cast<std::uint64_t>(std::nearbyint(value)));
    case DType::s4:
    case DType::u4:
    case DType::s2:
    case DType::u2: {
      const auto width = static_cast<std::size_t>(bits(dtype)), shift = i * width % 8,
                 mask = (std::size_t{1} << width) - 1;
      const auto raw = static_cast<std::size_t>(static_cast<std::int64_t>(saturated())) & mask;
      std::byte& at = data[i * width / 8];
      at = (at & ~static_cast<std::byte>(mask << shift)) | static_cast<std::byte>(raw << shift);
      return;
    }
    default:
      throw std::invalid_argument(std::string("the tests cannot write ") + name(dtype));
  }
}

/// A tensor as a model or an arena would hold it: dense, packed bytes.
struct StoredTensor {
  DType dtype = DType::none;  ///< none: absent
  Shape shape;
  std::vector<std::byte> bytes;
  TestQuantization quantization;

  StoredTensor() = default;
  StoredTensor(DType type, const Shape& dims, TestQuantization q = {})
      : dtype(type),
        shape(dims),
        bytes(lithe::bytes(type, static_cast<std::uint64_t>(dims.elements()))),
        quantization(std::move(q)) {}
  /// The nearest stored form of a reference: quantized where there are scales.
  StoredTensor(DType type, const ReferenceTensor& reference, TestQuantization q = {})
      : StoredTensor(type, reference.shape, std::move(q)) {
    for (index_t i = 0; i < shape.elements(); ++i) {
      double value = reference[i];
      if (quantization.active()) {
        const std::size_t s = quantization.index(shape, i);
        value = value / quantization.scale[s] + quantization.zero_point[s];
      }
      store_value(dtype, bytes.data(), static_cast<std::size_t>(i), value);
    }
  }
  bool present() const { return dtype != DType::none; }
  double raw(index_t i) const { return stored_value(dtype, bytes.data(), static_cast<std::size_t>(i)); }
  double real(index_t i) const {
    if (!quantization.active()) return raw(i);
    const std::size_t s = quantization.index(shape, i);
    return (raw(i) - quantization.zero_point[s]) * static_cast<double>(quantization.scale[s]);
  }
  ReferenceTensor reference() const {
    ReferenceTensor result(shape);
    result.dtype = dtype;
    for (index_t i = 0; i < shape.elements(); ++i) result[i] = real(i);
    return result;
  }
};

}  // namespace lithe::test
