// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "lithe/core/dtype.hpp"
#include "lithe/core/half.hpp"
#include "lithe/core/status.hpp"
#include "lithe/core/tensor.hpp"

namespace lithe::inline v0::ops::detail {

/// Calls f.template operator()<T>() with the element type T of `dtype` if `Ts` and the set have it; else
/// returns false. Types that the set does not have cost no code.
template <TypeSet types, class... Ts, class F>
bool with_element_type(DType dtype, F f) {
  const auto called = [&]<class T>(std::type_identity<T>) {
    if constexpr (types.has(dtype_of<T>)) {
      if (dtype == dtype_of<T>) {
        f.template operator()<T>();
        return true;
      }
    }
    return false;
  };
  return (called(std::type_identity<Ts>()) || ...);
}

/// The Status that f() returns; ok where f returns nothing.
template <class F>
Status status_of(F f) {
  if constexpr (std::is_void_v<decltype(f())>) {
    f();
    return {};
  } else {
    return f();
  }
}

/// Calls f as with_element_type does, where f returns a Status or nothing.
/// Errors: Code::dtype for other types; those of f.
template <TypeSet types, class... Ts, class F>
Status for_element_type(DType dtype, F f) {
  Status status{Code::dtype, "no kernel for this element type"};
  (void)with_element_type<types, Ts...>(
      dtype, [&]<class T>() { status = status_of([&] { return f.template operator()<T>(); }); });
  return status;
}

/// for_element_type over the types with a fraction.
template <TypeSet types = every_type, class F>
Status for_float_type(DType dtype, F f) {
  return for_element_type<types, float, half, bfloat16, double>(dtype, f);
}
/// for_element_type over the types of quantized activations.
template <TypeSet types = every_type, class F>
Status for_quantized_type(DType dtype, F f) {
  return for_element_type<types, std::int8_t, std::uint8_t>(dtype, f);
}
/// for_element_type over the types of linear layers.
template <TypeSet types = every_type, class F>
Status for_linear_type(DType dtype, F f) {
  return for_element_type<types, float, half, std::int8_t, std::uint8_t>(dtype, f);
}
/// for_element_type over the types of pools and means.
template <TypeSet types = every_type, class F>
Status for_pooled_type(DType dtype, F f) {
  return for_element_type<types, float, half, double, std::int8_t, std::uint8_t>(dtype, f);
}

}  // namespace lithe::inline v0::ops::detail
