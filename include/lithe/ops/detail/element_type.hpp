// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "lithe/core/kernel.hpp"

namespace lithe::inline v0::ops::detail {

/// Calls f.template operator()<T>() with the element type `dtype` if it is one of `Ts` and the set has it;
/// else returns false. No code comes of types that the set has not.
template <TypeSet types, class... Ts, class F>
bool with_element_type(DType dtype, F f) {
  const auto called = [&]<class T>(std::type_identity<T>) {
    if constexpr (types.has(dtype_of<T>))
      if (dtype == dtype_of<T>) return f.template operator()<T>(), true;
    return false;
  };
  return (called(std::type_identity<Ts>()) || ...);
}

/// The same where `f` returns a Status; Code::dtype for other types.
template <TypeSet types, class... Ts, class F>
Status for_element_type(DType dtype, F f) {
  Status status{Code::dtype, "no kernel for this element type"};
  (void)with_element_type<types, Ts...>(dtype, [&]<class T>() { status = f.template operator()<T>(); });
  return status;
}
/// The types with a fraction.
template <TypeSet types = every_type, class F>
Status for_float_type(DType dtype, F f) {
  return for_element_type<types, float, half, bfloat16, double>(dtype, f);
}
template <TypeSet types = every_type, class F>
Status for_quantized_type(DType dtype, F f) {
  return for_element_type<types, std::int8_t, std::uint8_t>(dtype, f);
}
/// The types of linear layers.
template <TypeSet types = every_type, class F>
Status for_linear_type(DType dtype, F f) {
  return for_element_type<types, float, half, std::int8_t, std::uint8_t>(dtype, f);
}
/// The types of pools and means.
template <TypeSet types = every_type, class F>
Status for_pooled_type(DType dtype, F f) {
  return for_element_type<types, float, half, double, std::int8_t, std::uint8_t>(dtype, f);
}

}  // namespace lithe::inline v0::ops::detail
