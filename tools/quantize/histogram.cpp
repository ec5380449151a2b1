// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace lithe::quantize {

namespace {

std::size_t at(int b) { return static_cast<std::size_t>(b) + Histogram::side; }

}  // namespace

void Histogram::make_room(float largest) {
  if (counts_.empty()) {
    counts_.resize(2 * side);
    width_ = std::ldexp(1.0, std::ilogb(largest) + 1) / side;
  }
  for (; static_cast<double>(largest) >= width_ * side; width_ *= 2) {
    for (int b = 0; b < side; ++b) {
      const bool inner = b < side / 2;
      counts_[at(b)] = inner ? counts_[at(2 * b)] + counts_[at(2 * b + 1)] : 0;
      counts_[at(-1 - b)] = inner ? counts_[at(-1 - 2 * b)] + counts_[at(-2 - 2 * b)] : 0;
    }
  }
}

void Histogram::add(std::span<const float> values) {
  float low = 0, high = 0;
  for (float v : values) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  low_ = std::min(low_, low);
  high_ = std::max(high_, high);
  const float largest = std::max(-low, high);
  if (largest > 0) make_room(largest);
  const double bins_per_unit = width_ > 0 ? 1 / width_ : 0;
  for (float v : values) {
    if (!std::isfinite(v)) {
      ++not_finite_;
      continue;
    }
    ++values_;
    if (v == 0)
      ++zeros_;
    else
      ++counts_[at(
          std::clamp(static_cast<int>(std::floor(static_cast<double>(v) * bins_per_unit)), -side, side - 1))];
  }
}

double Histogram::magnitude(double part) const {
  const double wanted = part * static_cast<double>(values_);
  double seen = static_cast<double>(zeros_);
  for (int b = 0; b < side && width_ > 0; ++b) {
    if (seen >= wanted) return b * width_;
    seen += static_cast<double>(count(b) + count(-1 - b));
  }
  return static_cast<double>(std::max(-low_, high_));
}

}  // namespace lithe::quantize
