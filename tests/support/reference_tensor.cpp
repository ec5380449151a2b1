// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reference_tensor.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

namespace lithe::test {
namespace {

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

}  // namespace

double stored_value(DType dtype, const std::byte* data, std::size_t i) {
  switch (dtype) {
    case DType::f32:
      return load<float>(data, i);
    case DType::f16:
      return load<half>(data, i);
    case DType::bf16:
      return load<bfloat16>(data, i);
    case DType::f64:
      return load<double>(data, i);
    case DType::s8:
      return load<std::int8_t>(data, i);
    case DType::s16:
      return load<std::int16_t>(data, i);
    case DType::s32:
      return load<std::int32_t>(data, i);
    case DType::s64:
      return load<std::int64_t>(data, i);
    case DType::u8:
    case DType::boolean:
      return load<std::uint8_t>(data, i);
    case DType::u16:
      return load<std::uint16_t>(data, i);
    case DType::u32:
      return load<std::uint32_t>(data, i);
    case DType::u64:
      return load<std::uint64_t>(data, i);
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

void store_value(DType dtype, std::byte* data, std::size_t i, double value) {
  const auto saturated = [&] { return std::clamp(std::nearbyint(value), lowest(dtype), highest(dtype)); };
  switch (dtype) {
    case DType::f32:
      return store(data, i, static_cast<float>(value));
    case DType::f16:
      return store(data, i, half(static_cast<float>(value)));
    case DType::bf16:
      return store(data, i, bfloat16(static_cast<float>(value)));
    case DType::f64:
      return store(data, i, value);
    case DType::s8:
      return store(data, i, static_cast<std::int8_t>(saturated()));
    case DType::s16:
      return store(data, i, static_cast<std::int16_t>(saturated()));
    case DType::s32:
      return store(data, i, static_cast<std::int32_t>(saturated()));
    case DType::s64:
      return store(data, i, static_cast<std::int64_t>(std::nearbyint(value)));
    case DType::u8:
      return store(data, i, static_cast<std::uint8_t>(saturated()));
    case DType::boolean:
      return store(data, i, static_cast<std::uint8_t>(value != 0));
    case DType::u16:
      return store(data, i, static_cast<std::uint16_t>(saturated()));
    case DType::u32:
      return store(data, i, static_cast<std::uint32_t>(saturated()));
    case DType::u64:
      return store(data, i, static_cast<std::uint64_t>(std::nearbyint(value)));
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

StoredTensor::StoredTensor(DType type, const ReferenceTensor& reference, TestQuantization q)
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

double StoredTensor::real(index_t i) const {
  if (!quantization.active()) return raw(i);
  const std::size_t s = quantization.index(shape, i);
  return (raw(i) - quantization.zero_point[s]) * static_cast<double>(quantization.scale[s]);
}

ReferenceTensor StoredTensor::reference() const {
  ReferenceTensor result(shape);
  result.dtype = dtype;
  for (index_t i = 0; i < shape.elements(); ++i) result[i] = real(i);
  return result;
}

}  // namespace lithe::test
