// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/runtime/inspect.hpp"
#include "lithe/runtime/observer.hpp"
#include "tools/check/random.hpp"

namespace lithe::check {

inline constexpr float few_ulps = 0x1p-20F;             ///< what another kernel's f32 element may be off by
inline constexpr float half_rounding_error = 0x1p-11F;  ///< in a number stored as f16, relative to it

/// Makes a session round as other kernels might. Whatever a node computes in floating point is off by up to `by`
/// of itself, where the order of a sum decides by up to `by` of the tensor's largest |value|, each element on its
/// own; what is below the smallest normal number becomes 0. Of the numbers that a node quantizes to, so many are
/// off by one step as if all had been rounded once more, at another place: those at the ends of their type stay.
class Rounding {
 public:
  Rounding(float by, Random& random) : by_(by), random_(random) {}
  /// Valid as long as this object, which must not be moved.
  const RunObserver* observer() const { return &observer_; }

 private:
  static void after(void* self, const runtime::NodeView& node, const Strip* strip);

  float by_;
  Random& random_;
  RunObserver observer_{nullptr, after, this};
};

}  // namespace lithe::check
