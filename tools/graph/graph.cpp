// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/graph.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "tools/report/node_title.hpp"

namespace lithe::graph {

ValueId Graph::add_value(Value value) {
  if (taken(value.name)) {
    const std::string wanted = value.name;
    int number = last_numbers_[wanted];
    do value.name = wanted + "_" + std::to_string(++number);
    while (taken(value.name));
    last_numbers_[wanted] = number;
  }
  values.push_back(std::move(value));
  return static_cast<ValueId>(values.size() - 1);
}

void Graph::drop_values(ValueId first) {
  const auto size = static_cast<std::size_t>(first);
  for (std::size_t v = size; v < std::min(indexed_, values.size()); ++v) {
    const auto found = names_.find(values[v].name);
    if (found != names_.end() && found->second >= first) names_.erase(found);
  }
  values.resize(size);
  indexed_ = std::min(indexed_, size);
}

void Graph::forget_names() {
  names_.clear();
  last_numbers_.clear();
  indexed_ = 0;
}

bool Graph::taken(const std::string& name) {
  if (indexed_ > values.size()) forget_names();
  for (; indexed_ < values.size(); ++indexed_)
    names_.emplace(values[indexed_].name, static_cast<ValueId>(indexed_));
  const auto found = names_.find(name);
  if (found == names_.end()) return false;
  const auto at = static_cast<std::size_t>(found->second);
  if (at < values.size() && values[at].name == name) return true;
  forget_names();  // a value was renamed: look again
  return taken(name);
}

ValueId Graph::add_constant(ConstantPtr constant, std::string_view name) {
  Value value;
  value.name = name;
  value.dtype = constant->dtype;
  value.dims.emplace(constant->shape.dims().begin(), constant->shape.dims().end());
  value.constant = std::move(constant);
  return add_value(std::move(value));
}

std::vector<int> producers(const Graph& graph) {
  std::vector<int> result(graph.values.size(), -1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    for (ValueId v : graph.nodes[n].outputs)
      if (v >= 0) result[static_cast<std::size_t>(v)] = static_cast<int>(n);
  return result;
}

std::vector<int> use_counts(const Graph& graph) {
  std::vector<int> result(graph.values.size(), 0);
  auto count = [&](const std::vector<ValueId>& ids) {
    for (ValueId v : ids)
      if (v >= 0) ++result[static_cast<std::size_t>(v)];
  };
  for (const Node& node : graph.nodes) count(node.inputs);
  count(graph.outputs);
  return result;
}

void replace_uses(Graph& graph, ValueId from, ValueId to) {
  for (Node& node : graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(graph.outputs.begin(), graph.outputs.end(), from, to);
}

namespace {

std::vector<Node> live_nodes(Graph& graph) {
  std::vector<bool> needed(graph.values.size());
  for (ValueId v : graph.outputs)
    if (v >= 0) needed[static_cast<std::size_t>(v)] = true;
  std::vector<bool> live(graph.nodes.size());
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    live[n] = std::any_of(node.outputs.begin(), node.outputs.end(),
                          [&](ValueId v) { return v >= 0 && needed[static_cast<std::size_t>(v)]; });
    if (!live[n]) continue;
    for (ValueId v : node.inputs)
      if (v >= 0) needed[static_cast<std::size_t>(v)] = true;
  }
  std::vector<Node> kept;
  for (std::size_t n = 0; n < live.size(); ++n)
    if (live[n]) kept.push_back(std::move(graph.nodes[n]));
  return kept;
}

/// Every list of value ids of a graph.
void each_id_list(Graph& graph, const std::function<void(std::vector<ValueId>&)>& visit) {
  visit(graph.inputs);
  visit(graph.outputs);
  for (Node& node : graph.nodes) {
    visit(node.inputs);
    visit(node.outputs);
  }
}

}  // namespace

void remove_dead(Graph& graph) {
  graph.nodes = live_nodes(graph);
  std::vector<bool> mentioned(graph.values.size());
  each_id_list(graph, [&](std::vector<ValueId>& ids) {
    for (ValueId v : ids)
      if (v >= 0) mentioned[static_cast<std::size_t>(v)] = true;
  });
  std::vector<ValueId> renumbered(graph.values.size(), absent);
  std::vector<Value> kept;
  for (std::size_t v = 0; v < mentioned.size(); ++v) {
    if (!mentioned[v]) continue;
    renumbered[v] = static_cast<ValueId>(kept.size());
    kept.push_back(std::move(graph.values[v]));
  }
  graph.values = std::move(kept);
  graph.forget_names();
  each_id_list(graph, [&](std::vector<ValueId>& ids) {
    for (ValueId& v : ids)
      if (v >= 0) v = renumbered[static_cast<std::size_t>(v)];
  });
}

bool sort_nodes(Graph& graph) {
  const std::vector<int> producer = producers(graph);
  std::vector<int> waiting(graph.nodes.size(), 0);
  std::vector<std::vector<int>> readers(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    for (ValueId v : graph.nodes[n].inputs)
      if (v >= 0 && producer[static_cast<std::size_t>(v)] >= 0) {
        ++waiting[n];
        readers[static_cast<std::size_t>(producer[static_cast<std::size_t>(v)])].push_back(
            static_cast<int>(n));
      }
  std::priority_queue<int, std::vector<int>, std::greater<>>
      ready;  // the lowest first: what is sorted stays as it is
  for (std::size_t n = 0; n < waiting.size(); ++n)
    if (waiting[n] == 0) ready.push(static_cast<int>(n));
  std::vector<int> order;
  for (; !ready.empty();) {
    order.push_back(ready.top());
    ready.pop();
    for (int reader : readers[static_cast<std::size_t>(order.back())])
      if (--waiting[static_cast<std::size_t>(reader)] == 0) ready.push(reader);
  }
  if (order.size() != graph.nodes.size()) return false;
  std::vector<Node> sorted;
  sorted.reserve(order.size());
  for (int n : order) sorted.push_back(std::move(graph.nodes[static_cast<std::size_t>(n)]));
  graph.nodes = std::move(sorted);
  return true;
}

std::string node_title(const Graph& graph, const Node& node) {
  for (ValueId v : node.outputs)
    if (v >= 0) return report::node_title(node.onnx_names, node.op, graph.value(v).name);
  return report::node_title(node.onnx_names, node.op, "");
}

Quantization quantization_view(const ValueQuantization& quantization) {
  Quantization view;
  view.scale = quantization.scale->bytes.data();
  view.scale_dtype = quantization.scale->dtype;
  view.count = quantization.scale->shape.elements();
  view.axis = quantization.axis;
  view.block = quantization.block;
  if (quantization.zero_point) {
    view.zero_point = quantization.zero_point->bytes.data();
    view.zero_point_dtype = quantization.zero_point->dtype;
  }
  return view;
}

}  // namespace lithe::graph
