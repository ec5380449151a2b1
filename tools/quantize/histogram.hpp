// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lithe::quantize {

/// How often values occur, in bins of equal width on both sides of zero. The width doubles when larger values
/// come. Zeros are counted apart, because they are stored exactly whatever the range.
class Histogram {
 public:
  static constexpr int side = 2048;  ///< bins of each sign

  /// Counts finite values in bins, and others in `not_finite`.
  void add(std::span<const float> values);

  /// The count of bin b in [-side, side): values in [b, b + 1) * width, without zeros.
  std::uint64_t count(int b) const {
    return counts_.empty() ? 0 : counts_[static_cast<std::size_t>(std::ptrdiff_t{b} + side)];
  }
  double width() const { return width_; }
  double center(int b) const { return (b + 0.5) * width_; }
  float low() const { return low_; }    ///< smallest value, at most 0
  float high() const { return high_; }  ///< largest value, at least 0
  std::uint64_t zeros() const { return zeros_; }
  std::uint64_t values() const { return values_; }  ///< all finite ones, zeros too
  std::uint64_t not_finite() const { return not_finite_; }
  /// The smallest limit that `part` of all magnitudes do not exceed, as exact as the bins are.
  double magnitude(double part) const;

 private:
  void make_room(float largest);

  std::vector<std::uint64_t> counts_;
  double width_ = 0;
  float low_ = 0, high_ = 0;
  std::uint64_t zeros_ = 0, values_ = 0, not_finite_ = 0;
};

}  // namespace lithe::quantize
