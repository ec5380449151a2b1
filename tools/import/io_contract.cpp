// SPDX-License-Identifier: Apache-2.0
#include "tools/import/io_contract.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "lithe/format/reader.hpp"
#include "tools/graph/bound_node.hpp"
#include "tools/graph/infer_dims.hpp"
#include "tools/graph/operators.hpp"
#include "tools/report/error.hpp"

namespace lithe::import {

namespace {

using graph::Graph;
using graph::Node;
using graph::Value;
using graph::ValueId;

int find(const Graph& g, const std::vector<ValueId>& ids, const std::string& name) {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (g.value(ids[i]).name == name) return static_cast<int>(i);
  return -1;
}

std::string names(const Graph& g, const std::vector<ValueId>& ids) {
  std::string text;
  for (ValueId v : ids) text += (text.empty() ? "" : ", ") + g.value(v).name;
  return text;
}

/// A symbol got a number: it stands everywhere.
void fix_symbol(graph::Model& model, int symbol, std::uint64_t size) {
  for (Graph& g : model.graphs)
    for (Value& v : g.values)
      if (v.dims)
        std::replace(v.dims->begin(), v.dims->end(), dim_of_symbol(symbol), static_cast<std::int64_t>(size));
}

/// Drops symbols that no dimension names any more.
void drop_unused_symbols(graph::Model& model) {
  std::vector<std::int64_t> renumbered(model.symbols.size(), -1);
  std::vector<graph::Symbol> kept;
  for (Graph& g : model.graphs)
    for (Value& v : g.values)
      for (auto& d : v.dims ? *v.dims : graph::Dims{})
        if (symbol_of(d) >= 0) renumbered[static_cast<std::size_t>(symbol_of(d))] = 0;
  for (std::size_t s = 0; s < renumbered.size(); ++s) {
    if (renumbered[s] != 0) continue;
    renumbered[s] = static_cast<std::int64_t>(kept.size());
    kept.push_back(model.symbols[s]);
  }
  for (Graph& g : model.graphs)
    for (Value& v : g.values)
      if (v.dims)
        for (auto& d : *v.dims)
          if (symbol_of(d) >= 0) d = dim_of_symbol(renumbered[static_cast<std::size_t>(symbol_of(d))]);
  model.symbols = std::move(kept);
}

}  // namespace

void apply_ranges(graph::Model& model, const std::vector<Range>& ranges) {
  Graph& g = model.graphs[0];
  std::vector<std::pair<int, std::uint64_t>> fixed;
  for (const Range& r : ranges) {
    const std::string what = "--range " + r.input + ":" + std::to_string(r.axis) + ": ";
    const int i = find(g, g.inputs, r.input);
    if (i < 0)
      report::bad_usage(what + "no input is called '" + r.input + "'; the inputs are " + names(g, g.inputs));
    const Value& v = g.value(g.inputs[static_cast<std::size_t>(i)]);
    if (!v.dims || r.axis < 0 || static_cast<std::size_t>(r.axis) >= v.dims->size())
      report::bad_usage(what + "the input has no such axis");
    const std::int64_t dim = (*v.dims)[static_cast<std::size_t>(r.axis)];
    if (dim >= 0)
      report::bad_usage(what + "this dimension is fixed at " + std::to_string(dim) +
                        "; change it with --shape");
    if ((r.max != 0 && r.min > r.max) || (r.opt != 0 && (r.opt < r.min || (r.max != 0 && r.opt > r.max))))
      report::bad_usage(what + "MIN <= OPT <= MAX must hold");
    const int symbol = static_cast<int>(symbol_of(dim));
    graph::Symbol& s = model.symbols[static_cast<std::size_t>(symbol)];
    const bool same = s.min == r.min && s.opt == r.opt && s.max == r.max;
    if ((s.min != 1 || s.opt != 0 || s.max != 0) && !same)
      report::bad_usage(what + "symbol '" + s.name + "' already has another range");
    s.min = r.min;
    s.opt = r.opt;
    s.max = r.max;
    if (r.min == r.max) fixed.emplace_back(symbol, r.min);
  }
  for (const auto& [symbol, size] : fixed) fix_symbol(model, symbol, size);
  drop_unused_symbols(model);
  for (Graph& each : model.graphs) graph::infer_dims(each);
}

namespace {

/// "INPUT=OUTPUT", split at its first '=', again at the one where both sides are names of the graph.
std::pair<std::string, std::string> split_state(const Graph& g,
                                                const std::pair<std::string, std::string>& given) {
  const std::string text = given.first + "=" + given.second;
  for (std::size_t at = text.find('='); at != std::string::npos; at = text.find('=', at + 1))
    if (find(g, g.inputs, text.substr(0, at)) >= 0 && find(g, g.outputs, text.substr(at + 1)) >= 0)
      return {text.substr(0, at), text.substr(at + 1)};
  return given;
}

}  // namespace

void apply_states(graph::Model& model, const std::vector<std::pair<std::string, std::string>>& states) {
  const Graph& g = model.graphs[0];
  std::set<int> inputs, outputs;
  for (const auto& given : states) {
    const auto [input, output] = split_state(g, given);
    const std::string what = "--state " + input + "=" + output + ": ";
    const int i = find(g, g.inputs, input), o = find(g, g.outputs, output);
    if (i < 0)
      report::bad_usage(what + "no input is called '" + input + "'; the inputs are " + names(g, g.inputs));
    if (o < 0)
      report::bad_usage(what + "no output is called '" + output + "'; the outputs are " +
                        names(g, g.outputs));
    if (!inputs.insert(i).second || !outputs.insert(o).second)
      report::bad_usage(what + "each input and output may be in one pair only");
    const Value& from = g.value(g.outputs[static_cast<std::size_t>(o)]);
    const Value& to = g.value(g.inputs[static_cast<std::size_t>(i)]);
    if (from.dtype != to.dtype)
      report::bad_usage(what + "the input is " + name(to.dtype) + ", the output " + name(from.dtype));
    const bool known = from.dims && to.dims && graph::fixed(*from.dims) && graph::fixed(*to.dims);
    if (known && *from.dims != *to.dims)
      report::bad_usage(what + "the input and the output have different shapes");
    model.signatures[0].states.push_back({i, o});
  }
}

void use_nhwc(graph::Model& model) {
  Graph& g = model.graphs[0];
  /// The channels-last value that takes the name of `id`, which stays inside as NAME/NCHW.
  auto add_outer = [&](ValueId id) {
    Value& inner = g.value(id);
    Value outer;
    outer.dtype = inner.dtype;
    outer.dims.emplace();
    for (std::size_t axis : {0, 2, 3, 1}) outer.dims->push_back((*inner.dims)[axis]);
    outer.permutation = {0, 2, 3, 1};
    outer.name = inner.name;
    outer.onnx_name = inner.onnx_name;
    inner.name += "/NCHW";
    return g.add_value(std::move(outer));
  };
  auto transpose = [](ValueId from, ValueId to, std::vector<std::int64_t> permutation) {
    return Node{.op = "Transpose",
                .attributes = {{"permutation", {.ints = std::move(permutation), .floats = {}, .text = {}}}},
                .inputs = {from},
                .outputs = {to},
                .subgraphs = {},
                .onnx_names = {}};
  };
  auto rank4 = [&](ValueId id) { return g.value(id).dims && g.value(id).dims->size() == 4; };
  std::vector<Node> first;
  for (ValueId& input : g.inputs) {
    if (!rank4(input)) continue;
    const ValueId inner = input;
    input = add_outer(inner);
    g.value(inner).onnx_name.clear();
    first.push_back(transpose(input, inner, {0, 3, 1, 2}));
  }
  g.nodes.insert(g.nodes.begin(), first.begin(), first.end());
  for (ValueId& output : g.outputs) {
    if (!rank4(output)) continue;
    const ValueId inner = output;
    output = add_outer(inner);
    g.nodes.push_back(transpose(inner, output, {0, 2, 3, 1}));
  }
}

namespace {

/// Inputs of a node whose contents its output shapes need: those without which inference asks for a value.
std::vector<std::size_t> shape_deciding(const Graph& g, const Node& node) {
  graph::BoundNode bound(g, node);
  if (!bound.status().ok() || bound.kernel()->op->spec->subgraphs > 0) return {};
  const auto computed_integers = [&](std::size_t i) {
    const auto& t = bound.inputs[i].tensor;
    return !bound.inputs[i].known && t.dtype != DType::none &&
           (is_integer(t.dtype) || t.dtype == DType::boolean || t.dtype == DType::f32);
  };
  const std::vector<std::int64_t> ones(IntList::capacity, 1);
  for (std::size_t i = 0; i < bound.inputs.size(); ++i) {
    if (bound.shape_known[i]) continue;
    const auto& dims = g.value(node.inputs[i]).dims;
    Shape shape;
    for (auto d : dims.value_or(graph::Dims{})) shape.push_back(d >= 0 ? d : 64);
    auto& t = bound.inputs[i].tensor;
    t = TensorView(nullptr, t.dtype, shape, t.quantization);
  }
  if (bound.infer().code() != Code::needs_value) return {};
  std::vector<std::size_t> candidates, result;
  for (std::size_t i = 0; i < bound.inputs.size(); ++i)
    if (computed_integers(i) && bound.inputs[i].tensor.shape.rank() <= 1 &&
        bound.inputs[i].tensor.shape.elements() <= IntList::capacity)
      candidates.push_back(i);
  for (std::size_t left_out : candidates) {
    graph::BoundNode probe(g, node);
    probe.inputs = bound.inputs;
    for (std::size_t i : candidates) {
      probe.inputs[i].known = i != left_out;
      probe.inputs[i].tensor.data = i != left_out ? ones.data() : nullptr;
    }
    if (probe.infer().code() == Code::needs_value) result.push_back(left_out);
  }
  return result.empty() ? candidates : result;
}

/// Graph inputs that a value is computed from; nullopt where one of them is no small vector of numbers.
std::optional<std::set<ValueId>> small_sources(const Graph& g, const std::vector<int>& producer,
                                               ValueId value) {
  std::set<ValueId> sources, seen;
  std::vector<ValueId> queue{value};
  const std::set<ValueId> inputs(g.inputs.begin(), g.inputs.end());
  while (!queue.empty()) {
    const ValueId v = queue.back();
    queue.pop_back();
    if (v == graph::absent || g.constant(v) != nullptr || !seen.insert(v).second) continue;
    if (inputs.contains(v)) {
      const auto& dims = g.value(v).dims;
      if (dims && (dims->size() > 1 || (dims->size() == 1 && (*dims)[0] > IntList::capacity)))
        return std::nullopt;
      sources.insert(v);
      continue;
    }
    const int n = producer[static_cast<std::size_t>(v)];
    if (n < 0) continue;
    const Node& node = g.nodes[static_cast<std::size_t>(n)];
    const KernelEntry* kernel = graph::find_kernel(node.op, node.version);
    if (kernel != nullptr && kernel->op->spec->reads_shapes_only) continue;
    queue.insert(queue.end(), node.inputs.begin(), node.inputs.end());
  }
  return sources;
}

}  // namespace

void mark_host_inputs(graph::Model& model) {
  Graph& g = model.graphs[0];
  const std::vector<int> producer = graph::producers(g);
  for (const Node& node : g.nodes)
    for (std::size_t i : shape_deciding(g, node))
      if (const auto sources = small_sources(g, producer, node.inputs[i]))
        for (ValueId v : *sources) g.value(v).host = true;
}

}  // namespace lithe::import
