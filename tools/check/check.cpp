// SPDX-License-Identifier: Apache-2.0
#include "tools/check/check.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "lithe/format/reader.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/session.hpp"
#include "tools/check/inputs.hpp"
#include "tools/check/judge.hpp"
#include "tools/check/original.hpp"
#include "tools/check/random.hpp"
#include "tools/check/shape_contents.hpp"
#include "tools/check/side.hpp"
#include "tools/check/sizes.hpp"
#include "tools/check/told.hpp"
#include "tools/graph/operators.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::check {

namespace {

/// What a case costs in inferences of the original: the truth twice as much, the converted model at most as much.
constexpr int case_inferences = 3;
constexpr int most_inferences = 10;            ///< at one size, unless a difference is looked into
constexpr std::uint64_t small_work = 1 << 22;  ///< an inference that costs less takes no time to speak of
constexpr int most_witnesses = 33, few_witnesses = 9;

class Checker {
 public:
  Checker(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> file,
          const Options& options, std::vector<graph::SelfTest>& tests)
      : reference_(reference),
        model_(optimized),
        options_(options),
        tests_(tests),
        threads_(options.threads),
        precision_(precision_of(reference, optimized)),
        original_(reference, precision_, options, &threads_),
        converted_(optimized, file, machine_options(&threads_)) {
    const graph::Graph& main = optimized.graphs[0];
    for (const graph::ValueId v : main.inputs) host_.push_back(main.value(v).host);
    for (const graph::ValueId v : main.outputs) {
      const auto& carried = main.value(v).quantization;
      quantizations_.push_back(carried ? std::optional(graph::quantization_view(*carried)) : std::nullopt);
    }
    for (const graph::ValueId v : reference.graphs[0].outputs)
      output_dtypes_.push_back(reference.graphs[0].value(v).dtype);
    fed_by_session_ = host_;
    for (const graph::State& s : optimized.signatures[0].states)
      fed_by_session_[static_cast<std::size_t>(s.input)] = has_states_ = true;
    report_.tolerance = tolerance_of(precision_);
  }

  Report run() {
    if (options_.samples.empty()) {
      for (const Sizes& sizes : settings(model_)) at(sizes);
      for (const Sizes& sizes : larger_settings(model_))
        if (!says_something()) at(sizes);
    } else {
      for (std::size_t s = 0; s < options_.samples.size(); ++s) on_sample(s);
    }
    conclude();
    return std::move(report_);
  }

 private:
  bool says_something() const {
    return std::any_of(report_.cases.begin(), report_.cases.end(), [](const Case& c) { return c.counts; });
  }

  void conclude() {
    const bool wrong = std::any_of(report_.cases.begin(), report_.cases.end(),
                                   [](const Case& c) { return c.counts && !c.passed; });
    report_.verdict = wrong ? Verdict::differs : says_something() ? Verdict::agrees : Verdict::not_checked;
    if (report_.verdict != Verdict::not_checked) return;
    if (!options_.samples.empty())
      report_.reason = "the samples say nothing: " + reason_;
    else
      report_.reason =
          "no valid inputs could be guessed" + who_decides() + ": " + reason_ +
          "; give some with --samples DIR, or sizes with --shape NAME=... or --range NAME:AXIS=MIN..OPT..MAX";
  }

  /// The inputs whose contents decide shapes, for people.
  std::string who_decides() const {
    const graph::Graph& main = reference_.graphs[0];
    std::string text;
    for (std::size_t i = 0; i < host_.size(); ++i)
      if (host_[i]) text += (text.empty() ? " for " : " and ") + reader_text(main, main.inputs[i]);
    return text;
  }

  void note(const std::string& where, const std::string& what) {
    report_.notes.push_back((where.empty() ? "" : where + ": ") + what);
  }
  /// Nothing can be said there, and why.
  void give_up(const std::string& where, const std::string& why) {
    reason_ = (where.empty() ? "" : where + ": ") + why;
    report_.notes.push_back(reason_);
  }

  Shape shape_of(graph::ValueId value, const Sizes& sizes) const {
    Shape shape;
    for (const std::int64_t d : reference_.graphs[0].value(value).dims.value_or(graph::Dims{}))
      shape.push_back(symbol_of(d) >= 0
                          ? static_cast<std::int64_t>(sizes[static_cast<std::size_t>(symbol_of(d))])
                      : d >= 0 ? d
                               : 1);
    return shape;
  }

  /// Resizes both sides, trying contents for the inputs that decide shapes; says whether there is something to
  /// compare.
  bool resize(const Sizes& sizes, const std::string& where) {
    const graph::Graph& main = reference_.graphs[0];
    const bool any_host = std::find(host_.begin(), host_.end(), true) != host_.end();
    std::string why;
    for (int attempt = 0; attempt < (any_host ? shape_attempts : 1); ++attempt) {
      std::vector<Buffer> contents(main.inputs.size());
      std::vector<Shape> shapes;
      for (std::size_t i = 0; i < main.inputs.size(); ++i) {
        shapes.push_back(shape_of(main.inputs[i], sizes));
        if (host_[i])
          contents[i] =
              contents_of(guess_shape_contents(main, main.inputs[i], attempt,
                                               [&](graph::ValueId v) { return shape_of(v, sizes); }),
                          main.value(main.inputs[i]).dtype);
      }
      const Status status = resize(shapes, contents, where);
      if (status.ok()) return !refused_;
      why = original_.explain(status);
    }
    give_up(where, why);
    return false;
  }

  /// Resizes both sides; the status is the original's. Where the other one refuses what leaves nothing to compare,
  /// `refused_` is set.
  Status resize(const std::vector<Shape>& shapes, const std::vector<Buffer>& contents,
                const std::string& where) {
    const graph::Graph& main = model_.graphs[0];
    host_contents_ = contents;
    std::vector<InputShape> wanted;
    for (std::size_t i = 0; i < shapes.size(); ++i)
      wanted.push_back({main.value(main.inputs[i]).name, shapes[i],
                        host_[i] ? static_cast<const void*>(host_contents_[i].data()) : nullptr});
    refused_ = false;
    LITHE_TRY(original_.resize(wanted, report_.notes));
    const Status converted = converted_.resize(wanted);
    if (converted.ok()) return {};
    refused_ = true;
    if (!has_empty_values(
            original_.truth().session()))  // a mean of nothing is NaN, which integers do not have
      throw report::Failure(report::exits::failed_check,
                            "the converted model refuses a shape (" + where + ") that the original takes: " +
                                converted_.explain(converted) + "; please report this model");
    give_up(where, converted_.explain(converted));
    return {};
  }

  Feed feed_of(Contents contents, Random& random) {
    Feed feed{{}, fed_by_session_, has_states_ ? 2 : 1};
    Side& truth = original_.truth();
    std::vector<std::optional<std::vector<double>>> likely(host_.size());
    if (contents == Contents::random) likely = told(truth.session().inspect(), random);
    const graph::Graph& main = model_.graphs[0];
    for (std::size_t i = 0; i < host_.size(); ++i) {
      const Shape shape = truth.session().input(static_cast<int>(i)).shape;
      const DType dtype = main.value(main.inputs[i]).dtype;
      if (host_[i])
        feed.inputs.push_back(host_contents_[i]);
      else if (fed_by_session_[i])
        feed.inputs.emplace_back();
      else
        feed.inputs.push_back(likely[i] ? contents_of(*likely[i], dtype)
                                        : make_contents(dtype, shape, contents, random));
    }
    return feed;
  }

  /// Whether another case may be run at these shapes, after `spent_` inferences.
  bool affordable(std::uint64_t run) const {
    const std::uint64_t left = options_.work - std::min(options_.work, work_);
    return (run <= small_work || spent_ + case_inferences <= most_inferences) &&
           run * case_inferences <= left;
  }

  void at(const Sizes& sizes) {
    const std::string where = sizes_text(model_, sizes);
    if (!resize(sizes, where)) return;
    const std::uint64_t run = work(original_.truth().session());
    spent_ = 0;
    if (!affordable(run) && says_something() && !has_bounds(model_)) {
      note(where, "not compared, since an inference of the original takes " + millions(run));
      return;
    }
    Random random(1);
    if (!compare(where, name(Contents::random), feed_of(Contents::random, random)))
      compare(where, name(Contents::positive), feed_of(Contents::positive, random));
    std::string left_out;
    for (const Contents contents : {Contents::zero, Contents::large}) {
      Feed feed = feed_of(contents, random);
      if (affordable(run))
        compare(where, name(contents), feed, contents != Contents::large);
      else
        left_out += (left_out.empty() ? "" : " and ") + std::string(name(contents));
    }
    if (!left_out.empty())
      note(where, "not compared with " + left_out + " inputs, since an inference of the original takes " +
                      millions(run));
    const std::vector<Sizes> all = settings(model_);
    if (sizes == all[all.size() > 1 ? 1 : 0] || tests_.empty())
      for (int i = 0; i < 2 * options_.self_tests; ++i) record(feed_of(Contents::random, random));
  }

  static std::string millions(std::uint64_t work) {
    return std::to_string(work / 1'000'000) + " million multiply-adds";
  }

  void on_sample(std::size_t number) {
    const graph::Graph& main = reference_.graphs[0];
    const Sample& sample = options_.samples[number];
    const std::string contents = "sample " + std::to_string(number + 1);
    Sizes sizes(model_.symbols.size(), 1);
    for (std::size_t i = 0; i < sample.size(); ++i)
      for (std::size_t d = 0; sample[i] && d < main.value(main.inputs[i]).dims.value_or(graph::Dims{}).size();
           ++d)
        if (const auto s = symbol_of((*main.value(main.inputs[i]).dims)[d]); s >= 0)
          sizes[static_cast<std::size_t>(s)] =
              static_cast<std::uint64_t>(sample[i]->shape[static_cast<int>(d)]);
    std::vector<Shape> shapes;
    std::vector<Buffer> buffers;
    for (std::size_t i = 0; i < sample.size(); ++i) {
      shapes.push_back(sample[i] ? sample[i]->shape : shape_of(main.inputs[i], sizes));
      buffers.push_back(sample[i] ? sample[i]->bytes : Buffer());
    }
    const std::string where = sizes_text(model_, sizes);
    if (const Status status = resize(shapes, buffers, where); !status.ok())
      return give_up(contents, original_.explain(status));
    if (refused_) return;
    const std::uint64_t run = work(original_.truth().session());
    if (says_something() && (work_ + run * case_inferences > options_.work)) {
      if (number + 1 == options_.samples.size())
        note("", "not compared with all samples, since an inference of the original takes " + millions(run));
      return;
    }
    Feed feed{std::move(buffers), fed_by_session_, has_states_ ? 2 : 1};
    compare(where, contents, feed);
    record(feed);
  }

  /// One comparison, which is kept unless it says nothing. Returns whether it said something.
  bool compare(const std::string& where, const std::string& contents, const Feed& feed, bool counts = true) {
    const std::string title = (where.empty() ? "" : where + ", ") + contents + " inputs";
    spent_ += case_inferences;
    work_ += work(original_.truth().session()) * case_inferences;
    const Result<Outputs> truth = original_.truth().run(feed);
    if (!truth.ok()) {
      if (counts) give_up(title, original_.truth().explain(truth.status()));
      return false;
    }
    Case result{where, contents, {}, 0, 0, report_.tolerance, true, counts, {}};
    const Result<Outputs> got = converted_.run(feed);
    if (!got.ok()) {
      if (const auto own = original_.run(feed); !own.ok()) {
        if (counts) give_up(title, converted_.explain(got.status()));
        return false;
      }
      result.passed = false;
      result.output = model_.graphs[0].value(model_.graphs[0].outputs[0]).name;
      result.mismatch = "only the converted model refuses the input: " + converted_.explain(got.status());
    } else {
      std::vector<Judge> judges = judges_of(*truth);
      bool said = measure(judges, *got, result);
      const int witnesses =
          counts && work(original_.truth().session()) <= small_work ? most_witnesses : few_witnesses;
      for (int w = 0;
           options_.witnesses && w < witnesses && !result.passed && original_.testify(w, feed, judges);
           ++w, ++spent_)
        said = measure(judges, *got, result);
      if (!said) {
        if (counts) give_up(title, "the original gives nothing but NaN");
        return false;
      }
    }
    if (!counts && !result.passed)
      note(title,
           "output '" + result.output + "' differs from the original (" +
               (result.mismatch.empty()
                    ? "error " + number(result.relative) + " over tolerance " + number(result.tolerance)
                    : result.mismatch) +
               "); numbers up to 100 are beyond what most networks are made for, so this counts for nothing");
    report_.cases.push_back(std::move(result));
    return true;
  }

  static std::string number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", v);
    return text;
  }

  std::vector<Judge> judges_of(const Outputs& truth) const {
    std::vector<Judge> judges;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const std::size_t o = i % output_dtypes_.size();
      judges.emplace_back(truth[i], output_dtypes_[o], quantizations_[o] ? &*quantizations_[o] : nullptr);
    }
    return judges;
  }

  /// Fills in what the judges say, by the output that is furthest off; returns whether they say anything.
  bool measure(const std::vector<Judge>& judges, const Outputs& got, Case& result) const {
    const graph::Graph& main = model_.graphs[0];
    double furthest = -1;  // in allowances
    bool said = false;
    result.passed = true;
    result.mismatch.clear();
    for (std::size_t i = 0; i < judges.size(); ++i) {
      const Finding finding = judges[i].judge(got[i]->view(), report_.tolerance);
      said = said || finding.said;
      result.passed = result.passed && finding.passed();
      if (!result.mismatch.empty()) continue;
      const double off = finding.relative / finding.allowance;
      if (finding.mismatch.empty() && off <= furthest) continue;
      furthest = off;
      result.output = main.value(main.outputs[i % main.outputs.size()]).name;
      result.tolerance = finding.allowance;
      result.relative = finding.relative;
      result.absolute = finding.absolute;
      result.mismatch = finding.mismatch;
    }
    return said || !result.passed;
  }

  /// Keeps the inputs with the truth, unless enough are kept or the original itself is too far from the truth for
  /// a tolerance to say (indices where values tie).
  void record(const Feed& feed) {
    if (static_cast<int>(tests_.size()) >= options_.self_tests) return;
    const Result<Outputs> truth = original_.truth().run(feed), own = original_.run(feed);
    if (!truth.ok() || !own.ok()) return;
    std::vector<Judge> judges = judges_of(*truth);
    for (int w = 0; precision_ == Precision::quantized && w < few_witnesses; ++w)
      original_.testify(w, feed, judges);
    graph::SelfTest test;
    test.tolerance = static_cast<float>(report_.tolerance);
    for (std::size_t o = 0; o < output_dtypes_.size(); ++o) {
      const Finding finding = judges[o].judge((*own)[o]->view(), report_.tolerance);
      test.tolerance = std::max(test.tolerance, static_cast<float>(judges[o].admitted()));
      test.outputs.push_back(in_type((*truth)[o], output_dtypes_[o]));
      const report::Difference off = report::measure((*own)[o]->view(), test.outputs[o]->view());
      if (!finding.passed() || (precision_ != Precision::quantized && !off.within(report_.tolerance))) return;
    }
    for (std::size_t i = 0; i < feed.inputs.size(); ++i) {
      const Tensor t = original_.truth().session().input(static_cast<int>(i));
      const graph::Graph& main = model_.graphs[0];
      test.inputs.push_back(constant(main.value(main.inputs[i]).dtype, t.shape, feed.inputs[i]));
    }
    tests_.push_back(std::move(test));
  }

  static graph::ConstantPtr constant(DType dtype, const Shape& shape, Buffer bytes) {
    auto c = std::make_shared<graph::Constant>();
    c->dtype = dtype;
    c->shape = shape;
    c->bytes = std::move(bytes);
    c->bytes.resize(TensorView(nullptr, dtype, shape).bytes());
    return c;
  }
  static graph::ConstantPtr in_type(const graph::ConstantPtr& from, DType dtype) {
    return from->dtype == dtype
               ? from
               : constant(dtype, from->shape, contents_of(report::reals(from->view()), dtype));
  }

  const graph::Model &reference_, &model_;
  const Options& options_;
  std::vector<graph::SelfTest>& tests_;
  Threads threads_;
  Precision precision_;
  Original original_;
  Side converted_;
  std::vector<bool> host_, fed_by_session_;  ///< per input; the latter: host inputs and states
  bool has_states_ = false;
  std::vector<DType> output_dtypes_;
  std::deque<std::optional<Quantization>> quantizations_;  ///< that the converted model's outputs carry
  std::vector<Buffer> host_contents_;
  bool refused_ = false;
  int spent_ = 0;           ///< inferences of the original at the current size
  std::uint64_t work_ = 0;  ///< multiply-adds of all of them
  std::string reason_ = "there was nothing to run";
  Report report_;
};

}  // namespace

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::agrees:
      return "agrees";
    case Verdict::differs:
      return "differs";
    default:
      return "not checked";
  }
}

const Case* Report::worst() const {
  const auto worse = [](const Case& a, const Case& b) {
    const auto key = [](const Case& c) {
      return std::tuple(c.counts, !c.passed + !c.mismatch.empty(), c.relative / c.tolerance);
    };
    return key(a) < key(b);
  };
  const auto found = std::max_element(cases.begin(), cases.end(), worse);
  return found == cases.end() || !found->counts ? nullptr : &*found;
}

Report check(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> bytes,
             const Options& options, std::vector<graph::SelfTest>& tests) {
  if (const auto custom = graph::custom_operators(optimized); !custom.empty()) {
    Report report;
    for (const std::string& op : custom)
      report.reason += (report.reason.empty() ? "its kernels are not in this program: " : ", ") + op;
    return report;
  }
  return Checker(reference, optimized, bytes, options, tests).run();
}

}  // namespace lithe::check
