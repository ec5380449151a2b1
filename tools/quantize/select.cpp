// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/select.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/quantized.hpp"
#include "tools/passes/weighted.hpp"

namespace lithe::quantize {

using graph::Graph;
using graph::Node;
using graph::ValueId;

namespace {

class Selector {
 public:
  Selector(const Graph& graph, const std::set<std::string>& keep)
      : graph_(graph), keep_(keep), producer_(graph::producers(graph)), parent_(graph.values.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  Selection run() {
    join_movers();
    choose_nodes();
    leave_tail();
    make_groups();
    return std::move(result_);
  }

 private:
  std::size_t find(ValueId v) const {
    auto i = static_cast<std::size_t>(v);
    while (parent_[i] != i) i = parent_[i];
    return i;
  }
  bool real(ValueId v) const {
    return v >= 0 && graph_.value(v).dtype == DType::f32 && !graph_.value(v).constant;
  }

  /// The tensors that a mover moves; empty where it moves something else than computed f32.
  std::vector<ValueId> moved(const Node& node) const {
    if (!passes::moves_elements(node) || keep_.contains(key_of(graph_, node))) return {};
    std::vector<ValueId> values(node.inputs.begin(), node.inputs.begin() + passes::data_inputs(node));
    for (ValueId v : node.outputs)
      if (v >= 0) values.push_back(v);
    const bool all = std::all_of(values.begin(), values.end(), [&](ValueId v) { return real(v); });
    return all ? values : std::vector<ValueId>();
  }
  void join_movers() {
    for (const Node& node : graph_.nodes) {
      const std::vector<ValueId> values = moved(node);
      for (ValueId v : values) parent_[find(v)] = find(values[0]);
      moves_.push_back(!values.empty());
    }
  }

  /// Why a layer stays in float; empty where it does not.
  std::string refusal(const Node& node) const {
    if (keep_.contains(key_of(graph_, node))) return "kept in floating point";
    const auto& rows = graph::find_kernel(node.op, node.version)->op->types;
    const DType in[] = {DType::s8, DType::s8, DType::s32}, out[] = {DType::s8};
    if (std::none_of(rows.begin(), rows.end(), [&](const TypeRow& row) { return matches(row, in, out); }))
      return "no kernel for int8";
    if (!real(node.inputs[0]) || !real(node.outputs[0])) return "does not compute with f32";
    for (int i = 1; i < 3; ++i)
      if (const ValueId v = passes::input(node, i); v >= 0 && !graph_.value(v).constant)
        return "its weights are not constant";
    return {};
  }

  void choose_nodes() {
    std::set<std::size_t> stored;  // groups all of whose roots are computed on s8
    std::map<std::size_t, std::vector<int>> roots;
    for (int n = 0; n < nodes(); ++n)
      for (ValueId v : node(n).outputs)
        if (v >= 0 && !moves_[static_cast<std::size_t>(n)]) roots[find(v)].push_back(n);
    for (ValueId v : graph_.inputs) roots[find(v)].push_back(-1);
    const auto is_stored = [&](ValueId v) {
      const auto& from = roots[find(v)];
      return real(v) && !from.empty() &&
             std::all_of(from.begin(), from.end(), [&](int n) { return result_.nodes.contains(n); });
    };
    for (int n = 0; n < nodes(); ++n) {
      if (passes::is_weighted(node(n))) {
        const std::string why = refusal(node(n));
        if (why.empty())
          result_.nodes.insert(n);
        else
          result_.left.push_back(graph::node_title(graph_, node(n)) + ": " + why);
      } else if (graph::facts_of(node(n)).multiply_adds != nullptr) {
        const auto& inputs = node(n).inputs;
        const auto computed = std::count_if(inputs.begin(), inputs.end(), [&](ValueId v) { return real(v); });
        const bool constant = std::any_of(inputs.begin(), inputs.end(),
                                          [&](ValueId v) { return v >= 0 && graph_.value(v).constant; });
        if (computed == 0) continue;
        const bool two_sides = computed > 1 && !constant;
        result_.left.push_back(graph::node_title(graph_, node(n)) +
                               (two_sides ? ": neither side is constant" : ": no kernel for int8"));
      } else if (follows(node(n), is_stored)) {
        result_.nodes.insert(n);
      }
    }
  }
  bool follows(const Node& node, const auto& is_stored) const {
    const int tensors = graph::facts_of(node).quantizable.inputs;
    if (tensors == 0 || moves_[static_cast<std::size_t>(&node - graph_.nodes.data())] ||
        keep_.contains(key_of(graph_, node)) || !real(node.outputs[0]))
      return false;
    bool computed = false;
    for (int i = 0; i < tensors; ++i) {
      const ValueId v = passes::input(node, i);
      const graph::Constant* constant = graph_.constant(v);
      if (constant == nullptr ? !is_stored(v) : constant->dtype != DType::f32) return false;
      computed = computed || constant == nullptr;
    }
    return computed;
  }

  /// Arithmetic that no layer reads any more goes back to float.
  void leave_tail() {
    std::set<std::size_t> read;  // groups that some later layer needs
    for (int n = nodes() - 1; n >= 0; --n) {
      const bool layer = passes::is_weighted(node(n)) && result_.nodes.contains(n);
      const bool needed = std::any_of(node(n).outputs.begin(), node(n).outputs.end(),
                                      [&](ValueId v) { return v >= 0 && read.contains(find(v)); });
      if (layer || needed)
        for (ValueId v : node(n).inputs)
          if (real(v)) read.insert(find(v));
      if (layer || needed || passes::is_weighted(node(n))) continue;
      if (!graph::facts_of(node(n)).quantizable.at_end) result_.nodes.erase(n);
    }
    // What read the results of nodes that went back goes back too.
    for (bool changed = true; changed;) {
      changed = false;
      for (int n = 0; n < nodes(); ++n) {
        if (!result_.nodes.contains(n) || passes::is_weighted(node(n))) continue;
        for (int i = 0; i < graph::facts_of(node(n)).quantizable.inputs; ++i)
          if (const ValueId v = passes::input(node(n), i); real(v) && !computed_on_s8(v)) {
            result_.nodes.erase(n);
            changed = true;
          }
      }
    }
  }
  bool computed_on_s8(ValueId v) const {
    for (std::size_t i = 0; i < parent_.size(); ++i) {
      const int n = producer_[i];
      const bool root = n >= 0 && !moves_[static_cast<std::size_t>(n)];
      if (root && find(static_cast<ValueId>(i)) == find(v) && !result_.nodes.contains(n)) return false;
    }
    return true;
  }

  /// The step that spreads 256 numbers over an output whose range the operator knows.
  static std::optional<passes::Step> natural_step(const Node& node) {
    const Clamp* range = graph::facts_of(node).output_range;
    if (range == nullptr || !std::isfinite(range->min) || !std::isfinite(range->max)) return std::nullopt;
    const float scale = (range->max - range->min) / 256;
    return passes::Step{DType::s8, scale, static_cast<int>(std::lround(-128 - range->min / scale))};
  }

  void make_groups() {
    std::map<std::size_t, int> numbers;
    const auto use = [&](ValueId v) {
      if (real(v) && numbers.emplace(find(v), static_cast<int>(result_.groups.size())).second)
        result_.groups.emplace_back();
    };
    for (int n : result_.nodes) {
      const int tensors = passes::quantized_inputs(node(n));
      for (int i = 0; i < tensors; ++i) use(passes::input(node(n), i));
      use(node(n).outputs[0]);
    }
    result_.group.assign(graph_.values.size(), -1);
    for (ValueId v = 0; v < static_cast<ValueId>(graph_.values.size()); ++v) {
      const auto found = real(v) ? numbers.find(find(v)) : numbers.end();
      if (found == numbers.end()) continue;
      result_.group[static_cast<std::size_t>(v)] = found->second;
      const int n = producer_[static_cast<std::size_t>(v)];
      if (n >= 0 && moves_[static_cast<std::size_t>(n)]) continue;
      Group& group = result_.groups[static_cast<std::size_t>(found->second)];
      group.roots.push_back(v);
      group.fixed = group.roots.size() == 1 && n >= 0 ? natural_step(node(n)) : std::nullopt;
    }
  }

  const Node& node(int n) const { return graph_.nodes[static_cast<std::size_t>(n)]; }
  int nodes() const { return static_cast<int>(graph_.nodes.size()); }

  const Graph& graph_;
  const std::set<std::string>& keep_;
  std::vector<int> producer_;
  std::vector<std::size_t> parent_;
  std::vector<bool> moves_;
  Selection result_;
};

}  // namespace

const std::string& key_of(const Graph& graph, const Node& node) {
  static const std::string none;
  for (ValueId v : node.outputs)
    if (v >= 0) return graph.value(v).name;
  return none;
}

Selection select(const Graph& graph, const std::set<std::string>& keep) {
  return Selector(graph, keep).run();
}

}  // namespace lithe::quantize
