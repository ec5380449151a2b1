// SPDX-License-Identifier: Apache-2.0
#include "tools/check/inputs.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "lithe/core/half.hpp"

namespace lithe::check {

namespace {

template <class T>
void put(Buffer& buffer, std::size_t i, T value) {
  std::memcpy(buffer.data() + i * sizeof(T), &value, sizeof(T));
}

/// Whether the numbers of contents_of can be stored as such.
bool holds_numbers(DType dtype) {
  return element_bytes(dtype) != 0 && !(is_float(dtype) && bits(dtype) == 8);
}

/// Small elements of a type that is packed or an 8-bit float.
Buffer codes(DType dtype, std::size_t count, Random& random) {
  Buffer buffer(static_cast<std::size_t>(bytes(dtype, count)));
  for (std::byte& b : buffer) b = static_cast<std::byte>(random.bits() & 0x33);
  return buffer;
}

}  // namespace

const char* name(Contents contents) {
  switch (contents) {
    case Contents::random:
      return "random";
    case Contents::positive:
      return "positive";
    case Contents::zero:
      return "zero";
    default:
      return "large";
  }
}

Buffer make_contents(DType dtype, const Shape& shape, Contents contents, Random& random) {
  const auto count = static_cast<std::size_t>(shape.elements());
  if (contents == Contents::zero) return Buffer(static_cast<std::size_t>(bytes(dtype, count)));
  if (!holds_numbers(dtype)) return codes(dtype, count, random);
  const bool positive = contents == Contents::positive, large = contents == Contents::large;
  const float factor = !large ? 1.0F : dtype == DType::f16 ? 10.0F : largest;
  std::vector<double> numbers(count);
  for (double& number : numbers) {
    const float drawn = random.uniform() * factor;
    const auto whole = static_cast<int>(random.bits() % (positive ? 2 : large ? 100 : 10));
    if (is_float(dtype))
      number = static_cast<double>(positive ? std::fabs(drawn) + 0.05F : drawn);
    else if (dtype == DType::boolean)
      number = whole & 1;
    else if (bits(dtype) == 8)
      number = static_cast<int>(random.bits() >> 8 & 0xFF) - (dtype == DType::s8 ? 128 : 0);
    else
      number = positive ? 1 + whole : whole;
  }
  return contents_of(numbers, dtype);
}

Buffer contents_of(std::span<const double> numbers, DType dtype) {
  Buffer buffer(static_cast<std::size_t>(bytes(dtype, numbers.size())));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double v = numbers[i];
    const auto integer = static_cast<std::int64_t>(std::llround(std::clamp(v, -0x1p62, 0x1p62)));
    switch (dtype) {
      case DType::f32:
        put(buffer, i, static_cast<float>(v));
        break;
      case DType::f64:
        put(buffer, i, v);
        break;
      case DType::f16:
        put(buffer, i, half(static_cast<float>(v)));
        break;
      case DType::bf16:
        put(buffer, i, bfloat16(static_cast<float>(v)));
        break;
      case DType::boolean:
        put(buffer, i, static_cast<std::uint8_t>(v != 0));
        break;
      case DType::s8:
        put(buffer, i, static_cast<std::int8_t>(std::clamp<std::int64_t>(integer, -128, 127)));
        break;
      case DType::u8:
        put(buffer, i, static_cast<std::uint8_t>(std::clamp<std::int64_t>(integer, 0, 255)));
        break;
      case DType::s16:
      case DType::u16:
        put(buffer, i, static_cast<std::uint16_t>(integer));
        break;
      case DType::s32:
      case DType::u32:
        put(buffer, i, static_cast<std::uint32_t>(integer));
        break;
      case DType::s64:
      case DType::u64:
        put(buffer, i, integer);
        break;
      default:  // packed and 8-bit floats keep their zeros
        break;
    }
  }
  return buffer;
}

}  // namespace lithe::check
