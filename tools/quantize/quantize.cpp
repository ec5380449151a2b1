// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "tools/graph/hash.hpp"
#include "tools/graph/infer_dims.hpp"
#include "tools/graph/operators.hpp"
#include "tools/graph/writer.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/pipeline.hpp"
#include "tools/passes/weighted.hpp"
#include "tools/quantize/cache.hpp"
#include "tools/quantize/equalize.hpp"
#include "tools/quantize/insert.hpp"
#include "tools/quantize/observer.hpp"
#include "tools/quantize/select.hpp"
#include "tools/report/error.hpp"
#include "tools/report/number.hpp"
#include "tools/report/progress.hpp"

namespace lithe::quantize {

using graph::Graph;
using graph::Node;

namespace {

constexpr std::size_t trial_samples = 32;  ///< for each comparison of two ways
constexpr double outlier_factor = 4;       ///< largest value over the 99.99th percentile

void refuse_quantized(const graph::Model& model) {
  for (const Graph& g : model.graphs) {
    const bool nodes =
        std::any_of(g.nodes.begin(), g.nodes.end(), [](const Node& n) { return passes::is_quantizing(n); });
    const bool values = std::any_of(g.values.begin(), g.values.end(),
                                    [](const auto& v) { return v.quantization.has_value(); });
    if (nodes || values)
      report::bad_usage("--quantize int8: " + model.source_name +
                        " is quantized already; convert it without --quantize");
  }
}

/// The refusal of a model none of whose layers can run in int8; `left` says why.
[[noreturn]] void refuse_selection(const std::string& name, const std::vector<std::string>& left) {
  const std::string why = left.empty() ? "it has no convolution and no fully connected layer (MatMul, Gemm)"
                          : left.size() == 1 ? left[0]
                                             : left[0] + "; and " + std::to_string(left.size() - 1) + " more";
  report::bad_usage("--quantize int8: no layer of " + name + " can run in int8 (" + why +
                    "); convert it without --quantize");
}

class Quantizer {
 public:
  Quantizer(const graph::Model& floating, const Options& options, passes::PassLog& log)
      : options_(options),
        log_(log),
        floating_(floating),
        model_(floating),
        samples_(options.samples, floating, options.pixels) {}

  Quantized run() {
    const Selection all = select(main());
    if (all.nodes.empty()) refuse_selection(model_.source_name, all.left);
    calibrate(all);
    const std::set<std::string> unknown = without_range();
    std::set<std::string> keep = options_.max_drop < 0 ? std::set<std::string>() : nodes_to_keep(unknown);
    keep.insert(unknown.begin(), unknown.end());
    Quantized result = build(keep, log_);
    report_layers(result.report, keep);
    Judge judge(floating_, samples_, samples_.size(), options_.threads);
    result.report.accuracy = judge.compare(result.model);
    return result;
  }

 private:
  Graph& main() { return model_.graphs[0]; }

  /// Ranges, means and equalization, from the cache or the samples; puts the equalization into the model.
  void calibrate(const Selection& all) {
    CacheKey key;
    if (!options_.cache.empty()) {
      key = {graph::hex(graph::hash(graph::write(model_))), samples_.hash(), name(options_.method)};
      CacheAnswer answer = read_cache(options_.cache, key);
      if (!answer.refused.empty())
        notes_.push_back(options_.cache.string() + " is not used, for " + answer.refused +
                         "; calibrated again");
      if (answer.result) {
        notes_.push_back("calibration taken from " + options_.cache.string());
        equalize(main(), answer.result->equalization);
        calibration_ = std::move(answer.result->calibration);
        return;
      }
    }
    const Observations seen = observe(model_, all, samples_, options_.threads);
    note_outliers(seen);
    calibration_ = calibration_of(seen);
    const Equalization factors = try_equalization(seen);
    if (!options_.cache.empty()) write_cache(options_.cache, key, {calibration_, factors});
  }

  Calibration calibration_of(const Observations& seen) {
    Calibration result;
    const std::set<std::string> whole = never_clipped();
    for (const auto& [name, histogram] : seen.values)
      if (histogram.values() > 0 && histogram.not_finite() == 0)
        result.values[name] = choose(histogram, whole.contains(name) ? Method::minmax : options_.method);
    for (const auto& [name, channels] : seen.inputs) result.means[name] = channels.means();
    return result;
  }

  /// Equalizes the layers if that leaves less noise on some of the samples, and says with which factors.
  Equalization try_equalization(const Observations& seen) {
    Equalization factors = equalization(main(), seen);
    if (factors.empty()) return {};
    Judge judge(floating_, samples_, trial_samples, options_.threads);
    const double before = judge.compare(trial(without_range())).relative_noise();
    const auto plain = std::pair(model_, calibration_);
    equalize(main(), factors);
    calibration_ = calibration_of(observe(model_, select(main()), samples_, options_.threads));
    if (judge.compare(trial(without_range())).relative_noise() < before) return factors;
    std::tie(model_, calibration_) = plain;
    return {};
  }

  /// Results of the model, and what a Softmax or its like reads: there the largest values are what counts.
  std::set<std::string> never_clipped() {
    const Selection all = select(main());
    std::set<int> groups;
    const auto keep = [&](graph::ValueId v) {
      if (v >= 0) groups.insert(all.group[static_cast<std::size_t>(v)]);
    };
    for (graph::ValueId v : main().outputs) keep(v);
    for (const Node& node : main().nodes)
      if (graph::facts_of(node).extremes_decide) keep(node.inputs[0]);
    std::set<std::string> names;
    for (int g : groups)
      if (g >= 0)
        for (graph::ValueId root : all.groups[static_cast<std::size_t>(g)].roots)
          names.insert(main().value(root).name);
    return names;
  }

  /// Adds notes on outliers, values that are not finite, and dead channels.
  void note_outliers(const Observations& seen) {
    std::vector<std::pair<double, std::string>> outliers;
    for (const auto& [name, h] : seen.values) {
      const double common = h.magnitude(0.9999), largest = static_cast<double>(std::max(-h.low(), h.high()));
      if (common > 0 && largest > outlier_factor * common)
        outliers.emplace_back(largest / common, "'" + name + "' reaches " + report::number(largest) +
                                                    ", 99.99 % of it stays below " + report::number(common));
      if (h.not_finite() > 0)
        notes_.push_back("'" + name +
                         "' is not finite on some samples; what computes it stays in floating point");
    }
    std::sort(outliers.rbegin(), outliers.rend());
    if (!outliers.empty() && options_.method == Method::minmax)
      notes_.push_back(std::to_string(outliers.size()) + " of " + std::to_string(seen.values.size()) +
                       " tensors have outliers; try --calibration percentile, entropy or mse");
    for (std::size_t i = 0; i < outliers.size() && i < 3; ++i)
      notes_.push_back("outliers: " + outliers[i].second);
    note_dead_channels(seen);
  }
  void note_dead_channels(const Observations& seen) {
    std::vector<std::pair<std::size_t, std::string>> dead;
    for (const auto& [name, channels] : seen.inputs) {
      const auto count =
          static_cast<std::size_t>(std::count(channels.largest.begin(), channels.largest.end(), 0.0f));
      if (count > 0)
        dead.emplace_back(count, std::to_string(count) + " of the " +
                                     std::to_string(channels.largest.size()) + " that the layer of '" + name +
                                     "' reads");
    }
    if (dead.empty()) return;
    std::sort(dead.rbegin(), dead.rend());
    std::string text = "dead channels, 0 on all samples: " + dead[0].second;
    for (std::size_t i = 1; i < dead.size() && i < 3; ++i) text += ", " + dead[i].second;
    if (dead.size() > 3) text += ", and of " + std::to_string(dead.size() - 3) + " layers more";
    notes_.push_back(text);
  }

  /// Nodes that touch a value of which no range is known.
  std::set<std::string> without_range() {
    std::set<std::string> names;
    const Selection all = select(main());
    std::vector<bool> known(all.groups.size(), true);
    for (std::size_t g = 0; g < known.size(); ++g)
      for (graph::ValueId root : all.groups[g].roots)
        known[g] = known[g] && calibration_.values.contains(main().value(root).name);
    for (int n : all.nodes) {
      const Node& node = main().nodes[static_cast<std::size_t>(n)];
      std::vector<graph::ValueId> touched = node.inputs;
      touched.insert(touched.end(), node.outputs.begin(), node.outputs.end());
      for (graph::ValueId v : touched)
        if (const int g = v < 0 ? -1 : all.group[static_cast<std::size_t>(v)];
            g >= 0 && !known[static_cast<std::size_t>(g)])
          names.insert(key_of(main(), node));
    }
    return names;
  }

  graph::Model trial(const std::set<std::string>& keep) {
    passes::PassLog unread;
    return build(keep, unread).model;
  }
  Quantized build(const std::set<std::string>& keep, passes::PassLog& log) {
    Quantized q;
    q.reference = model_;
    insert_quantizers(q.reference.graphs[0], select(main(), keep), calibration_);
    graph::infer_dims(q.reference.graphs[0]);
    q.model = q.reference;
    passes::run_pipeline(q.model, log);
    graph::infer_dims(q.model.graphs[0]);
    return q;
  }

  /// Nodes by the tensors that they share: what a tensor's range spoils is mended when all that touch it are
  /// in float.
  std::vector<std::set<std::string>> units() {
    const Selection all = select(main());
    std::vector<std::set<std::string>> result(all.groups.size());
    for (int n : all.nodes) {
      const Node& node = main().nodes[static_cast<std::size_t>(n)];
      for (const auto& values : {node.inputs, node.outputs})
        for (graph::ValueId v : values)
          if (const int g = v < 0 ? -1 : all.group[static_cast<std::size_t>(v)]; g >= 0)
            result[static_cast<std::size_t>(g)].insert(key_of(main(), node));
    }
    return result;
  }

  /// The fewest nodes whose staying in float brings the error below the limit, found by halving among the
  /// units: those first that alone on int8 give most noise.
  std::set<std::string> nodes_to_keep(const std::set<std::string>& unknown) {
    Judge every(floating_, samples_, samples_.size(), options_.threads);
    const auto good = [&](std::set<std::string> keep) {
      keep.insert(unknown.begin(), unknown.end());
      return every.compare(trial(keep)).error() <= options_.max_drop;
    };
    if (good({})) return {};
    const std::vector<std::pair<double, std::set<std::string>>> ranked = ranked_units(unknown);
    const auto first = [&](std::size_t count) {
      std::set<std::string> keys;
      for (std::size_t i = 0; i < count; ++i) keys.insert(ranked[i].second.begin(), ranked[i].second.end());
      return keys;
    };
    std::size_t too_few = 0, enough = ranked.size();
    while (enough - too_few > 1) {
      const std::size_t middle = too_few + (enough - too_few) / 2;
      (good(first(middle)) ? enough : too_few) = middle;
    }
    return kept_ = first(enough);
  }

  std::vector<std::pair<double, std::set<std::string>>> ranked_units(const std::set<std::string>& unknown) {
    Judge judge(floating_, samples_, trial_samples, options_.threads);
    std::vector<std::pair<double, std::set<std::string>>> ranked;
    std::set<std::string> all = unknown;
    for (int n : select(main()).nodes) all.insert(key_of(main(), main().nodes[static_cast<std::size_t>(n)]));
    const std::vector<std::set<std::string>> candidates = units();
    report::Progress progress("ranking nodes", candidates.size());
    for (const std::set<std::string>& unit : candidates) {
      std::set<std::string> others = all;
      for (const std::string& key : unit)
        if (!unknown.contains(key)) others.erase(key);
      ranked.emplace_back(judge.compare(trial(others)).relative_noise(), unit);
      progress.advance();
    }
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    return ranked;
  }

  void report_layers(Report& report, const std::set<std::string>& keep) {
    const Selection chosen = select(main(), keep);
    for (const Node& node : main().nodes) report.layers += passes::is_weighted(node);
    for (int n : chosen.nodes)
      report.int8_layers += passes::is_weighted(main().nodes[static_cast<std::size_t>(n)]);
    report.left = select(main()).left;
    for (const Node& node : main().nodes)
      if (kept_.contains(key_of(main(), node)))
        report.kept.push_back(graph::node_title(main(), node) + " (" + node.op + ")");
    report.notes = notes_;
  }

  const Options& options_;
  passes::PassLog& log_;
  const graph::Model& floating_;
  graph::Model model_;  ///< the same, equalized by calibrate()
  Samples samples_;
  Calibration calibration_;
  std::set<std::string> kept_;  ///< for max_drop
  std::vector<std::string> notes_;
};

}  // namespace

Quantized quantize_model(const graph::Model& floating, const Options& options, passes::PassLog& log) {
  refuse_quantized(floating);
  return Quantizer(floating, options, log).run();
}

}  // namespace lithe::quantize
