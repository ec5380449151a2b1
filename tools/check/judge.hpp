// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lithe/core/tensor.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::check {

/// What a judge finds of an output.
struct Finding {
  double relative = 0;   ///< |got - truth| / scale, for the element that is furthest off by its allowance
  double absolute = 0;   ///< the same, |got - truth|
  double allowance = 0;  ///< what that element may be off by, / scale
  std::string mismatch;  ///< what cannot be expressed as a distance, or empty
  bool said =
      false;  ///< whether there was anything to judge: an element whose truth is not NaN, or no element

  bool passed() const { return mismatch.empty() && relative <= allowance; }
};

/// Judges an output element by element. An element is right as near to the truth as `tolerance` times the
/// scale (the range of the truth, its largest |value|, at least 1e-2), or as near as `nearness` times a witness:
/// the original in its own precision, or rounded otherwise. NaN, infinities and sizes must be the truth's, except
/// where a witness's are not; integers too, or what some witness has, anything where they have more than `few`. Where the truth is NaN nothing is said, unless `nan_counts`.
class Judge {
 public:
  static constexpr double nearness = 4;
  static constexpr std::size_t few = 4;

  /// The truth of an output of element type `dtype`: integers of that type, or numbers in any precision, which
  /// are rounded to it first. `quantization`, which may be null, makes real numbers of integers.
  Judge(graph::ConstantPtr truth, DType dtype, const Quantization* quantization, bool nan_counts = false);

  /// Elements that a witness has otherwise than the truth may be as wrong as it is.
  void hear(const TensorView& witness) { hear(witness, truth_->view()); }
  /// The same of a witness that should have what `wanted` has, where that is not the truth itself.
  void hear(const TensorView& witness, const TensorView& wanted);
  /// All elements may be off by `relative` times the scale.
  void admit(double relative);
  /// How far `got` is from the truth, in tensors of real numbers: relative to the scale.
  double distance(const TensorView& got) const;
  double scale() const { return scale_; }
  double admitted() const { return admitted_; }

  Finding judge(const TensorView& got, double tolerance) const;

 private:
  std::vector<double> reals_of(TensorView tensor) const;
  void judge_exact(const TensorView& got, Finding& finding) const;
  void judge_reals(const std::vector<double>& got, double tolerance, Finding& finding) const;

  graph::ConstantPtr truth_;
  DType dtype_;
  const Quantization* quantization_;
  bool nan_counts_;
  bool exact_;                   ///< elements are equal or not: integers, booleans, codes of 8-bit floats
  std::vector<double> reals_;    ///< the truth as the output's type holds it; empty where `exact_`
  std::vector<double> allowed_;  ///< per element, by witnesses; infinite: anything
  /// What witnesses have at exact elements that they do not agree on.
  std::map<std::size_t, std::set<double>> heard_;
  bool any_shape_ = false;  ///< a witness has another shape
  double scale_, admitted_ = 0;
};

}  // namespace lithe::check
