// SPDX-License-Identifier: Apache-2.0
#include "tools/check/in_double.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "lithe/ops/bit_cast.hpp"
#include "lithe/ops/cast.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/operators.hpp"
#include "tools/report/difference.hpp"

namespace lithe::check {

namespace {

using graph::absent;
using graph::Graph;
using graph::Node;
using graph::ValueId;

bool is_narrow(DType dtype) { return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16; }

/// Which inputs and outputs of a node become f64.
struct Form {
  std::vector<bool> inputs, outputs;
};

class Widening {
 public:
  /// Graph inputs in `kept` keep their types.
  Widening(Graph& g, std::set<ValueId> kept) : graph_(g), kept_(std::move(kept)) {
    for (const graph::Value& v : g.values) dtypes_.push_back(v.dtype);
  }

  void run() {
    const std::vector<Node> nodes = std::exchange(graph_.nodes, {});
    for (std::size_t v = 0; v < dtypes_.size(); ++v)
      if (is_narrow(dtypes_[v]) && !graph_.values[v].constant) graph_.values[v].dtype = DType::f64;
    for (ValueId& input : graph_.inputs)
      if (kept_.contains(input) && is_narrow(dtype(input))) input = own_input(input);
    for (const Node& node : nodes) add(node);
    for (ValueId& output : graph_.outputs) output = wide(output);
  }

 private:
  DType dtype(ValueId v) const { return v == absent ? DType::none : dtypes_[static_cast<std::size_t>(v)]; }

  ValueId add_value(ValueId like, const char* suffix, DType dtype) {
    graph::Value value;
    value.name = graph_.value(like).name + suffix;
    value.dtype = dtype;
    value.dims = graph_.value(like).dims;
    dtypes_.push_back(dtype);
    return graph_.add_value(std::move(value));
  }

  void add_cast(ValueId from, ValueId to) {
    Node node;
    graph::set_attributes<ops::Cast>(node, {});
    node.inputs = {from};
    node.outputs = {to};
    graph_.nodes.push_back(std::move(node));
  }

  /// An input that keeps name and type of `inner`, which is computed from it.
  ValueId own_input(ValueId inner) {
    const ValueId input = add_value(inner, "", dtype(inner));
    std::swap(graph_.value(input).name, graph_.value(inner).name);
    graph_.value(input).host = graph_.value(inner).host;
    add_cast(input, inner);
    return input;
  }

  /// The f64 twin of a constant; values that nodes compute are f64 already.
  ValueId wide(ValueId v) {
    if (v == absent || !is_narrow(graph_.value(v).dtype)) return v;
    const auto [twin, fresh] = wide_.emplace(v, absent);
    if (fresh) {
      const graph::Constant& narrow = *graph_.constant(v);
      const std::vector<double> numbers = report::reals(narrow.view());
      twin->second = graph_.add_constant(graph::make_constant<double>(narrow.shape, numbers),
                                         graph_.value(v).name + "/f64");
      dtypes_.push_back(DType::f64);
    }
    return twin->second;
  }

  /// The value in the type that the original has it in.
  ValueId narrow(ValueId v) {
    if (v == absent || !is_narrow(dtype(v)) || graph_.value(v).dtype != DType::f64) return v;
    const auto [twin, fresh] = narrow_.emplace(v, absent);
    if (fresh) {
      twin->second = add_value(v, "/own", dtype(v));
      add_cast(v, twin->second);
    }
    return twin->second;
  }

  bool takes(const KernelEntry& kernel, const Node& node, const Form& form) const {
    const auto dtypes = [&](const std::vector<ValueId>& ids, const std::vector<bool>& wide) {
      std::vector<DType> result;
      for (std::size_t i = 0; i < ids.size(); ++i)
        result.push_back(is_narrow(dtype(ids[i])) && wide[i] ? DType::f64 : dtype(ids[i]));
      return result;
    };
    const std::vector<DType> in = dtypes(node.inputs, form.inputs), out = dtypes(node.outputs, form.outputs);
    const auto rows = kernel.op->types;
    return std::any_of(rows.begin(), rows.end(), [&](const TypeRow& row) { return matches(row, in, out); });
  }

  /// As many f64 values as the operator's type rows have, the first input and output among them; none where
  /// it has no such row.
  Form form(const Node& node) const {
    constexpr std::size_t most = 6;  // inputs whose types may differ
    const std::size_t inputs = node.inputs.size(), outputs = node.outputs.size();
    const KernelEntry* kernel = graph::find_kernel(node.op, node.version);
    if (kernel == nullptr || node.op == ops::BitCast::spec.name)
      return {std::vector<bool>(inputs), std::vector<bool>(outputs)};
    for (const bool all_outputs : {true, false}) {
      Form form{std::vector<bool>(inputs, true), std::vector<bool>(outputs, all_outputs)};
      if (outputs != 0) form.outputs[0] = true;
      for (std::size_t own = 0; own < (inputs == 0 || inputs > most ? 1 : std::size_t{1} << (inputs - 1));
           ++own) {
        for (std::size_t i = 1; i < inputs; ++i) form.inputs[i] = i >= most || (own >> (i - 1) & 1) == 0;
        if (takes(*kernel, node, form)) return form;
      }
    }
    return {std::vector<bool>(inputs), std::vector<bool>(outputs)};
  }

  /// Whether the node is there to round: a conversion to a narrower float.
  bool rounds(const Node& node) const {
    return node.op == ops::Cast::spec.name && is_narrow(dtype(node.outputs[0])) &&
           is_float(dtype(node.inputs[0])) && bits(dtype(node.inputs[0])) > bits(dtype(node.outputs[0]));
  }

  void add(Node node) {
    const Form as = form(node);
    const bool rounding = rounds(node);
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      node.inputs[i] = as.inputs[i] ? wide(node.inputs[i]) : narrow(node.inputs[i]);
    std::vector<std::pair<ValueId, ValueId>> casts;
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      ValueId& v = node.outputs[o];
      if (!is_narrow(dtype(v)) || (as.outputs[o] && !rounding)) continue;
      casts.emplace_back(add_value(v, "/own", dtype(v)), v);
      v = casts.back().first;
    }
    graph_.nodes.push_back(std::move(node));
    for (const auto& [from, to] : casts) add_cast(from, to);
  }

  Graph& graph_;
  std::set<ValueId> kept_;
  std::vector<DType> dtypes_;  ///< as the original has them
  std::map<ValueId, ValueId> wide_, narrow_;
};

/// Makes constants of what constants alone decide.
void fold(Graph& g) {
  std::vector<Node> kept;
  for (Node& node : g.nodes) {
    const auto results = graph::evaluate(g, node);
    if (!results) {
      kept.push_back(std::move(node));
      continue;
    }
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      if (node.outputs[o] == absent) continue;
      graph::Value& value = g.value(node.outputs[o]);
      value.constant = (*results)[o];
      value.dims.emplace(value.constant->shape.dims().begin(), value.constant->shape.dims().end());
    }
  }
  g.nodes = std::move(kept);
}

}  // namespace

graph::Model in_double(graph::Model model) {
  const std::vector<ValueId>& inputs = model.graphs[0].inputs;
  std::set<ValueId> kept(inputs.begin(), inputs.end());
  for (const graph::Signature& signature : model.signatures)
    for (const graph::State& state : signature.states)  // the session feeds them from outputs
      kept.erase(inputs[static_cast<std::size_t>(state.input)]);
  for (Graph& g : model.graphs) {
    Widening(g, &g == &model.graphs[0] ? kept : std::set<ValueId>()).run();
    fold(g);
    graph::remove_dead(g);
  }
  return model;
}

}  // namespace lithe::check
