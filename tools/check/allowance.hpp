// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "lithe/core/tensor.hpp"
#include "tools/report/difference.hpp"

namespace lithe::check {

/// What rounding alone may do to an output, learnt from draws of what it does to the reference.
class Allowance {
 public:
  /// Outputs that are as far from the reference as `tolerance` says are right.
  void admit(double tolerance);
  /// Outputs may be 1.5 times as far from `wanted` as `drawn`, at least a `step` of quantization, and
  /// mismatch where `drawn` does. `difference` is the distance of `drawn` from `wanted`; tensors of another
  /// type or shape teach nothing.
  void widen(const report::Difference& difference, const TensorView& drawn, const TensorView& wanted,
             double step);

  double tolerance() const { return tolerance_; }
  /// Whether all elements of `got` that mismatch `wanted` may.
  bool covers(const TensorView& got, const TensorView& wanted) const;

 private:
  double tolerance_ = 0;
  std::vector<bool> elements_;  ///< which elements may mismatch; empty: none
};

}  // namespace lithe::check
