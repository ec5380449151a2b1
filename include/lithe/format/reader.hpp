// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lithe/core/dtype.hpp"
#include "lithe/core/fields.hpp"
#include "lithe/format/lithe_generated.h"

namespace lithe::inline v0 {

inline constexpr std::uint16_t format_version = 1;
/// Buffers start at multiples of this, and so does the data segment.
inline constexpr std::size_t buffer_alignment = 64;
/// A segment larger than this starts on a page of its own.
inline constexpr std::size_t page_alignment = 4096, small_segment = 64 * 1024;
/// Zero bytes after the last buffer: kernels may read a little past their weights, without using it.
inline constexpr std::size_t segment_slack = 64;

static_assert(static_cast<int>(format::DType::f4e2m1) == static_cast<int>(DType::f4e2m1) &&
              static_cast<int>(format::DType::boolean) == static_cast<int>(DType::boolean));

inline DType dtype_of_value(const format::Value& value) { return static_cast<DType>(value.dtype()); }

template <class T>
std::size_t count(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}
inline std::string_view text(const flatbuffers::String* string) {
  return string == nullptr ? std::string_view() : std::string_view(string->c_str(), string->size());
}
/// The numbers of a vector, where they lie: files and processors are little-endian, and the verifier has
/// checked the alignment.
template <class T>
std::span<const T> numbers(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? std::span<const T>() : std::span<const T>(vector->data(), vector->size());
}

/// The number of the symbol that a dimension of a file or of the converter's graph stands for (-2 is symbol 0,
/// -3 symbol 1, ...), or -1: the dimension is fixed or unknown.
constexpr std::int64_t symbol_of(std::int64_t dim) { return dim <= -2 ? -2 - dim : -1; }
/// The dimension that stands for symbol number `symbol`; symbol_of gives it back.
constexpr std::int64_t dim_of_symbol(std::int64_t symbol) { return -2 - symbol; }

/// Yields a node's attributes to an AttributeReader.
struct NodeAttributes {
  const format::Node* node;
  std::size_t index = 0;

  bool next(std::string_view& name, AttributeData& data) {
    if (index >= count(node->attributes())) return false;
    const format::Attribute* a = node->attributes()->Get(static_cast<flatbuffers::uoffset_t>(index++));
    name = text(a->name());
    data = {numbers(a->ints()), numbers(a->floats()), text(a->text())};
    return true;
  }
};

}  // namespace lithe::inline v0
