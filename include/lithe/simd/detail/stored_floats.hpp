// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "lithe/core/dtype.hpp"
#include "lithe/core/half.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd::detail {

/// Vectors of floats that lie in memory as f32, or as f16 where the instruction set converts them. T is float or half.
template <class Isa>
struct StoredFloats {
  using Floats = Vector<float, Isa::bytes>;
  static constexpr index_t lanes = Isa::bytes / sizeof(float);
  static constexpr bool has_halves =
      requires(Floats& floats, half* halves) { Isa::load_halves(floats, halves); };

  static constexpr bool holds(DType dtype) {
    return dtype == DType::f32 || (dtype == DType::f16 && has_halves);
  }
  /// Calls run<T>() with the type of a dtype that `holds`.
  template <class Run>
  static void for_type(DType dtype, const Run& run) {
    if constexpr (has_halves)
      if (dtype == DType::f16) return run.template operator()<half>();
    run.template operator()<float>();
  }

  template <class T>
  [[gnu::always_inline]] static void load(Floats& to, const T* from) {
    if constexpr (sizeof(T) == sizeof(float))
      detail::load(to, from);
    else
      Isa::load_halves(to, from);
  }
  template <class T>
  [[gnu::always_inline]] static void store(T* to, const Floats& from) {
    if constexpr (sizeof(T) == sizeof(float))
      detail::store(to, from);
    else
      Isa::store_halves(to, from);
  }

  /// The first `count` lanes, which are fewer than all; loading leaves the others as they are.
  template <class T>
  [[gnu::always_inline]] static void load_first(Floats& to, const T* from, index_t count) {
    if constexpr (sizeof(T) == sizeof(float)) {
      std::memcpy(&to, from, static_cast<std::size_t>(count) * sizeof(T));
    } else {
      float part[lanes];
      detail::store(part, to);
      std::copy_n(from, count, part);
      detail::load(to, part);
    }
  }
  template <class T>
  [[gnu::always_inline]] static void store_first(T* to, const Floats& from, index_t count) {
    if constexpr (sizeof(T) == sizeof(float)) {
      std::memcpy(to, &from, static_cast<std::size_t>(count) * sizeof(T));
    } else {
      T part[lanes];
      store(part, from);
      std::copy_n(part, count, to);
    }
  }
};

}  // namespace lithe::inline v0::simd::detail
