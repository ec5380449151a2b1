// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/node.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "tools/graph/operators.hpp"

namespace lithe::passes {

std::int64_t int_attribute(const Node& node, const char* name, std::int64_t fallback) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() || found->second.ints.empty() ? fallback : found->second.ints[0];
}

std::vector<std::int64_t> ints_attribute(const Node& node, const char* name,
                                         const std::vector<std::int64_t>& fallback) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? fallback : found->second.ints;
}

void set_int(Node& node, const char* name, std::int64_t value, std::int64_t fallback) {
  node.attributes.erase(name);
  if (value != fallback) node.attributes[name].ints = {value};
}

void set_ints(Node& node, const char* name, std::span<const std::int64_t> values) {
  node.attributes.erase(name);
  if (!values.empty()) node.attributes[name].ints.assign(values.begin(), values.end());
}

Clamp clamp_attribute(const Node& node) {
  const auto found = node.attributes.find("clamp");
  if (found == node.attributes.end() || found->second.floats.size() != 2) return {};
  return {found->second.floats[0], found->second.floats[1]};
}

void set_clamp(Node& node, const Clamp& clamp) {
  node.attributes.erase("clamp");
  if (clamp.active()) node.attributes["clamp"].floats = {clamp.min, clamp.max};
}

Node make_node(std::string_view op, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
               std::vector<std::string> onnx_names) {
  Node node;
  node.op = op;
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  node.onnx_names = std::move(onnx_names);
  return node;
}

namespace {

/// What thousands of nodes became is named by the first and the last of them.
constexpr std::size_t most_names = 64;

std::vector<std::string> joined(const std::vector<std::string>& first,
                                const std::vector<std::string>& second) {
  std::vector<std::string> all = first;
  for (const std::string& name : second)
    if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
  if (all.size() > most_names) {
    constexpr auto half = static_cast<std::ptrdiff_t>(most_names / 2);
    all.erase(all.begin() + half, all.end() - half);
  }
  return all;
}

}  // namespace

void append_names(Node& into, const Node& other) {
  into.onnx_names = joined(into.onnx_names, other.onnx_names);
}
void prepend_names(Node& into, const Node& other) {
  into.onnx_names = joined(other.onnx_names, into.onnx_names);
}

bool is_any(const Node& node, std::initializer_list<std::string_view> ops) {
  return std::find(ops.begin(), ops.end(), node.op) != ops.end();
}

bool is_quantizing(const Node& node) { return graph::quantizes(node) || graph::dequantizes(node); }

bool is_elementwise(const Node& node) { return graph::spec_of(node).elementwise; }

}  // namespace lithe::passes
