// SPDX-License-Identifier: Apache-2.0
#include "tools/check/original.hpp"

#include <algorithm>
#include <utility>

#include "tools/check/in_double.hpp"
#include "tools/check/rounding.hpp"
#include "tools/check/steps.hpp"
#include "tools/graph/operators.hpp"
#include "tools/graph/writer.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::check {

namespace {

bool stores_half(const graph::Model& model) {
  for (const graph::Graph& g : model.graphs)
    for (const graph::Value& v : g.values)
      if (v.dtype == DType::f16 || v.dtype == DType::bf16) return true;
  return false;
}

bool is_quantized(const graph::Model& model) {
  for (const graph::Graph& g : model.graphs) {
    for (const graph::Value& v : g.values)
      if (v.quantization.has_value() || (bits(v.dtype) <= 8 && is_float(v.dtype))) return true;
    for (const graph::Node& n : g.nodes)
      if (graph::facts_of(n).coding != Coding::none) return true;
  }
  return false;
}

/// Which passes may replace by real numbers.
bool quantizes_by_range(const graph::Model& model) {
  for (const graph::Graph& g : model.graphs)
    for (const graph::Node& n : g.nodes)
      if (graph::facts_of(n).coding == Coding::quantizes_by_range) return true;
  return false;
}

}  // namespace

Precision precision_of(const graph::Model& original, const graph::Model& optimized) {
  if (is_quantized(optimized) || quantizes_by_range(original)) return Precision::quantized;
  return stores_half(optimized) ? Precision::half : Precision::full;
}

double tolerance_of(Precision precision) {
  return report::default_tolerance(precision == Precision::half, precision == Precision::quantized);
}

Original::Original(const graph::Model& reference, Precision precision, const Threads* threads)
    : model_(reference),
      precision_(precision),
      double_model_(in_double(reference)),
      session_(portable_options()) {
  session_.threads = machine_options(threads).threads;
  try {
    in_double_.emplace(double_model_, graph::write(double_model_), session_);
  } catch (const report::Failure&) {
    in_double_.reset();  // the truth is in its own precision then
  }
  const graph::Graph& main = reference.graphs[0];
  for (const graph::ValueId v : main.outputs) output_steps_.push_back(output_step(main, v));
}

Side& Original::own() {
  if (!own_) own_.emplace(model_, graph::write(model_), session_);
  return *own_;
}

Status Original::resize_own() {
  if (!own_is_stale_) return {};
  LITHE_TRY(own().resize(shapes_));
  own_is_stale_ = false;
  return {};
}

Status Original::resize(std::vector<InputShape> shapes, std::vector<std::string>& notes) {
  shapes_ = std::move(shapes);
  own_is_stale_ = true;
  if (!in_double_) return resize_own();
  const Status status = in_double_->resize(shapes_);
  if (status.ok()) return {};
  LITHE_TRY(resize_own());
  notes.push_back("compared with the original in its own precision, not in double: " +
                  in_double_->explain(status));
  in_double_.reset();
  return {};
}

Result<Outputs> Original::run(const Feed& feed) {
  LITHE_TRY(resize_own());
  return own().run(feed);
}

bool Original::testify(int number, const Feed& feed, std::vector<Judge>& judges) {
  if (!resize_own().ok()) return false;
  const bool quantized = precision_ == Precision::quantized;
  Random random(static_cast<std::uint64_t>(number) + 2);
  const Rounding rounding(precision_ == Precision::half ? half_rounding_error : few_ulps, random);
  if (number > 0) own().session().observe(rounding.observer());
  const Result<Outputs> outputs = own().run(feed);
  own().session().observe(nullptr);
  if (!outputs.ok() || outputs->size() != judges.size()) return false;
  for (std::size_t i = 0; i < judges.size(); ++i) {
    const TensorView said = (*outputs)[i]->view();
    judges[i].hear(said);
    if (!quantized) continue;
    const double step = output_steps_[i % output_steps_.size()] / judges[i].scale();
    judges[i].admit(std::max(1.5 * judges[i].distance(said), 1.001 * step));
  }
  return true;
}

}  // namespace lithe::check
