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
  Buffer buffer(static_cast<std::size_t>(bytes(dtype, count)));
  if (contents == Contents::zero) return buffer;
  const bool positive = contents == Contents::positive;
  const float factor = contents != Contents::large ? 1.0f : dtype == DType::f16 ? 10.0f : largest;
  for (std::size_t i = 0; i < count; ++i) {
    const float drawn = random.uniform() * factor;
    const float v = positive ? std::fabs(drawn) + 0.05f : drawn;
    const auto number = static_cast<std::int64_t>(random.bits());
    const std::int64_t small = positive ? 1 + number % 2 : number % (contents == Contents::large ? 100 : 10);
    switch (dtype) {
      case DType::f32:
        put(buffer, i, v);
        break;
      case DType::f64:
        put(buffer, i, static_cast<double>(v));
        break;
      case DType::f16:
        put(buffer, i, half(v));
        break;
      case DType::bf16:
        put(buffer, i, bfloat16(v));
        break;
      case DType::boolean:
        put(buffer, i, static_cast<std::uint8_t>(small & 1));
        break;
      case DType::s8:
      case DType::u8:
        put(buffer, i, static_cast<std::uint8_t>(random.bits() >> 8));
        break;
      case DType::s16:
      case DType::u16:
        put(buffer, i, static_cast<std::uint16_t>(small));
        break;
      case DType::s32:
      case DType::u32:
        put(buffer, i, static_cast<std::uint32_t>(small));
        break;
      case DType::s64:
      case DType::u64:
        put(buffer, i, small);
        break;
      default:
        buffer[i * static_cast<std::size_t>(bits(dtype)) / 8] = static_cast<std::byte>(random.bits() & 0x33);
        break;
    }
  }
  return buffer;
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

Buffer moved(const Buffer& from, DType dtype, double step, Random& random) {
  Buffer to = from;
  for (std::size_t i = 0; step != 0 && i < from.size() / static_cast<std::size_t>(element_bytes(dtype));
       ++i) {
    const float by = random.uniform() * static_cast<float>(step);
    if (dtype == DType::f32) {
      float v = 0;
      std::memcpy(&v, from.data() + i * 4, 4);
      put(to, i, v + by);
    } else if (is_integer(dtype)) {
      const auto v = static_cast<std::uint8_t>(from[i]);
      const int wanted = static_cast<int>(v) + (by > 0.33f ? 1 : by < -0.33f ? -1 : 0);
      if (wanted >= 0 && wanted <= 255 && !(dtype == DType::s8 && (v == 127 || v == 128)))
        put(to, i, static_cast<std::uint8_t>(wanted));
    }
  }
  return to;
}

}  // namespace lithe::check
