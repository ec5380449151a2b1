// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"

namespace lithe::inline v0::ops::detail {

/// Checks epsilon.
/// Errors: Code::invalid_model unless it is finite and not negative.
inline Status check_epsilon(float epsilon) {
  if (std::isfinite(epsilon) && epsilon >= 0) return {};
  return {Code::invalid_model, "epsilon is negative or not finite"};
}

/// Checks that input `i`, if present, has the shape of input 0's axes from `axis` on; ones may stand before
/// it.
/// Errors: Code::shape.
inline Status check_trailing(const InferContext& context, int i, int axis) {
  if (!context.has(i)) return {};
  const Shape &input = context.shape(0), &given = context.shape(i);
  bool fits = given.rank() <= input.rank();
  for (int a = 0; fits && a < input.rank(); ++a) {
    const int at = a - (input.rank() - given.rank());
    fits = (at < 0 ? 1 : given[at]) == (a < axis ? 1 : input[a]);
  }
  return fits ? Status{} : Status{Code::shape, "scale and bias must have the shape of the normalized axes"};
}

/// The sum of f(i) for i in [0, n). Compilers keep its eight partial sums in registers and vectorize them
/// without reassociating.
template <class Acc, class F>
Acc lane_sum(index_t n, F f) {
  constexpr index_t lanes = 8;
  Acc sums[lanes] = {};
  index_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (index_t l = 0; l < lanes; ++l) sums[l] += f(i + l);
  for (index_t l = 0; i + l < n; ++l) sums[l] += f(i + l);
  for (index_t width = lanes / 2; width > 0; width /= 2)
    for (index_t l = 0; l < width; ++l) sums[l] += sums[l + width];
  return sums[0];
}

/// The elements of an optional input; null where it is absent.
template <class T>
const T* optional_data(const RunContext& context, int i) {
  return context.has(i) ? static_cast<const T*>(context.input(i).data) : nullptr;
}

}  // namespace lithe::inline v0::ops::detail
