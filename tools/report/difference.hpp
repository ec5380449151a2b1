// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lithe/core/tensor.hpp"

namespace lithe::report {

/// How far a tensor is from its reference, in the measure of all tools.
struct Difference {
  double absolute = 0;  ///< largest |a - b|
  double scale = 0;     ///< max(range, largest |value|) of the reference, finite values only
  index_t index = 0;    ///< element of the largest difference
  std::string
      mismatch;  ///< another dtype or shape, another integer, NaN or infinity at another place; empty: none

  /// |a - b| <= max(tolerance x scale, atol); atol defaults to tolerance x 1e-2.
  bool within(double tolerance, double atol = -1) const;
  /// What the tolerance would have to be: |a - b| / max(scale, 1e-2).
  double relative() const;
};

/// Integers and booleans must be equal unless they are quantized (then both are compared as real numbers).
Difference measure(const TensorView& got, const TensorView& reference);

/// Which elements make the mismatch that `measure` finds in tensors of equal dtype and shape.
std::vector<bool> mismatches(const TensorView& got, const TensorView& reference);

/// The elements of a dense tensor as real numbers: quantized ones dequantized, integers as they are. Empty
/// for floats of 8 bits and less.
std::vector<double> reals(const TensorView& tensor);

/// How alike two lists of the same length are. If both are all zero: exact, cosine 1.
struct Similarity {
  static constexpr double exact_db = 999;  ///< no noise at all
  double snr_db = exact_db;                ///< power of the reference over that of the difference
  double cosine = 1;
};
Similarity similarity(std::span<const double> got, std::span<const double> reference);

/// The tolerance for the coarsest dtype that a model computes in: 1e-4 (f32 and wider), 1e-2 (f16, bf16),
/// 2e-2 (8 bits).
double default_tolerance(bool half_precision, bool quantized);

}  // namespace lithe::report
