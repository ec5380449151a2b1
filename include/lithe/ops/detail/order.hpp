// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lithe::inline v0::ops::detail {

/// A total order of numbers: NaN is above all others and equal to itself; -0 equals 0.
template <class T>
bool ordered_before(T a, T b) {
  return a < b || (b != b && a == a);
}

}  // namespace lithe::inline v0::ops::detail
