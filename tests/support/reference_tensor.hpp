// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
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

/// Element `i` of stored, packed elements as the plain number it is.
double stored_value(DType dtype, const std::byte* data, std::size_t i);
/// Stores a number as element `i`: rounded to nearest even, saturated for integers of at most 32 bits.
void store_value(DType dtype, std::byte* data, std::size_t i, double value);

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
  StoredTensor(DType type, const ReferenceTensor& reference, TestQuantization q = {});
  bool present() const { return dtype != DType::none; }
  double raw(index_t i) const { return stored_value(dtype, bytes.data(), static_cast<std::size_t>(i)); }
  double real(index_t i) const;
  ReferenceTensor reference() const;
};

}  // namespace lithe::test
