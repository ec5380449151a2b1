// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/rewriter.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/node.hpp"

namespace lithe::passes {

Rewriter::Rewriter(Graph& graph) : graph_(graph) {
  grow();
  for (ValueId v : graph_.outputs)
    if (v >= 0) ++output_uses_[static_cast<std::size_t>(v)];
  for (int n = 0; n < nodes(); ++n) {
    near_.push_back(n);
    link(n);
  }
}

void Rewriter::grow() {
  producers_.resize(graph_.values.size(), -1);
  readers_.resize(graph_.values.size());
  output_uses_.resize(graph_.values.size(), 0);
}

void Rewriter::add_reader(ValueId v, Reader reader) {
  if (v < 0) return;
  remember_links(v);
  readers_[static_cast<std::size_t>(v)].push_back(reader);
}

void Rewriter::remove_reader(ValueId v, Reader reader) {
  if (v < 0) return;
  remember_links(v);
  auto& readers = readers_[static_cast<std::size_t>(v)];
  const auto found = std::find_if(readers.begin(), readers.end(), [&](const Reader& r) {
    return r.node == reader.node && r.input == reader.input;
  });
  if (found != readers.end()) readers.erase(found);
}

void Rewriter::link(int n) {
  const Node& linked = node(n);
  for (int i = 0; i < static_cast<int>(linked.inputs.size()); ++i) add_reader(input(linked, i), {n, i});
  for (ValueId v : linked.outputs) {
    if (v < 0) continue;
    remember_links(v);
    producers_[static_cast<std::size_t>(v)] = n;
  }
}

void Rewriter::unlink(int n) {
  const Node& unlinked = node(n);
  for (int i = 0; i < static_cast<int>(unlinked.inputs.size()); ++i)
    remove_reader(input(unlinked, i), {n, i});
  for (ValueId v : unlinked.outputs) {
    if (v < 0 || producers_[static_cast<std::size_t>(v)] != n) continue;
    remember_links(v);
    producers_[static_cast<std::size_t>(v)] = -1;
  }
}

Value& Rewriter::value_to_change(ValueId v) {
  if (trial_ && v < trial_->first_value) trial_->values.try_emplace(v, graph_.value(v));
  return graph_.value(v);
}

void Rewriter::remember_node(int n) {
  if (n < trial_->first_node) trial_->nodes.try_emplace(n, graph_.nodes[static_cast<std::size_t>(n)]);
}

void Rewriter::remember_links(ValueId v) {
  if (!trial_ || v >= trial_->first_value || trial_->links.contains(v)) return;
  const auto i = static_cast<std::size_t>(v);
  trial_->links[v] = {producers_[i], output_uses_[i], readers_[i]};
}

void Rewriter::begin_trial() {
  trial_.emplace();
  trial_->first_node = nodes();
  trial_->first_value = static_cast<ValueId>(graph_.values.size());
}

void Rewriter::undo_trial() {
  const Trial before = std::move(*trial_);
  trial_.reset();
  for (const auto& [n, was] : before.nodes) graph_.nodes[static_cast<std::size_t>(n)] = was;
  for (const auto& [v, was] : before.values) graph_.value(v) = was;
  for (const auto& [v, links] : before.links) {
    const auto i = static_cast<std::size_t>(v);
    producers_[i] = links.producer;
    output_uses_[i] = links.output_uses;
    readers_[i] = links.readers;
  }
  if (before.outputs) graph_.outputs = *before.outputs;
  graph_.nodes.resize(static_cast<std::size_t>(before.first_node));
  near_.resize(graph_.nodes.size());
  graph_.drop_values(before.first_value);
  producers_.resize(graph_.values.size());
  readers_.resize(graph_.values.size());
  output_uses_.resize(graph_.values.size());
}

int Rewriter::producer(ValueId v, std::string_view op) {
  const int n = producer(v);
  return n >= 0 && node(n).op == op ? n : -1;
}

int Rewriter::producer(ValueId v, Coding coding) {
  const int n = producer(v);
  return n >= 0 && graph::facts_of(node(n)).coding == coding ? n : -1;
}

ValueId Rewriter::add_value(Value value) {
  const ValueId v = graph_.add_value(std::move(value));
  grow();
  return v;
}

ValueId Rewriter::like(ValueId model, std::string_view suffix) {
  Value copy;
  copy.name = value(model).name + std::string(suffix);
  copy.dtype = value(model).dtype;
  copy.dims = value(model).dims;
  copy.quantization = value(model).quantization;
  return add_value(std::move(copy));
}

ValueId Rewriter::add_constant(ConstantPtr constant, std::string_view name) {
  const ValueId v = graph_.add_constant(std::move(constant), name);
  grow();
  return v;
}

int Rewriter::add_node(Node added, int near) {
  graph_.nodes.push_back(std::move(added));
  near_.push_back(near_[static_cast<std::size_t>(near)]);
  link(nodes() - 1);
  return nodes() - 1;
}

void Rewriter::remove_node(int n) {
  unlink(n);
  node(n) = {};
}

void Rewriter::remove_unread(int n) {
  if (n < 0 || removed(n)) return;
  for (ValueId v : node(n).outputs)
    if (v >= 0 && uses(v) > 0) return;
  const std::vector<ValueId> inputs = node(n).inputs;
  remove_node(n);
  for (ValueId v : inputs)
    if (v >= 0) remove_unread(producer(v));
}

void Rewriter::set_input(int n, int i, ValueId v) {
  ValueId& read = node(n).inputs[static_cast<std::size_t>(i)];
  remove_reader(read, {n, i});
  read = v;
  add_reader(v, {n, i});
}

void Rewriter::set_inputs(int n, std::vector<ValueId> inputs) {
  unlink(n);
  node(n).inputs = std::move(inputs);
  link(n);
}

void Rewriter::set_output(int n, int o, ValueId v) {
  unlink(n);
  node(n).outputs[static_cast<std::size_t>(o)] = v;
  link(n);
}

void Rewriter::replace(ValueId from, ValueId to) {
  remember_links(from);
  remember_links(to);
  const std::vector<Reader> moved = std::exchange(readers_[static_cast<std::size_t>(from)], {});
  for (const Reader& reader : moved) {
    node(reader.node).inputs[static_cast<std::size_t>(reader.input)] = to;
    readers_[static_cast<std::size_t>(to)].push_back(reader);
  }
  const int outputs = std::exchange(output_uses_[static_cast<std::size_t>(from)], 0);
  output_uses_[static_cast<std::size_t>(to)] += outputs;
  if (outputs == 0) return;
  if (trial_ && !trial_->outputs) trial_->outputs = graph_.outputs;
  std::replace(graph_.outputs.begin(), graph_.outputs.end(), from, to);
}

bool Rewriter::forward(int n) {
  const ValueId x = node(n).inputs[0], y = node(n).outputs[0];
  if (is_output(y)) {
    const bool fixed_name = producer(x) < 0 || is_output(x) || value(x).constant != nullptr;
    if (fixed_name) return false;
    const int source = producer(x);
    const auto& outputs = node(source).outputs;
    const auto position = static_cast<int>(std::find(outputs.begin(), outputs.end(), x) - outputs.begin());
    if (!value(y).quantization) value_to_change(y).quantization = value(x).quantization;
    remove_node(n);
    replace(x, y);
    set_output(source, position, y);
    return true;
  }
  Value& kept = value_to_change(x);
  if (kept.onnx_name.empty()) {
    kept.onnx_name = value(y).onnx_name;
    kept.permutation = value(y).permutation;
  }
  if (!kept.quantization) kept.quantization = value(y).quantization;
  remove_node(n);
  replace(y, x);
  return true;
}

void Rewriter::finish() {
  std::vector<int> order(graph_.nodes.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const auto near_a = near_[static_cast<std::size_t>(a)], near_b = near_[static_cast<std::size_t>(b)];
    return near_a != near_b ? near_a < near_b : a < b;
  });
  std::vector<Node> sorted;
  for (int n : order)
    if (!removed(n)) sorted.push_back(std::move(node(n)));
  graph_.nodes = std::move(sorted);
  if (!graph::sort_nodes(graph_)) assert(false && "a rewrite made a cycle");
  graph::remove_dead(graph_);
}

}  // namespace lithe::passes
