// SPDX-License-Identifier: Apache-2.0
#include "tools/check/judge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "lithe/core/half.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::check {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double least_scale = 1e-2;

/// The number as an element of type `dtype` holds it.
double rounded_to(DType dtype, double v) {
  switch (dtype) {
    case DType::f32:
      return static_cast<float>(v);
    case DType::f16:
      return static_cast<float>(half(static_cast<float>(v)));
    case DType::bf16:
      return static_cast<float>(bfloat16(static_cast<float>(v)));
    default:
      return v;
  }
}

/// The larger of the range and the largest |value| of the finite elements.
double scale_of(const std::vector<double>& elements) {
  double low = infinity, high = -infinity;
  for (const double v : elements) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  return low > high ? 0 : std::max({high - low, std::fabs(high), std::fabs(low)});
}

/// How far apart two elements are; infinitely where one is finite and the other not, or they are different
/// infinities.
double apart(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  return std::isfinite(a) && std::isfinite(b) ? std::fabs(a - b) : infinity;
}

std::string text(double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.10g", v);
  return buffer;
}

bool takes_reals(DType dtype, const Quantization* quantization) {
  return dtype < DType::f8e4m3fn && (is_float(dtype) || quantization != nullptr);
}

}  // namespace

Judge::Judge(graph::ConstantPtr truth, DType dtype, const Quantization* quantization, bool nan_counts)
    : truth_(std::move(truth)),
      dtype_(dtype),
      quantization_(quantization),
      nan_counts_(nan_counts),
      exact_(!takes_reals(dtype, quantization)),
      scale_(least_scale) {
  allowed_.resize(static_cast<std::size_t>(truth_->shape.elements()));
  if (exact_) return;
  reals_ = reals_of(truth_->view());
  for (double& v : reals_) v = rounded_to(dtype, v);
  scale_ = std::max(scale_of(reals_), least_scale);
}

std::vector<double> Judge::reals_of(TensorView tensor) const {
  tensor.quantization = quantization_;
  return report::reals(tensor);
}

void Judge::hear(const TensorView& witness, const TensorView& wanted) {
  if (!(witness.shape == wanted.shape)) any_shape_ = true;
  if (!(witness.shape == wanted.shape && wanted.shape == truth_->shape)) return;
  if (exact_) {
    if (witness.dtype != wanted.dtype) return;
    const std::vector<bool> otherwise = report::mismatches(witness, wanted);
    const std::vector<double> is = report::reals(witness), instead = report::reals(wanted);
    for (std::size_t i = 0; i < otherwise.size(); ++i) {
      if (!otherwise[i]) continue;
      if (is.empty()) allowed_[i] = infinity;  // codes of 8-bit floats
      if (!is.empty()) heard_[i].insert({is[i], instead[i]});
    }
    return;
  }
  const std::vector<double> elements = reals_of(witness);
  const std::vector<double> instead = reals_of(wanted);
  for (std::size_t i = 0; i < elements.size(); ++i)
    allowed_[i] = std::max(allowed_[i], nearness * apart(elements[i], rounded_to(dtype_, instead[i])));
}

void Judge::admit(double relative) { admitted_ = std::max(admitted_, relative); }

double Judge::distance(const TensorView& got) const {
  if (exact_ || !(got.shape == truth_->shape)) return 0;
  const std::vector<double> elements = reals_of(got);
  double furthest = 0;
  for (std::size_t i = 0; i < elements.size(); ++i)
    if (const double d = apart(elements[i], reals_[i]); std::isfinite(d)) furthest = std::max(furthest, d);
  return furthest / scale_;
}

Finding Judge::judge(const TensorView& got, double tolerance) const {
  Finding finding;
  finding.allowance = tolerance;
  if (got.dtype != dtype_) {
    finding.mismatch = std::string("is ") + name(got.dtype) + " instead of " + name(dtype_);
  } else if (!(got.shape == truth_->shape)) {
    finding.said = !any_shape_;
    if (!any_shape_)
      finding.mismatch =
          "has shape " + report::shape_text(got.shape) + " instead of " + report::shape_text(truth_->shape);
  } else if (exact_) {
    judge_exact(got, finding);
  } else {
    judge_reals(reals_of(got), tolerance, finding);
  }
  return finding;
}

void Judge::judge_exact(const TensorView& got, Finding& finding) const {
  finding.said = true;
  const std::vector<bool> otherwise = report::mismatches(got, truth_->view());
  const std::vector<double> is = report::reals(got), wanted = report::reals(truth_->view());
  for (std::size_t i = 0; i < otherwise.size(); ++i) {
    if (!otherwise[i] || std::isinf(allowed_[i])) continue;
    if (const auto heard = heard_.find(i); heard != heard_.end())
      if (heard->second.size() > few || (heard->second.contains(is[i]) && heard->second.contains(wanted[i])))
        continue;
    finding.mismatch = "element " + std::to_string(i) + " " +
                       (is.empty() ? "differs" : "is " + text(is[i]) + " instead of " + text(wanted[i]));
    return;
  }
}

void Judge::judge_reals(const std::vector<double>& got, double tolerance, Finding& finding) const {
  finding.said = got.empty();
  double furthest = 0;  // in allowances
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(reals_[i]) && !nan_counts_) continue;
    finding.said = true;
    const double d = apart(got[i], reals_[i]);
    const double allowance = std::max({tolerance, admitted_, allowed_[i] / scale_});
    if (d == 0 || std::isinf(allowance)) continue;
    if (std::isinf(d)) {
      if (finding.mismatch.empty())
        finding.mismatch =
            "element " + std::to_string(i) + " is " + text(got[i]) + " instead of " + text(reals_[i]);
      continue;
    }
    const double relative = d / scale_;
    if (relative / allowance <= furthest) continue;
    furthest = relative / allowance;
    finding.relative = relative;
    finding.absolute = d;
    finding.allowance = allowance;
  }
}

}  // namespace lithe::check
