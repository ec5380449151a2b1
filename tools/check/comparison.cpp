// SPDX-License-Identifier: Apache-2.0
#include "tools/check/comparison.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "tools/check/inputs.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/difference.hpp"

namespace lithe::check {

namespace {

constexpr int most_witnesses = 33, few_witnesses = 9;

graph::ConstantPtr constant(DType dtype, const Shape& shape, Buffer bytes) {
  auto c = std::make_shared<graph::Constant>();
  c->dtype = dtype;
  c->shape = shape;
  c->bytes = std::move(bytes);
  c->bytes.resize(TensorView(nullptr, dtype, shape).bytes());
  return c;
}

graph::ConstantPtr in_type(const graph::ConstantPtr& from, DType dtype) {
  return from->dtype == dtype ? from
                              : constant(dtype, from->shape, contents_of(report::reals(from->view()), dtype));
}

}  // namespace

Comparison::Comparison(const graph::Model& reference, const graph::Model& optimized,
                       std::span<const std::byte> file, const Options& options)
    : model_(optimized),
      hears_witnesses_(options.witnesses),
      threads_(options.threads),
      precision_(precision_of(reference, optimized)),
      tolerance_(tolerance_of(precision_)),
      original_(reference, precision_, &threads_),
      converted_(optimized, file, machine_options(&threads_)) {
  for (const graph::ValueId v : optimized.graphs[0].outputs) {
    const auto& carried = optimized.graphs[0].value(v).quantization;
    quantizations_.push_back(carried ? std::optional(graph::quantization_view(*carried)) : std::nullopt);
  }
  for (const graph::ValueId v : reference.graphs[0].outputs)
    output_dtypes_.push_back(reference.graphs[0].value(v).dtype);
}

Outcome Comparison::compare(const Feed& feed) {
  const Result<Outputs> truth = original_.truth().run(feed);
  if (!truth.ok()) return {{}, original_.truth().explain(truth.status())};
  const Result<Outputs> got = converted_.run(feed);
  if (!got.ok()) return refused(feed, got.status());
  std::vector<Judge> judges = judges_of(*truth);
  Outcome outcome;
  Case found;
  bool said = measure(judges, *got, found);
  const int most = !hears_witnesses_                                 ? 0
                   : work(original_.truth().session()) <= small_work ? most_witnesses
                                                                     : few_witnesses;
  while (!found.passed && outcome.witnesses < most && original_.testify(outcome.witnesses, feed, judges)) {
    ++outcome.witnesses;
    said = measure(judges, *got, found);
  }
  if (said)
    outcome.found = std::move(found);
  else
    outcome.silence = "the original gives nothing but NaN";
  return outcome;
}

/// The converted model refuses an input that the truth takes.
Outcome Comparison::refused(const Feed& feed, const Status& status) {
  const std::string why = converted_.explain(status);
  if (!original_.run(feed).ok()) return {{}, why};
  Case found;
  found.output = model_.graphs[0].value(model_.graphs[0].outputs[0]).name;
  found.tolerance = tolerance_;
  found.mismatch = "only the converted model refuses the input: " + why;
  return {std::move(found), {}};
}

/// One for each tensor of a run.
std::vector<Judge> Comparison::judges_of(const Outputs& truth) const {
  std::vector<Judge> judges;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::size_t o = i % output_dtypes_.size();
    judges.emplace_back(truth[i], output_dtypes_[o], quantizations_[o] ? &*quantizations_[o] : nullptr);
  }
  return judges;
}

/// Fills in what the judges find, by the output that is furthest off; returns whether they say anything.
bool Comparison::measure(const std::vector<Judge>& judges, const Outputs& got, Case& found) const {
  const graph::Graph& main = model_.graphs[0];
  double furthest = -1;  // in allowances
  bool said = false;
  found.passed = true;
  found.mismatch.clear();
  for (std::size_t i = 0; i < judges.size(); ++i) {
    const Finding finding = judges[i].judge(got[i]->view(), tolerance_);
    said = said || finding.said;
    found.passed = found.passed && finding.passed();
    if (!found.mismatch.empty()) continue;
    const double off = finding.relative / finding.allowance;
    if (finding.mismatch.empty() && off <= furthest) continue;
    furthest = off;
    found.output = main.value(main.outputs[i % main.outputs.size()]).name;
    found.tolerance = finding.allowance;
    found.relative = finding.relative;
    found.absolute = finding.absolute;
    found.mismatch = finding.mismatch;
  }
  return said || !found.passed;
}

std::optional<graph::SelfTest> Comparison::self_test(const Feed& feed) {
  const Result<Outputs> truth = original_.truth().run(feed), own = original_.run(feed);
  if (!truth.ok() || !own.ok()) return std::nullopt;
  const bool quantized = precision_ == Precision::quantized;
  std::vector<Judge> judges = judges_of(*truth);
  for (int w = 0; quantized && w < few_witnesses; ++w) original_.testify(w, feed, judges);
  graph::SelfTest test;
  test.tolerance = static_cast<float>(tolerance_);
  for (std::size_t o = 0; o < output_dtypes_.size(); ++o) {
    test.tolerance = std::max(test.tolerance, static_cast<float>(judges[o].admitted()));
    test.outputs.push_back(in_type((*truth)[o], output_dtypes_[o]));
    const TensorView by_original = (*own)[o]->view();
    const bool near = quantized || report::measure(by_original, test.outputs[o]->view()).within(tolerance_);
    if (!near || !judges[o].judge(by_original, tolerance_).passed()) return std::nullopt;
  }
  const graph::Graph& main = model_.graphs[0];
  for (std::size_t i = 0; i < feed.inputs.size(); ++i)
    test.inputs.push_back(constant(main.value(main.inputs[i]).dtype,
                                   original_.truth().session().input(static_cast<int>(i)).shape,
                                   feed.inputs[i]));
  return test;
}

}  // namespace lithe::check
