// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/operators.hpp"

#include <map>
#include <set>
#include <utility>

#include "tools/graph/attributes.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::graph {

const KernelEntry* find_kernel(std::string_view op, std::uint16_t version) {
  using Table = std::map<std::pair<std::string_view, std::uint16_t>, const KernelEntry*>;
  static const Table table = [] {
    Table all;
    for (const KernelEntry& entry : portable_kernels())
      all.emplace(std::pair(entry.op->spec->name, entry.op->spec->version), &entry);
    return all;
  }();
  const auto found = table.find({op, version});
  return found == table.end() ? nullptr : found->second;
}

const OperatorFacts& facts_of(std::string_view op, std::uint16_t version) {
  using Table = std::map<std::pair<std::string_view, std::uint16_t>, const OperatorFacts*>;
  static const Table table = [] {
    Table all;
    for (const OperatorFacts& facts : operator_facts())
      all.emplace(std::pair(facts.spec->name, facts.spec->version), &facts);
    return all;
  }();
  static const OperatorFacts none{};
  const auto found = table.find({op, version});
  return found == table.end() ? none : *found->second;
}

const OpSpec& spec_of(const Node& node) {
  static const OpSpec none{.name = "", .inputs = {}, .outputs = {}};
  const OpSpec* spec = facts_of(node).spec;
  return spec == nullptr ? none : *spec;
}

namespace {

/// What `fact` says by the attributes of `node`; `otherwise` where the operator does not have it, or does not
/// take the attributes.
template <class T>
T by_attributes(const Node& node, T (*fact)(const void* attributes), T otherwise) {
  if (fact == nullptr) return otherwise;
  ParsedAttributes attributes;
  const Status status = attributes.parse(*find_kernel(node.op, node.version)->op, node);
  return status.ok() ? fact(attributes.get()) : otherwise;
}

}  // namespace

Movement movement_of(const Node& node) {
  return by_attributes(node, facts_of(node).movement, Movement::computes);
}

std::optional<Clamp> limits_of(const Node& node) {
  const auto limits = facts_of(node).limits;
  if (limits == nullptr) return std::nullopt;
  return by_attributes(node, limits, Clamp{});
}

std::vector<std::string> custom_operators(const Model& model) {
  std::set<std::string> names;
  for (const Graph& g : model.graphs)
    for (const Node& node : g.nodes)
      if (find_kernel(node.op, node.version) == nullptr) names.insert(node.op);
  return {names.begin(), names.end()};
}

}  // namespace lithe::graph
