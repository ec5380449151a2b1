// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/match.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace lithe::passes {

// attributes

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
  node.inputs = std::move(inputs), node.outputs = std::move(outputs), node.onnx_names = std::move(onnx_names);
  return node;
}

namespace {

std::vector<std::string> joined(const std::vector<std::string>& first,
                                const std::vector<std::string>& second) {
  std::vector<std::string> all = first;
  for (const std::string& name : second)
    if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
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

std::string title(const Graph& graph, const Node& node) {
  std::string text;
  for (const std::string& name : node.onnx_names) text += (text.empty() ? "" : " + ") + name;
  if (!text.empty()) return text;
  for (ValueId v : node.outputs)
    if (v >= 0) return node.op + " -> " + graph.value(v).name;
  return node.op;
}

// values

std::optional<int> rank_of(const Value& value) {
  if (!value.dims) return std::nullopt;
  return static_cast<int>(value.dims->size());
}

bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::f64;
}
bool is_quantized8(DType dtype) { return dtype == DType::s8 || dtype == DType::u8; }
bool is_quantizing(const Node& node) { return is_any(node, {"QuantizeLinear", "DequantizeLinear"}); }

bool is_dequantized_constant(Rewriter& rewriter, ValueId v) {
  const int n = rewriter.producer(v, "DequantizeLinear");
  if (n < 0) return false;
  const auto& inputs = rewriter.node(n).inputs;
  return std::all_of(inputs.begin(), inputs.end(),
                     [&](ValueId i) { return i < 0 || rewriter.value(i).constant != nullptr; });
}

void take_name(Value& to, const Value& from, const Permutation& p) {
  if (!to.onnx_name.empty() || from.onnx_name.empty()) return;
  to.onnx_name = from.onnx_name;
  to.permutation.assign(p.size(), 0);
  for (std::size_t i = 0; i < p.size(); ++i)
    to.permutation[static_cast<std::size_t>(p[i])] =
        from.permutation.empty() ? static_cast<std::uint8_t>(i) : from.permutation[i];
  if (std::is_sorted(to.permutation.begin(), to.permutation.end())) to.permutation.clear();
}

// permutations

bool is_identity(const Permutation& p) { return std::is_sorted(p.begin(), p.end()); }

Permutation inverse(const Permutation& p) {
  Permutation result(p.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    result[static_cast<std::size_t>(p[i])] = static_cast<std::int32_t>(i);
  return result;
}

Permutation compose(const Permutation& first, const Permutation& second) {
  Permutation result(second.size());
  for (std::size_t i = 0; i < second.size(); ++i) result[i] = first[static_cast<std::size_t>(second[i])];
  return result;
}

std::optional<Permutation> permutation_of(const Graph& graph, const Node& node) {
  const auto ints = ints_attribute(node, "permutation");
  const auto rank = rank_of(graph.value(node.inputs[0]));
  if (ints.empty() && !rank) return std::nullopt;
  Permutation p(ints.empty() ? static_cast<std::size_t>(*rank) : ints.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    p[i] = static_cast<std::int32_t>(ints.empty() ? static_cast<std::int64_t>(p.size() - 1 - i) : ints[i]);
  if (rank && static_cast<std::size_t>(*rank) != p.size()) return std::nullopt;
  Permutation all(p.size());
  std::iota(all.begin(), all.end(), 0);
  return std::is_permutation(p.begin(), p.end(), all.begin()) ? std::optional(p) : std::nullopt;
}

Dims permuted(const Dims& dims, const Permutation& p) {
  Dims result(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) result[i] = dims[static_cast<std::size_t>(p[i])];
  return result;
}

}  // namespace lithe::passes
