// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>

#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"

/// How GoogleTest shows our types; found by argument-dependent lookup.
namespace lithe::inline v0 {

inline void PrintTo(const Shape& shape, std::ostream* out) {
  *out << '[';
  for (int i = 0; i < shape.rank(); ++i) *out << (i == 0 ? "" : ", ") << shape[i];
  *out << ']' << (shape.valid() ? "" : " (invalid)");
}
inline void PrintTo(Code code, std::ostream* out) { *out << "Code: " << name(code); }
inline void PrintTo(DType dtype, std::ostream* out) { *out << name(dtype); }
inline void PrintTo(const Status& status, std::ostream* out) {
  *out << name(status.code()) << ": " << status.text();
}

}  // namespace lithe::inline v0
