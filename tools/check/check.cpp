// SPDX-License-Identifier: Apache-2.0
#include "tools/check/check.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "lithe/format/reader.hpp"
#include "lithe/session.hpp"
#include "tools/check/allowance.hpp"
#include "tools/check/inputs.hpp"
#include "tools/check/random.hpp"
#include "tools/check/rounded.hpp"
#include "tools/check/side.hpp"
#include "tools/check/sizes.hpp"
#include "tools/check/steps.hpp"
#include "tools/graph/operators.hpp"
#include "tools/graph/writer.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::check {

namespace {

constexpr float rounding_error = 0x1p-18f;       ///< in an f32 layer's sums, relative to its largest value
constexpr float few_ulps = 0x1p-20f;             ///< in an f32 element, relative to it
constexpr float half_rounding_error = 0x1p-11f;  ///< in a number stored as f16, relative to it

class Checker {
 public:
  Checker(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> file,
          const Options& options, std::vector<graph::SelfTest>& tests)
      : original_(reference),
        model_(optimized),
        options_(options),
        tests_(tests),
        threads_(options.threads),
        reference_(reference, graph::write(reference), portable_options()),
        fast_(optimized, file, machine_options(&threads_)) {
    const graph::Graph& main = optimized.graphs[0];
    for (graph::ValueId v : main.inputs) host_.push_back(main.value(v).host);
    for (graph::ValueId v : reference.graphs[0].inputs) {
      const std::size_t i = steps_.size();
      steps_.push_back(input_step(reference.graphs[0], v));
      if (steps_[i] == 0 && i < options.input_steps.size()) steps_[i] = options.input_steps[i];
    }
    for (graph::ValueId v : reference.graphs[0].outputs)
      output_steps_.push_back(output_step(reference.graphs[0], v));
    if (options.unrounded != nullptr)
      unrounded_.emplace(*options.unrounded, graph::write(*options.unrounded), portable_options());
    state_.resize(host_.size());
    for (const graph::State& s : optimized.signatures[0].states)
      state_[static_cast<std::size_t>(s.input)] = true;
    report_.tolerance = tolerance();
  }

  Report run() {
    for (const Sizes& sizes : settings(model_)) at(sizes);
    for (const Sizes& sizes : larger_settings(model_))
      if (report_.cases.empty()) at(sizes);
    if (report_.cases.empty())
      throw report::Failure(report::exits::failed_check,
                            "the model runs at none of the shapes tried (" + report_.notes.back() +
                                "); fix its dims with --shape NAME=..., or give their range with --range "
                                "NAME:AXIS=MIN..OPT..MAX");
    return std::move(report_);
  }

 private:
  double tolerance() const {
    bool half_precision = false, quantized = false;
    for (const graph::Graph& g : model_.graphs)
      for (const graph::Value& v : g.values) {
        half_precision = half_precision || v.dtype == DType::f16 || v.dtype == DType::bf16;
        quantized = quantized || v.quantization.has_value() || (bits(v.dtype) <= 8 && is_float(v.dtype));
      }
    for (const graph::Graph& g : model_.graphs)
      for (const graph::Node& n : g.nodes)
        quantized = quantized || graph::quantizes(n) || graph::dequantizes(n);
    for (const graph::Graph& g : original_.graphs)  // which passes may replace by real numbers
      for (const graph::Node& n : g.nodes)
        quantized = quantized || graph::facts_of(n).coding == Coding::quantizes_by_range;
    return report::default_tolerance(half_precision, quantized);
  }

  Shape shape_of(const graph::Value& v, const Sizes& sizes) const {
    Shape shape;
    if (!v.dims) return shape;
    for (auto d : *v.dims)
      shape.push_back(symbol_of(d) < 0
                          ? std::max<std::int64_t>(d, 1)
                          : static_cast<std::int64_t>(sizes[static_cast<std::size_t>(symbol_of(d))]));
    return shape;
  }

  /// Resizes both sides, trying contents for host inputs; the reason where the reference cannot, or where the
  /// other one cannot and there is nothing to compare.
  std::string resize(const Sizes& sizes) {
    const graph::Graph& main = model_.graphs[0];
    const bool any_host = std::find(host_.begin(), host_.end(), true) != host_.end();
    std::string reason;
    for (int attempt = 0; attempt < (any_host ? host_attempts : 1); ++attempt) {
      host_contents_.assign(main.inputs.size(), {});
      shapes_.clear();
      for (std::size_t i = 0; i < main.inputs.size(); ++i) {
        const graph::Value& v = main.value(main.inputs[i]);
        const Shape shape = shape_of(v, sizes);
        if (host_[i]) host_contents_[i] = make_host_contents(v.dtype, shape, attempt);
        shapes_.push_back(
            {v.name, shape, host_[i] ? static_cast<const void*>(host_contents_[i].data()) : nullptr});
      }
      const Status status = reference_.resize(shapes_);
      if (!status.ok()) {
        reason = reference_.explain(status);
        continue;
      }
      if (unrounded_ && !unrounded_->resize(shapes_).ok()) unrounded_.reset();
      const Status fast = fast_.resize(shapes_);
      if (!fast.ok() && has_empty_values(reference_.session()))
        return fast_.explain(fast);  // a mean of nothing is NaN, which integers do not have
      if (!fast.ok())
        throw report::Failure(report::exits::failed_check,
                              "the optimized model refuses a shape (" + sizes_text(model_, sizes) +
                                  ") that the original takes: " + fast_.explain(fast) +
                                  "; please report this model");
      return {};
    }
    return reason;
  }

  /// What the inputs hold in the runs at the current shapes: all three, but no more than options.work allows.
  std::span<const Contents> affordable(const std::string& where) {
    static constexpr Contents all[] = {Contents::random, Contents::zero, Contents::large};
    const std::uint64_t run = multiply_adds(reference_.session());
    const std::uint64_t left = options_.work - std::min(options_.work, work_);
    const bool needed = report_.cases.empty() || has_bounds(model_);
    const std::size_t count = run * std::size(all) <= left ? std::size(all) : needed || run <= left ? 1 : 0;
    work_ += run * count;
    if (count < std::size(all))
      report_.notes.push_back((where.empty() ? "" : where + ": ") +
                              std::string(count == 0 ? "not compared" : "compared with random inputs only") +
                              ", since a run of the original takes " + std::to_string(run / 1'000'000'000) +
                              " billion multiply-adds");
    return {all, count};
  }

  void at(const Sizes& sizes) {
    const std::string where = sizes_text(model_, sizes);
    if (const std::string reason = resize(sizes); !reason.empty()) {
      report_.notes.push_back(where + (where.empty() ? "" : ": ") + reason);
      return;
    }
    Random random(1);
    for (Contents contents : affordable(where)) compare(where, contents, random, false);
    const bool record =
        sizes == (settings(model_).size() > 1 ? settings(model_)[1] : settings(model_)[0]) || tests_.empty();
    for (int i = 0;
         record && i < options_.self_tests && static_cast<int>(tests_.size()) < options_.self_tests; ++i)
      compare(where, Contents::random, random, true);
  }

  void compare(const std::string& where, Contents contents, Random& random, bool record) {
    const graph::Graph& main = model_.graphs[0];
    std::vector<Buffer> inputs;
    for (std::size_t i = 0; i < main.inputs.size(); ++i) {
      const Tensor t = reference_.session().input(static_cast<int>(i));
      inputs.push_back(host_[i]    ? host_contents_[i]
                       : state_[i] ? Buffer(t.bytes())
                                   : make_contents(t.dtype, t.shape, contents, random));
    }
    std::vector<bool> skip(host_.size());
    for (std::size_t i = 0; i < skip.size(); ++i) skip[i] = host_[i] || state_[i];
    reference_.session().reset_state();
    fast_.session().reset_state();
    const bool states = std::find(state_.begin(), state_.end(), true) != state_.end();
    for (int step = 0; step < (states && !record ? 2 : 1); ++step) {
      const Status want = reference_.run(inputs, skip), got = fast_.run(inputs, skip);
      if (want.ok()) keep_reference();
      Case result{where, name(contents), {}, 0, 0, report_.tolerance, true, {}};
      if (!want.ok() && !got.ok()) {
        report_.notes.push_back(where + (where.empty() ? "" : ", ") + name(contents) +
                                " inputs are refused: " + reference_.explain(want));
        return;
      }
      if (want.ok() != got.ok()) {
        result.passed = false;
        result.mismatch = want.ok() ? "only the optimized model refuses the input: " + fast_.explain(got)
                                    : "only the original refuses the input: " + reference_.explain(want);
      } else {
        measure(result, {});
        if ((!result.passed || (record && quantized())) && !states)
          measure(result, allowances(inputs, skip, contents));
      }
      report_.cases.push_back(std::move(result));
    }
    if (record) remember(inputs);
  }

  void keep_reference() {
    wanted_.clear();
    for (int o = 0; o < reference_.session().outputs(); ++o) {
      const TensorView t = reference_.session().output(o);
      wanted_.push_back(constant(t.dtype, t.shape, t.data));
    }
  }

  /// Compares the output that a session holds with the reference's; where an optimized output carries a
  /// scale, both are compared in real units.
  report::Difference compare_output(const TensorView& got, std::size_t o) const {
    const auto& carried = model_.graphs[0].value(model_.graphs[0].outputs[o]).quantization;
    const Quantization quantization = carried ? graph::quantization_view(*carried) : Quantization{};
    TensorView a = got, b = wanted_[o]->view();
    a.quantization = b.quantization = carried ? &quantization : nullptr;
    return report::measure(a, b);
  }

  bool quantized() const { return report_.tolerance >= report::default_tolerance(false, true); }
  bool half_precision() const {
    return !quantized() && report_.tolerance > report::default_tolerance(false, false);
  }

  /// By how much inputs may be moved to see what rounding alone does: a step of quantized models; else
  /// rounding errors of f32 layers or of f16. There a sigmoid's argument of a thousand, which networks were
  /// not trained for, may change its sign, or the mean of an image of equal pixels miss them.
  std::vector<double> rounding_steps(Contents contents) const {
    if (quantized()) return steps_;
    const float step = (contents == Contents::large ? largest : 1) *
                       (half_precision() ? half_rounding_error : rounding_error);
    std::vector<double> steps;
    for (graph::ValueId v : model_.graphs[0].inputs)
      steps.push_back(model_.graphs[0].value(v).dtype == DType::f32 ? step : 0);
    return steps;
  }

  /// What rounding alone may do to each output: what it does to the reference's, in some draws. The reference
  /// of a model that is not quantized is rounded in all its layers. Empty where it cannot be moved.
  std::vector<Allowance> allowances(const std::vector<Buffer>& inputs, const std::vector<bool>& skip,
                                    Contents contents) {
    constexpr int draws = 8;
    const std::vector<double> steps = rounding_steps(contents);
    const graph::Graph& main = model_.graphs[0];
    std::vector<Allowance> result(main.outputs.size());
    if (unrounded_ && unrounded_->run(inputs, skip).ok())
      for (std::size_t o = 0; o < main.outputs.size(); ++o)
        result[o].admit(compare_output(unrounded_->session().output(static_cast<int>(o)), o).relative());
    Random random(2);
    for (int draw = 0; draw < draws; ++draw) {
      std::vector<Buffer> near;
      for (std::size_t i = 0; i < inputs.size(); ++i)
        near.push_back(skip[i] ? inputs[i]
                               : moved(inputs[i], main.value(main.inputs[i]).dtype, steps[i], random));
      std::optional<graph::Model> model;
      std::optional<Side> side;
      if (!quantized()) {
        model = rounded(original_, half_precision() ? half_rounding_error : few_ulps, random);
        side.emplace(*model, graph::write(*model), portable_options());
        if (!side->resize(shapes_).ok()) return {};
      }
      Side& other = side ? *side : reference_;
      if (!other.run(near, skip).ok()) return {};
      for (std::size_t o = 0; o < main.outputs.size(); ++o) {
        const TensorView drawn = other.session().output(static_cast<int>(o));
        result[o].widen(compare_output(drawn, o), drawn, wanted_[o]->view(), output_steps_[o]);
      }
    }
    return result;
  }

  void measure(Case& result, const std::vector<Allowance>& allowances) {
    const graph::Graph& main = model_.graphs[0];
    double furthest = -1;  // in tolerances
    result.passed = true;
    result.mismatch.clear();
    for (std::size_t o = 0; o < main.outputs.size(); ++o) {
      const TensorView got = fast_.session().output(static_cast<int>(o));
      report::Difference d = compare_output(got, o);
      double tolerance = report_.tolerance;
      if (!allowances.empty()) {
        tolerance = std::max(tolerance, allowances[o].tolerance());
        if (!d.mismatch.empty() && allowances[o].covers(got, wanted_[o]->view())) d.mismatch.clear();
      }
      if (result.mismatch.empty() && (!d.mismatch.empty() || d.relative() / tolerance > furthest)) {
        furthest = d.relative() / tolerance;
        result.output = main.value(main.outputs[o]).name;
        result.tolerance = tolerance;
        result.relative = d.relative();
        result.absolute = d.absolute;
        result.mismatch = d.mismatch;
      }
      result.passed = result.passed && d.within(tolerance);
    }
  }

  static graph::ConstantPtr constant(DType dtype, const Shape& shape, const void* data) {
    auto c = std::make_shared<graph::Constant>();
    c->dtype = dtype;
    c->shape = shape;
    c->bytes.resize(TensorView(nullptr, dtype, shape).bytes());
    if (!c->bytes.empty()) std::memcpy(c->bytes.data(), data, c->bytes.size());
    return c;
  }

  void remember(const std::vector<Buffer>& inputs) {
    graph::SelfTest test;
    test.tolerance = static_cast<float>(report_.cases.back().tolerance);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor t = reference_.session().input(static_cast<int>(i));
      test.inputs.push_back(constant(t.dtype, t.shape, inputs[i].data()));
    }
    test.outputs = wanted_;
    tests_.push_back(std::move(test));
  }

  const graph::Model &original_, &model_;
  const Options& options_;
  std::vector<graph::SelfTest>& tests_;
  Threads threads_;
  Side reference_, fast_;
  std::optional<Side> unrounded_;
  std::vector<bool> host_, state_;
  std::vector<double> steps_, output_steps_;  ///< steps of quantization, per input and per output
  std::vector<Buffer> host_contents_;
  std::vector<InputShape> shapes_;          ///< current ones
  std::vector<graph::ConstantPtr> wanted_;  ///< the reference's outputs
  std::uint64_t work_ = 0;                  ///< multiply-adds that the original's runs took
  Report report_;
};

}  // namespace

const Case* Report::worst() const {
  const auto worse = [](const Case& a, const Case& b) {
    return std::pair(!a.passed + !a.mismatch.empty(), a.relative / a.tolerance) <
           std::pair(!b.passed + !b.mismatch.empty(), b.relative / b.tolerance);
  };
  const auto found = std::max_element(cases.begin(), cases.end(), worse);
  return found == cases.end() ? nullptr : &*found;
}

Report check(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> bytes,
             const Options& options, std::vector<graph::SelfTest>& tests) {
  if (const auto custom = graph::custom_operators(optimized); !custom.empty()) {
    Report report;
    for (const std::string& op : custom)
      report.skipped +=
          (report.skipped.empty() ? "not checked: its kernels are not in this program: " : ", ") + op;
    return report;
  }
  return Checker(reference, optimized, bytes, options, tests).run();
}

}  // namespace lithe::check
