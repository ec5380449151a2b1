// SPDX-License-Identifier: Apache-2.0
#include "tools/check/check.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "lithe/session.hpp"
#include "tools/check/comparison.hpp"
#include "tools/check/inputs.hpp"
#include "tools/check/random.hpp"
#include "tools/check/shape_contents.hpp"
#include "tools/check/side.hpp"
#include "tools/check/sizes.hpp"
#include "tools/check/told.hpp"
#include "tools/graph/operators.hpp"
#include "tools/report/error.hpp"
#include "tools/report/number.hpp"

namespace lithe::check {

namespace {

/// What a case costs in inferences of the original: the truth twice as much, the converted model at most as much.
constexpr int case_inferences = 3;
constexpr int most_inferences = 10;  ///< at one size, unless a difference is looked into

class Checker {
 public:
  Checker(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> file,
          const Options& options, std::vector<graph::SelfTest>& tests)
      : reference_(reference),
        model_(optimized),
        options_(options),
        tests_(tests),
        comparison_(reference, optimized, file, options) {
    for (const graph::ValueId v : optimized.graphs[0].inputs)
      host_.push_back(optimized.graphs[0].value(v).host);
    fed_by_session_ = host_;
    for (const graph::State& s : optimized.signatures[0].states)
      fed_by_session_[static_cast<std::size_t>(s.input)] = has_states_ = true;
    report_.tolerance = comparison_.tolerance();
  }

  Report run() {
    if (options_.samples.empty()) {
      const std::vector<Sizes> all = settings(model_);
      const Sizes& recorded = all[all.size() > 1 ? 1 : 0];
      for (const Sizes& sizes : all) near(sizes, sizes == recorded);
      for (const Sizes& sizes : larger_settings(model_))
        if (!says_something()) at(sizes, false);
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
    if (options_.samples.empty() && too_large_)
      throw report::Failure(
          report::exits::bad_input,
          "it needs more memory than there may be at every size tried: " + reason_ +
              "; give smaller sizes with --shape NAME=... or --range NAME:AXIS=MIN..OPT..MAX, or "
              "write it all the same with --no-check");
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
      too_large_ = too_large_ && status.code() == Code::out_of_memory;
      if (status.ok()) return !refused_;
      why = comparison_.original().explain(status);
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
    LITHE_TRY(comparison_.original().resize(wanted, report_.notes));
    const Status converted = comparison_.converted().resize(wanted);
    if (converted.ok()) return {};
    refused_ = true;
    if (!has_empty_values(truth()))  // a mean of nothing is NaN, which integers do not have
      throw report::Failure(report::exits::failed_check,
                            "the converted model refuses a shape" +
                                (where.empty() ? "" : " (" + where + ")") + " that the original takes: " +
                                comparison_.converted().explain(converted) + "; please report this model");
    give_up(where, comparison_.converted().explain(converted));
    return {};
  }

  Feed feed_of(Contents contents, Random& random) {
    Feed feed{{}, fed_by_session_, has_states_ ? 2 : 1};
    std::vector<std::optional<std::vector<double>>> likely(host_.size());
    const graph::Graph& main = model_.graphs[0];
    if (contents == Contents::random) {
      likely = told(truth().inspect(), random);
      zeros_count_ = true;
      for (std::size_t i = 0; i < likely.size(); ++i)
        if (likely[i] && is_float(main.value(main.inputs[i]).dtype)) zeros_count_ = false;
    }
    for (std::size_t i = 0; i < host_.size(); ++i) {
      const Shape shape = truth().input(static_cast<int>(i)).shape;
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
    return (run <= Comparison::small_work || spent_ + case_inferences <= most_inferences) &&
           run * case_inferences <= left;
  }

  /// At these sizes, or at the first of their variants that says something; `records` self-tests there.
  void near(const Sizes& sizes, bool records) {
    const auto first = static_cast<std::ptrdiff_t>(report_.notes.size());
    if (at(sizes, records)) return;
    const std::vector<std::string> notes = report_.notes;
    const std::string reason = reason_;
    for (const Sizes& variant : variants(model_, sizes)) {
      report_.notes.erase(report_.notes.begin() + first, report_.notes.end());
      if (at(variant, records)) return;
    }
    report_.notes = notes;
    reason_ = reason;
  }

  /// Returns whether the inputs of these sizes said something, or are too many to compare.
  bool at(const Sizes& sizes, bool records) {
    const std::string where = sizes_text(model_, sizes);
    const std::size_t cases = report_.cases.size();
    if (!resize(sizes, where)) return false;
    const std::uint64_t run = work(truth());
    spent_ = 0;
    if (!affordable(run) && says_something() && !has_bounds(model_)) {
      note(where, "not compared, since an inference of the original takes " + millions(run));
      return true;
    }
    Random random(1);
    if (!compare(where, name(Contents::random), feed_of(Contents::random, random)))
      compare(where, name(Contents::positive), feed_of(Contents::positive, random));
    std::string left_out;
    for (const Contents contents : {Contents::zero, Contents::large}) {
      Feed feed = feed_of(contents, random);
      if (affordable(run))
        compare(where, name(contents), feed, contents == Contents::zero && zeros_count_);
      else
        left_out += (left_out.empty() ? "" : " and ") + std::string(name(contents));
    }
    if (!left_out.empty())
      note(where, "not compared with " + left_out + " inputs, since an inference of the original takes " +
                      millions(run));
    if (records || tests_.empty())
      for (int i = 0; i < 2 * options_.self_tests; ++i) record(feed_of(Contents::random, random));
    return report_.cases.size() > cases;
  }

  static std::string millions(std::uint64_t work) {
    return std::to_string(work / 1'000'000) + " million multiply-adds";
  }

  /// What the symbols are in a sample; 1 where it does not say.
  Sizes sizes_of(const Sample& sample) const {
    const graph::Graph& main = reference_.graphs[0];
    Sizes sizes(model_.symbols.size(), 1);
    for (std::size_t i = 0; i < sample.size(); ++i) {
      if (!sample[i]) continue;
      const graph::Dims dims = main.value(main.inputs[i]).dims.value_or(graph::Dims{});
      for (std::size_t d = 0; d < dims.size(); ++d)
        if (const auto s = symbol_of(dims[d]); s >= 0)
          sizes[static_cast<std::size_t>(s)] =
              static_cast<std::uint64_t>(sample[i]->shape[static_cast<int>(d)]);
    }
    return sizes;
  }

  void on_sample(std::size_t number) {
    const graph::Graph& main = reference_.graphs[0];
    const Sample& sample = options_.samples[number];
    const std::string contents = "sample " + std::to_string(number + 1);
    const Sizes sizes = sizes_of(sample);
    std::vector<Shape> shapes;
    std::vector<Buffer> buffers;
    for (std::size_t i = 0; i < sample.size(); ++i) {
      shapes.push_back(sample[i] ? sample[i]->shape : shape_of(main.inputs[i], sizes));
      buffers.push_back(sample[i] ? sample[i]->bytes : Buffer());
    }
    const std::string where = sizes_text(model_, sizes);
    if (const Status status = resize(shapes, buffers, where); !status.ok())
      return give_up(contents, comparison_.original().explain(status));
    if (refused_) return;
    const std::uint64_t run = work(truth());
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
    Outcome outcome = comparison_.compare(feed);
    spent_ += case_inferences + outcome.witnesses;
    work_ += work(truth()) * case_inferences;
    if (!outcome.found) {
      if (counts) give_up(title, outcome.silence);
      return false;
    }
    Case& result = *outcome.found;
    result.shapes = where;
    result.contents = contents;
    result.counts = counts;
    if (!counts && !result.passed)
      note(title, "output '" + result.output + "' differs from the original (" + result.difference() +
                      "); such inputs are not what networks are made for, so this counts for nothing");
    report_.cases.push_back(std::move(result));
    return true;
  }

  /// Keeps a self-test, unless enough are kept.
  void record(const Feed& feed) {
    if (static_cast<int>(tests_.size()) >= options_.self_tests) return;
    if (auto test = comparison_.self_test(feed)) tests_.push_back(*std::move(test));
  }

  /// The session of the truth, at the current shapes.
  Session& truth() { return comparison_.original().truth().session(); }

  const graph::Model &reference_, &model_;
  const Options& options_;
  std::vector<graph::SelfTest>& tests_;
  Comparison comparison_;
  std::vector<bool> host_, fed_by_session_;  ///< per input; the latter: host inputs and states
  bool has_states_ = false;
  std::vector<Buffer> host_contents_;
  bool refused_ = false;
  bool too_large_ = true;    ///< memory did not suffice at any size so far
  bool zeros_count_ = true;  ///< the graph does not tell that its inputs lie elsewhere
  int spent_ = 0;            ///< inferences of the original at the current size
  std::uint64_t work_ = 0;   ///< multiply-adds of all of them
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

std::string Case::difference() const {
  if (!mismatch.empty()) return mismatch;
  return "error " + report::number(relative) + " over tolerance " + report::number(tolerance);
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
