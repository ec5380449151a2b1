// SPDX-License-Identifier: Apache-2.0
#include "tools/check/allowance.hpp"

#include <algorithm>
#include <cstddef>

namespace lithe::check {

namespace {

bool alike(const TensorView& a, const TensorView& b) { return a.dtype == b.dtype && a.shape == b.shape; }

}  // namespace

void Allowance::admit(double tolerance) { tolerance_ = std::max(tolerance_, tolerance); }

void Allowance::widen(const report::Difference& difference, const TensorView& drawn, const TensorView& wanted,
                      double step) {
  if (!alike(drawn, wanted)) return;
  admit(std::max(1.5 * difference.relative(), 1.001 * step / std::max(difference.scale, 1e-2)));
  if (difference.mismatch.empty()) return;
  const std::vector<bool> more = report::mismatches(drawn, wanted);
  elements_.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) elements_[i] = elements_[i] || more[i];
}

bool Allowance::covers(const TensorView& got, const TensorView& wanted) const {
  if (elements_.size() != static_cast<std::size_t>(got.elements()) || !alike(got, wanted)) return false;
  const std::vector<bool> found = report::mismatches(got, wanted);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i] && !elements_[i]) return false;
  return true;
}

}  // namespace lithe::check
