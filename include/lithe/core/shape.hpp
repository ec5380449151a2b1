// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>

#include "lithe/core/dtype.hpp"

namespace lithe::inline v0 {

using index_t = std::ptrdiff_t;
inline constexpr int max_rank = 8;

/// Up to eight dimensions. A dimension that does not fit index_t is kept as -1, so that `valid()` refuses it
/// later: shape inference may compute in 64 bits and push without checking each step.
class Shape {
 public:
  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<std::int64_t> dims) {
    for (std::int64_t d : dims) push_back(d);
  }
  constexpr explicit Shape(std::span<const std::int64_t> dims) {
    for (std::int64_t d : dims) push_back(d);
  }
  /// A shape of `rank` dimensions that are all `fill`.
  static constexpr Shape of_rank(int rank, index_t fill = 1) {
    Shape s;
    for (int i = 0; i < rank; ++i) s.push_back(fill);
    return s;
  }

  constexpr void push_back(std::int64_t dim) {
    if (rank_ == max_rank) {
      overflow_ = true;
      return;
    }
    const bool fits = dim >= 0 && dim <= static_cast<std::int64_t>(std::numeric_limits<std::int32_t>::max());
    dims_[static_cast<std::size_t>(rank_++)] = fits ? static_cast<index_t>(dim) : -1;
  }
  constexpr int rank() const { return rank_; }
  constexpr index_t operator[](int axis) const {
    assert(axis >= 0 && axis < rank_);
    return dims_[static_cast<std::size_t>(axis)];
  }
  constexpr index_t& operator[](int axis) {
    assert(axis >= 0 && axis < rank_);
    return dims_[static_cast<std::size_t>(axis)];
  }
  constexpr index_t back() const { return rank_ == 0 ? 1 : dims_[static_cast<std::size_t>(rank_ - 1)]; }
  constexpr std::span<const index_t> dims() const { return {dims_.data(), static_cast<std::size_t>(rank_)}; }

  /// Whether every dimension lies in [0, 2^31) and the rank is at most 8.
  constexpr bool valid() const {
    for (index_t d : dims())
      if (d < 0) return false;
    return !overflow_;
  }
  /// The product of all dimensions; 1 for a scalar. Only meaningful for a shape that passed checked_bytes.
  constexpr index_t elements() const { return product(0, rank_); }
  /// The product of dimensions [first, last).
  constexpr index_t product(int first, int last) const {
    index_t n = 1;
    for (int i = first; i < last; ++i) n *= dims_[static_cast<std::size_t>(i)];
    return n;
  }
  /// Dimensions [first, last) as one: their product, or -1 where it does not fit a dimension; pushing that
  /// makes a shape invalid.
  constexpr std::int64_t joined(int first, int last) const {
    std::int64_t n = 1;
    for (int i = first; i < last && n >= 0; ++i) {
      n *= dims_[static_cast<std::size_t>(i)];
      if (n > std::numeric_limits<std::int32_t>::max()) n = -1;
    }
    return n;
  }
  /// The product of all dimensions but the last.
  constexpr index_t rows() const { return product(0, rank_ > 0 ? rank_ - 1 : 0); }

  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_ || a.overflow_ != b.overflow_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

  /// Computes the bytes of a packed tensor of this shape. False where the shape is invalid, larger than
  /// `limit` bytes or beyond the address space. Where it is true, the product of any of the dimensions fits
  /// index_t.
  constexpr bool checked_bytes(DType dtype, std::uint64_t limit, std::uint64_t& result) const {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<index_t>::max());
    if (!valid()) return false;
    std::uint64_t count = 1;
    bool empty = false;
    for (index_t d : dims()) {
      if (d == 0) {
        empty = true;
        continue;
      }
      const auto factor = static_cast<std::uint64_t>(d);
      if ((count >> 32) * factor >> 27 != 0) return false;  // d is below 2^31: the product does not overflow
      count *= factor;
      if (count >> 59 != 0) return false;
    }
    // A zero dimension must not hide an absurd product of the others: kernels multiply prefixes.
    result = bytes(dtype, empty ? 0 : count);
    return count <= most && bytes(dtype, count) <= std::min(limit, most);
  }

 private:
  std::array<index_t, max_rank> dims_{};
  int rank_ = 0;
  bool overflow_ = false;
};

/// An axis as a place in [0, rank): negative ones count from the back, as in ONNX. Returns -1 outside [-rank,
/// rank).
constexpr int normalize_axis(std::int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) return -1;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

/// At most 64 integers, from an attribute or from an input whose contents decide a shape.
class IntList {
 public:
  static constexpr int capacity = 64;
  constexpr IntList() = default;
  constexpr IntList(std::initializer_list<std::int64_t> values) {
    for (auto v : values) push_back(v);
  }
  constexpr void push_back(std::int64_t v) {
    assert(count_ < capacity);
    values_[static_cast<std::size_t>(count_++)] = v;
  }
  constexpr int size() const { return count_; }
  constexpr bool empty() const { return count_ == 0; }
  constexpr std::int64_t operator[](int i) const {
    assert(i >= 0 && i < count_);
    return values_[static_cast<std::size_t>(i)];
  }
  constexpr std::int64_t& operator[](int i) {
    assert(i >= 0 && i < count_);
    return values_[static_cast<std::size_t>(i)];
  }
  constexpr const std::int64_t* begin() const { return values_.data(); }
  constexpr const std::int64_t* end() const { return values_.data() + count_; }
  friend constexpr bool operator==(const IntList& a, const IntList& b) {
    if (a.count_ != b.count_) return false;
    for (int i = 0; i < a.count_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  std::array<std::int64_t, capacity> values_{};
  int count_ = 0;
};

}  // namespace lithe::inline v0
