// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/operators.hpp"

#include <map>
#include <set>
#include <utility>

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

std::vector<std::string> custom_operators(const Model& model) {
  std::set<std::string> names;
  for (const Graph& g : model.graphs)
    for (const Node& node : g.nodes)
      if (find_kernel(node.op, node.version) == nullptr) names.insert(node.op);
  return {names.begin(), names.end()};
}

}  // namespace lithe::graph
