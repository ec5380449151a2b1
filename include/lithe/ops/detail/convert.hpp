// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "lithe/core/tensor.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/quantized.hpp"

/// Element-wise kernels widen a chunk of elements, compute, and narrow it again: one copy of the arithmetic
/// per wide type instead of one per dtype. Chunks start at multiples of 64 elements wherever a dtype is
/// narrower than a byte.
namespace lithe::inline v0::ops::detail {

inline constexpr index_t chunk = 64;

/// A floating-point format of at most 16 bits.
struct SmallFloat {
  std::uint8_t bits, mantissa_bits;
  std::int16_t bias;
  std::uint16_t max, infinity, nan;  ///< codes without sign; infinity 0: the format has none
  bool negative_zero;                ///< false ("fnuz"): the code of -0 is the only NaN
};

/// The format of a dtype of at most 16 bits, except f8e8m0, which has neither sign nor mantissa.
constexpr SmallFloat small_float(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return {16, 10, 15, 0x7BFF, 0x7C00, 0x7E00, true};
    case DType::bf16:
      return {16, 7, 127, 0x7F7F, 0x7F80, 0x7FC0, true};
    case DType::f8e4m3fn:
      return {8, 3, 7, 0x7E, 0, 0x7F, true};
    case DType::f8e4m3fnuz:
      return {8, 3, 8, 0x7F, 0, 0x80, false};
    case DType::f8e5m2:
      return {8, 2, 15, 0x7B, 0x7C, 0x7E, true};
    case DType::f8e5m2fnuz:
      return {8, 2, 16, 0x7F, 0, 0x80, false};
    default:
      return {4, 1, 1, 0x7, 0, 0x8, true};  // f4e2m1: neither NaN nor infinity; NaN becomes -0
  }
}

inline double decode(std::uint32_t code, const SmallFloat& format) {
  const std::uint32_t sign_bit = 1u << (format.bits - 1), magnitude = code & (sign_bit - 1);
  const bool negative = (code & sign_bit) != 0;
  if (!format.negative_zero && code == format.nan) return std::numeric_limits<double>::quiet_NaN();
  if (format.infinity != 0 && magnitude == format.infinity) return negative ? -HUGE_VAL : HUGE_VAL;
  if (magnitude > format.max) return std::numeric_limits<double>::quiet_NaN();
  const std::uint32_t exponent = magnitude >> format.mantissa_bits,
                      fraction = magnitude & ((1u << format.mantissa_bits) - 1);
  const std::uint32_t significand = exponent == 0 ? fraction : fraction | 1u << format.mantissa_bits;
  const int scale =
      static_cast<int>(std::max<std::uint32_t>(exponent, 1)) - format.bias - format.mantissa_bits;
  const double value = std::ldexp(static_cast<double>(significand), scale);
  return negative ? -value : value;
}

/// Rounds to nearest, ties to even. Beyond the largest number: that number if `saturate`, else infinity or
/// NaN.
inline std::uint32_t encode(double value, const SmallFloat& format, bool saturate) {
  const std::uint32_t sign = std::signbit(value) ? 1u << (format.bits - 1) : 0;
  if (std::isnan(value)) return format.negative_zero && format.bits > 4 ? sign | format.nan : format.nan;
  const std::uint32_t overflow = saturate || format.bits == 4 ? sign | format.max
                                 : format.infinity != 0       ? sign | format.infinity
                                 : format.negative_zero       ? sign | format.nan
                                                              : format.nan;
  const double magnitude = std::abs(value);
  if (std::isinf(magnitude)) return overflow;
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude in [2^(exponent - 1), 2^exponent)
  exponent = std::max(exponent - 1, 1 - format.bias);
  if (magnitude == 0) exponent = 1 - format.bias;
  if (exponent > format.bias + 1) return overflow;
  // The implicit bit carries into the exponent field, and so does rounding up to the next power of two.
  const double steps = std::nearbyint(std::ldexp(magnitude, format.mantissa_bits - exponent));
  const std::uint32_t code =
      (static_cast<std::uint32_t>(exponent + format.bias - 1) << format.mantissa_bits) +
      static_cast<std::uint32_t>(steps);
  if (code > format.max) return overflow;
  return code == 0 && !format.negative_zero ? 0 : sign | code;
}

/// The power of two that is not below |value| (ONNX's round_mode "up"); NaN and infinities give NaN.
inline std::uint32_t encode_f8e8m0(double value, bool saturate) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const std::uint32_t exponent = (bits >> 23) & 0xFF, fraction = bits & 0x7FFFFF;
  if (exponent == 0) return fraction > 0x400000 ? 1 : 0;  // subnormal: code 0 is 2^-127
  if (exponent == 0xFF || fraction == 0 || (saturate && exponent == 0xFE)) return exponent;
  return exponent + 1;
}

/// Element `i` of packed elements of `width` bits, at most 8.
inline std::uint32_t packed_bits(const void* data, index_t i, int width) {
  const std::uint32_t byte = static_cast<const std::uint8_t*>(data)[i * width / 8];
  return byte >> (i * width % 8) & ((1u << width) - 1);
}
/// Writes n packed elements from element `first` on, which must begin a byte; unused bits of the last byte
/// become 0.
template <class Code>
void store_packed(void* data, index_t first, index_t n, int width, Code code) {
  assert(first * width % 8 == 0);
  auto* bytes = static_cast<std::uint8_t*>(data) + first * width / 8;
  std::uint32_t byte = 0;
  for (index_t i = 0; i < n; ++i) {
    byte |= (static_cast<std::uint32_t>(code(i)) & ((1u << width) - 1)) << (i * width % 8);
    if ((i + 1) * width % 8 == 0 || i + 1 == n) {
      bytes[i * width / 8] = static_cast<std::uint8_t>(byte);
      byte = 0;
    }
  }
}

template <class From, class To>
const To* widen(const void* data, index_t first, index_t n, To* buffer) {
  const From* from = static_cast<const From*>(data) + first;
  if constexpr (std::is_same_v<From, To>) return from;
  for (index_t i = 0; i < n; ++i) buffer[i] = static_cast<To>(from[i]);
  return buffer;
}
template <class To, class From>
void narrow(void* data, index_t first, index_t n, const From* values) {
  To* to = static_cast<To*>(data) + first;
  for (index_t i = 0; i < n; ++i) to[i] = static_cast<To>(values[i]);
}

constexpr bool has_packed_integers(TypeSet types) {
  return types.has_one_of(DType::s4, DType::u4, DType::s2, DType::u2);
}

/// Reads n integers or bools (0 or 1) as a wider type; u64 keeps its bits. The result is `buffer`, or the
/// tensor itself where nothing has to be converted.
template <TypeSet types = every_type, class Wide>
[[gnu::noinline]] const Wide* load_integers(const TensorView& t, index_t first, index_t n, Wide* buffer) {
  const Wide* loaded = buffer;
  const auto load = [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>)
      for (index_t i = 0; i < n; ++i) buffer[i] = static_cast<const std::uint8_t*>(t.data)[first + i] != 0;
    else
      loaded = widen<std::conditional_t<sizeof(T) == 8, std::int64_t, T>>(t.data, first, n, buffer);
  };
  const bool whole =
      with_element_type<types, std::int64_t, std::uint64_t, std::int32_t, std::int16_t, std::int8_t,
                        std::uint32_t, std::uint16_t, std::uint8_t, bool>(t.dtype, load);
  if constexpr (has_packed_integers(types))
    if (!whole) {
      const int width = bits(t.dtype);
      const Wide sign = is_signed_integer(t.dtype) ? Wide{1} << (width - 1) : 0;
      for (index_t i = 0; i < n; ++i)
        buffer[i] = (static_cast<Wide>(packed_bits(t.data, first + i, width)) ^ sign) - sign;
    }
  return loaded;
}

/// Writes n integers: the low bits; to bool: whether the number is not 0.
template <TypeSet types = every_type, class Wide>
[[gnu::noinline]] void store_integers(const Tensor& t, index_t first, index_t n, const Wide* values) {
  const auto store = [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>)
      for (index_t i = 0; i < n; ++i) static_cast<std::uint8_t*>(t.data)[first + i] = values[i] != 0;
    else
      narrow<T>(t.data, first, n, values);
  };
  const bool whole =
      with_element_type<types, std::int64_t, std::uint64_t, std::int32_t, std::int16_t, std::int8_t,
                        std::uint32_t, std::uint16_t, std::uint8_t, bool>(t.dtype, store);
  if constexpr (has_packed_integers(types))
    if (!whole) store_packed(t.data, first, n, bits(t.dtype), [&](index_t i) { return values[i]; });
}

/// Reads n elements of f32, f16 or bf16, or of quantized s8 or u8 as the real numbers they stand for.
template <TypeSet types = every_type>
[[gnu::noinline]] const float* load_floats(const TensorView& t, index_t first, index_t n, float* buffer) {
  const float* loaded = buffer;
  (void)with_element_type<types, float, half, bfloat16, std::int8_t, std::uint8_t>(t.dtype, [&]<class T>() {
    if constexpr (!std::is_integral_v<T>) {
      loaded = widen<T>(t.data, first, n, buffer);
    } else {
      assert(quantized(t));
      const Affine affine(t.dtype, *t.quantization);
      for (index_t i = 0; i < n; ++i) buffer[i] = affine.real(static_cast<const T*>(t.data)[first + i]);
    }
  });
  return loaded;
}

/// Writes n real numbers to such a tensor; quantized integers are rounded to nearest even and saturate.
template <TypeSet types = every_type>
[[gnu::noinline]] void store_floats(const Tensor& t, index_t first, index_t n, const float* values) {
  (void)with_element_type<types, float, half, bfloat16, std::int8_t, std::uint8_t>(t.dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, float>) {
      std::memcpy(static_cast<float*>(t.data) + first, values, static_cast<std::size_t>(n) * sizeof(float));
    } else if constexpr (!std::is_integral_v<T>) {
      narrow<T>(t.data, first, n, values);
    } else {
      assert(quantized(t));
      const Affine affine(t.dtype, *t.quantization);
      const float inverse = 1 / affine.scale;
      T* to = static_cast<T*>(t.data) + first;
      for (index_t i = 0; i < n; ++i) to[i] = static_cast<T>(affine.stored(values[i], inverse));
    }
  });
}

/// Reads n elements of any dtype.
[[gnu::noinline]] inline const double* load_doubles(const TensorView& t, index_t first, index_t n,
                                                    double* buffer) {
  if (t.dtype == DType::f64) return widen<double>(t.data, first, n, buffer);
  if (t.dtype == DType::f32) return widen<float>(t.data, first, n, buffer);
  if (!is_float(t.dtype)) {
    std::int64_t integers[chunk];
    const std::int64_t* from = load_integers(t, first, n, integers);
    for (index_t i = 0; i < n; ++i)
      buffer[i] = t.dtype == DType::u64 ? static_cast<double>(static_cast<std::uint64_t>(from[i]))
                                        : static_cast<double>(from[i]);
    return buffer;
  }
  const int width = bits(t.dtype);
  const SmallFloat format = small_float(t.dtype);
  for (index_t i = 0; i < n; ++i) {
    const std::uint32_t code = width == 16 ? static_cast<const std::uint16_t*>(t.data)[first + i]
                                           : packed_bits(t.data, first + i, width);
    if (t.dtype != DType::f8e8m0)
      buffer[i] = decode(code, format);
    else
      buffer[i] = code == 0xFF ? std::numeric_limits<double>::quiet_NaN()
                               : std::ldexp(1.0, static_cast<int>(code) - 127);
  }
  return buffer;
}

/// Rounds towards zero to the integer of a type that is nearest; NaN gives 0.
template <class Integer>
Integer nearest(double v) {
  using Range = std::numeric_limits<Integer>;
  if (!(v > static_cast<double>(Range::min()))) return v != v ? Integer{} : Range::min();
  return v < static_cast<double>(Range::max()) ? static_cast<Integer>(v) : Range::max();
}

/// The same for a dtype.
inline std::int64_t nearest(double v, DType dtype) {
  if (dtype == DType::boolean) return v != 0;
  if (dtype == DType::u64) return static_cast<std::int64_t>(nearest<std::uint64_t>(v));
  if (dtype == DType::s64) return nearest<std::int64_t>(v);
  const int width = bits(dtype);
  const std::int64_t low = is_signed_integer(dtype) ? -(std::int64_t{1} << (width - 1)) : 0;
  return std::clamp(nearest<std::int64_t>(v), low, low + (std::int64_t{1} << width) - 1);
}

/// Writes n elements of any dtype. Floats become integers towards zero and saturate; NaN gives 0. `saturate` is for the
/// 8-bit floats.
[[gnu::noinline]] inline void store_doubles(const Tensor& t, index_t first, index_t n, const double* values,
                                            bool saturate = true) {
  if (t.dtype == DType::f64) {
    std::memcpy(static_cast<double*>(t.data) + first, values, static_cast<std::size_t>(n) * sizeof(double));
    return;
  }
  if (t.dtype == DType::f32) return narrow<float>(t.data, first, n, values);
  const int width = bits(t.dtype);
  if (!is_float(t.dtype)) {
    std::int64_t integers[chunk];
    for (index_t i = 0; i < n; ++i) integers[i] = nearest(values[i], t.dtype);
    return store_integers(t, first, n, integers);
  }
  const SmallFloat format = small_float(t.dtype);
  if (width == 16) {
    for (index_t i = 0; i < n; ++i)
      static_cast<std::uint16_t*>(t.data)[first + i] =
          static_cast<std::uint16_t>(encode(values[i], format, false));
    return;
  }
  const bool exponent_only = t.dtype == DType::f8e8m0;
  store_packed(t.data, first, n, width, [&](index_t i) {
    return exponent_only ? encode_f8e8m0(values[i], saturate) : encode(values[i], format, saturate);
  });
}

/// Reads one chunk as a wide type: float, double, int32 (for up to 16 bits), int64 or uint64. The result
/// points into the tensor where nothing has to be converted.
template <TypeSet types = every_type, class Wide>
const Wide* load(const TensorView& t, index_t first, index_t n, Wide* buffer) {
  using Signed = std::conditional_t<std::is_same_v<Wide, std::uint64_t>, std::int64_t, Wide>;
  if constexpr (std::is_same_v<Wide, float>)
    return load_floats<types>(t, first, n, buffer);
  else if constexpr (std::is_same_v<Wide, double>)
    return load_doubles(t, first, n, buffer);
  else
    return reinterpret_cast<const Wide*>(
        load_integers<types>(t, first, n, reinterpret_cast<Signed*>(buffer)));
}
template <TypeSet types = every_type, class Wide>
void store(const Tensor& t, index_t first, index_t n, const Wide* values) {
  if constexpr (std::is_same_v<Wide, float>)
    store_floats<types>(t, first, n, values);
  else if constexpr (std::is_same_v<Wide, double>)
    store_doubles(t, first, n, values);
  else
    store_integers<types>(t, first, n, reinterpret_cast<const std::int64_t*>(values));
}

}  // namespace lithe::inline v0::ops::detail
