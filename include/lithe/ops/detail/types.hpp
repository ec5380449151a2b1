// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/core/half.hpp"
#include "lithe/core/status.hpp"
#include "lithe/core/tensor.hpp"

/// From a dtype to the type of its elements.
namespace lithe::inline v0::ops::detail {

/// Calls `f` with that of these element types that `dtype` means; Code::dtype where it means none of them.
template <class... Types, class F>
Status for_type(DType dtype, F f) {
  Status status{Code::dtype, "no kernel for this element type"};
  static_cast<void>(((dtype == dtype_of<Types> && (status = f.template operator()<Types>(), true)) || ...));
  return status;
}

/// The types with a fraction.
template <class F>
Status for_float_type(DType dtype, F f) {
  return for_type<float, half, bfloat16, double>(dtype, f);
}

/// The types of linear layers.
template <class F>
Status for_linear_type(DType dtype, F f) {
  return for_type<float, half, std::int8_t, std::uint8_t>(dtype, f);
}

/// The types of means.
template <class F>
Status for_mean_type(DType dtype, F f) {
  return for_type<float, half, double, std::int8_t, std::uint8_t>(dtype, f);
}

}  // namespace lithe::inline v0::ops::detail
