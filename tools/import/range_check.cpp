// SPDX-License-Identifier: Apache-2.0
#include "tools/import/range_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "lithe/format/reader.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/sampled_shapes.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::import {

namespace {

using Sizes = std::vector<std::int64_t>;  ///< by symbol

std::string inputs_text(const graph::Graph& g, const graph::Node& node) {
  std::string text;
  for (const graph::ValueId input : node.inputs) {
    if (input == graph::absent) continue;
    text += (text.empty() ? "" : ", ") + report::dims_text(g.value(input).dims.value_or(graph::Dims{}));
  }
  return text;
}

/// Why the main graph cannot run at these sizes; empty: nothing speaks against it.
std::string refusal(const graph::Model& model, const Sizes& sizes) {
  constexpr graph::EvaluationLimits small_values{.result_bytes = 4096, .work = 4096};
  graph::Graph g = model.graphs[0];
  for (graph::Value& v : g.values)
    if (v.dims)
      for (std::int64_t& d : *v.dims)
        if (symbol_of(d) >= 0) d = sizes[static_cast<std::size_t>(symbol_of(d))];
  graph::SampledShapes shapes;
  for (const graph::Node& node : g.nodes) {
    const Status status = shapes.infer(g, node);
    if (status.code() == Code::shape)
      return graph::node_title(g, node) + " (" + node.op + "): " + status.text() + ", its inputs are " +
             inputs_text(g, node);
    const auto contents = graph::evaluate(g, node, small_values);
    for (std::size_t o = 0; contents && o < node.outputs.size(); ++o)
      if (node.outputs[o] != graph::absent) g.value(node.outputs[o]).constant = (*contents)[o];
  }
  return {};
}

/// The number of the symbol that a range bounds, or -1; apply_ranges says what is wrong with it.
std::int64_t symbol_number(const graph::Model& model, const Range& range) {
  const graph::Graph& g = model.graphs[0];
  for (const graph::ValueId input : g.inputs) {
    const auto& dims = g.value(input).dims;
    const auto axis = static_cast<std::size_t>(range.axis);
    if (g.value(input).name == range.input && dims && range.axis >= 0 && axis < dims->size())
      return symbol_of((*dims)[axis]);
  }
  return -1;
}

class RangeCheck {
 public:
  RangeCheck(const graph::Model& model, const std::vector<Range>& ranges) : model_(model) {
    for (const Range& r : ranges)
      if (const std::int64_t symbol = symbol_number(model, r); symbol >= 0) ranges_[symbol] = &r;
    for (const graph::Value& v : model.graphs[0].values)
      if (v.constant)
        for (const index_t d : v.constant->shape.dims())
          if (d > 0) told_.insert(d);
  }

  void run() {
    for (const auto& [symbol, range] : ranges_) check(symbol, *range);
  }

 private:
  static constexpr std::size_t most_tries = 32;
  static constexpr std::int64_t usual[] = {1, 2, 7, 64, 224};

  /// Empty where the model can run with the symbol at this size and the others at some of theirs.
  std::string refusal_at(std::int64_t symbol, std::int64_t size) const {
    std::string first;
    for (const std::int64_t other : usual) {
      Sizes sizes(model_.symbols.size(), other);
      for (const auto& [number, range] : ranges_)
        sizes[static_cast<std::size_t>(number)] = inside(*range, other);
      sizes[static_cast<std::size_t>(symbol)] = size;
      const std::string why = refusal(model_, sizes);
      if (why.empty()) return {};
      if (first.empty()) first = why;
      if (sizes.size() == 1) break;
    }
    return first;
  }

  static std::int64_t inside(const Range& range, std::int64_t size) {
    const auto low = static_cast<std::int64_t>(range.min), high = static_cast<std::int64_t>(range.max);
    return high == 0 ? std::max(size, low) : std::clamp(size, low, std::max(low, high));
  }

  /// Sizes that may fit: usual ones, and those that the model's constants have, the nearest to `high` below and above it.
  std::vector<std::int64_t> candidates(std::int64_t high) const {
    std::set<std::int64_t> all(std::begin(usual), std::end(usual));
    const auto above = told_.upper_bound(high);
    std::size_t tries = 0;
    for (auto at = above; at != told_.begin() && tries < most_tries; ++tries) all.insert(*--at);
    tries = 0;
    for (auto at = above; at != told_.end() && tries < most_tries / 2; ++tries) all.insert(*at++);
    return {all.begin(), all.end()};
  }

  void check(std::int64_t symbol, const Range& range) const {
    const auto low = static_cast<std::int64_t>(range.min), opt = static_cast<std::int64_t>(range.opt);
    const std::int64_t high = range.max != 0 ? static_cast<std::int64_t>(range.max) : std::max(low, opt);
    if (low > high || (opt != 0 && (opt < low || opt > high))) return;  // apply_ranges says so
    const std::string why = refusal_at(symbol, high);
    if (why.empty()) return;
    std::set<std::int64_t> within{low};
    if (opt != 0) within.insert(opt);
    for (std::int64_t size = low; size < high && size - low < 16; ++size) within.insert(size);
    std::int64_t fits_within = -1, fits = -1;
    const std::vector<std::int64_t> sizes = candidates(high);
    for (const std::int64_t size : sizes)
      if (size > low && size < high) within.insert(size);
    for (const std::int64_t size : within)
      if (refusal_at(symbol, size).empty()) fits_within = size;
    for (auto size = sizes.rbegin(); size != sizes.rend() && fits_within < 0 && fits < 0; ++size)
      if ((*size < low || *size > high) && refusal_at(symbol, *size).empty()) fits = *size;
    if (fits_within < 0 && fits < 0) return;  // it is not the range that is wrong
    const std::string bounds = std::to_string(range.min) +
                               (range.opt != 0 ? ".." + std::to_string(range.opt) : "") + ".." +
                               std::to_string(range.max);
    report::bad_usage("--range " + range.input + ":" + std::to_string(range.axis) + "=" + bounds + ": " +
                      (fits_within < 0 ? "no size in it fits the model"
                                       : "its largest, for which memory is planned, does not fit the model") +
                      ": at " + std::to_string(high) + ", " + why + "; a size that fits is " +
                      std::to_string(fits_within < 0 ? fits : fits_within));
  }

  const graph::Model& model_;
  std::map<std::int64_t, const Range*> ranges_;  ///< by symbol
  std::set<std::int64_t> told_;                  ///< sizes of constants
};

}  // namespace

void check_ranges(const graph::Model& model, const std::vector<Range>& ranges) {
  if (!ranges.empty()) RangeCheck(model, ranges).run();
}

}  // namespace lithe::import
