// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace lithe::inline v0 {

/// Element types; the numbers are those of the file (schema/lithe.fbs) and never change.
/// Sub-byte types are packed, first element in the low bits. `boolean` is one byte, 0 or 1.
// clang-format off
enum class DType : std::uint8_t {
  none = 0,
  f32 = 1, f16 = 2, bf16 = 3, f64 = 4,
  s8 = 5, s16 = 6, s32 = 7, s64 = 8,
  u8 = 9, u16 = 10, u32 = 11, u64 = 12,
  boolean = 13,
  s4 = 14, u4 = 15, s2 = 16, u2 = 17,
  f8e4m3fn = 18, f8e4m3fnuz = 19, f8e5m2 = 20, f8e5m2fnuz = 21, f8e8m0 = 22, f4e2m1 = 23,
  any = 255,         ///< only in type rows: every dtype, the same one wherever the row says `any`
  any_output = 254,  ///< only in type rows: whatever dtype the file declares for this value
};
// clang-format on

inline constexpr int dtype_count = 24;

namespace detail {
struct DTypeFacts {
  const char* name;
  std::uint8_t bits;
};
inline constexpr DTypeFacts dtype_facts[dtype_count] = {
    {"none", 0},     {"f32", 32},       {"f16", 16},   {"bf16", 16},      {"f64", 64},   {"s8", 8},
    {"s16", 16},     {"s32", 32},       {"s64", 64},   {"u8", 8},         {"u16", 16},   {"u32", 32},
    {"u64", 64},     {"bool", 8},       {"s4", 4},     {"u4", 4},         {"s2", 2},     {"u2", 2},
    {"f8e4m3fn", 8}, {"f8e4m3fnuz", 8}, {"f8e5m2", 8}, {"f8e5m2fnuz", 8}, {"f8e8m0", 8}, {"f4e2m1", 4}};
}  // namespace detail

constexpr bool known(DType dtype) { return dtype != DType::none && static_cast<int>(dtype) < dtype_count; }
constexpr const char* name(DType dtype) {
  return static_cast<int>(dtype) < dtype_count ? detail::dtype_facts[static_cast<int>(dtype)].name : "any";
}
constexpr int bits(DType dtype) {
  return static_cast<int>(dtype) < dtype_count ? detail::dtype_facts[static_cast<int>(dtype)].bits : 0;
}
/// Bytes of one element; 0 for sub-byte types, which exist only as whole tensors.
constexpr int element_bytes(DType dtype) { return bits(dtype) / 8; }
/// Bytes of `count` elements, packed. `count` must already be bounded (see Shape::checked_bytes).
constexpr std::uint64_t bytes(DType dtype, std::uint64_t count) {
  const auto width = static_cast<std::uint64_t>(bits(dtype));
  return width >= 8 ? count * (width / 8) : (count * width + 7) / 8;
}
constexpr bool is_float(DType d) { return (d >= DType::f32 && d <= DType::f64) || d >= DType::f8e4m3fn; }
constexpr bool is_signed_integer(DType d) {
  return (d >= DType::s8 && d <= DType::s64) || d == DType::s4 || d == DType::s2;
}
constexpr bool is_unsigned_integer(DType d) {
  return (d >= DType::u8 && d <= DType::u64) || d == DType::u4 || d == DType::u2;
}
constexpr bool is_integer(DType d) { return is_signed_integer(d) || is_unsigned_integer(d); }
constexpr DType dtype_from_name(std::string_view text) {
  for (int i = 1; i < dtype_count; ++i)
    if (text == detail::dtype_facts[i].name) return static_cast<DType>(i);
  return DType::none;
}

/// The element types that a kernel is compiled for: a template argument of its `run` (core/kernel.hpp). s8
/// and u8 mean quantized tensors; plain 8-bit integers belong to `every_type` only.
struct TypeSet {
  std::uint32_t bits = 0;

  constexpr bool has(DType d) const { return (bits >> static_cast<int>(d) & 1u) != 0; }
  constexpr bool has_plain_bytes() const { return (bits >> dtype_count & 1u) != 0; }
  template <class... Types>
  constexpr bool has_one_of(Types... d) const {
    return (has(d) || ...);
  }
  template <class... Types>
  constexpr TypeSet without(Types... d) const {
    return {bits & ~((1u << static_cast<int>(d)) | ...)};
  }
};
template <class... Types>
constexpr TypeSet type_set(Types... d) {
  return {((1u << static_cast<int>(d)) | ...)};
}
inline constexpr TypeSet every_type{(2u << dtype_count) - 1};

}  // namespace lithe::inline v0
