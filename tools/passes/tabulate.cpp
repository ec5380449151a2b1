// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "tools/graph/evaluate.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

constexpr std::size_t most_nodes = 64;
constexpr index_t bytes = 256;

/// Nodes that compute the output of the last one from the elements of one 8-bit value, each element alone.
struct Group {
  ValueId source = absent;
  std::set<int> nodes;  ///< in running order
};

bool per_tensor(const Value& value) {
  return !value.quantization ||
         (value.quantization->block == 0 && value.quantization->scale->shape.elements() == 1);
}

/// Whether a value certainly has fewer elements than a table.
bool fewer_elements(const Value& value) {
  return value.dims && graph::fixed(*value.dims) && Shape(*value.dims).elements() < bytes;
}

class Search {
 public:
  explicit Search(Rewriter& rewriter) : rewriter_(rewriter) {}

  /// The largest group that ends with node `last`; without a source if there is none.
  Group group(int last) {
    Group grown, best;
    std::set<ValueId> leaves;
    if (!joins(last)) return best;
    for (int n = last; n >= 0 && grown.nodes.size() < most_nodes; n = latest(leaves)) {
      grown.nodes.insert(n);
      leaves.erase(rewriter_.node(n).outputs[0]);
      for (const ValueId v : rewriter_.node(n).inputs)
        if (v != absent && !rewriter_.value(v).constant) leaves.insert(v);
      if (leaves.size() != 1 || !is_quantized8(rewriter_.value(*leaves.begin()).dtype)) continue;
      best = grown;
      best.source = *leaves.begin();
    }
    return best;
  }

 private:
  /// The last node, in running order, that produces one of these values and joins a group; -1 if there is none.
  int latest(const std::set<ValueId>& leaves) {
    int found = -1;
    for (const ValueId v : leaves)
      if (const int n = rewriter_.producer(v); n > found && joins(n)) found = n;
    return found;
  }
  /// Whether an output element depends on one element of each input that is computed, and on nothing else.
  bool joins(int n) {
    const Node& node = rewriter_.node(n);
    if (node.outputs.size() != 1 || !(is_elementwise(node) || is_quantizing(node))) return false;
    const Value& result = rewriter_.value(node.outputs[0]);
    const auto rank = rank_of(result);
    return rank && per_tensor(result) && std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) {
             if (v == absent) return true;
             const Value& value = rewriter_.value(v);
             if (!per_tensor(value)) return false;
             return value.constant
                        ? value.constant->shape.elements() == 1 && value.constant->shape.rank() <= *rank
                        : rank_of(value) == rank;
           });
  }

  Rewriter& rewriter_;
};

/// What a group makes of the bytes 0 to 255; null where a node cannot be computed now.
ConstantPtr table_of(const Graph& graph, const Group& group) {
  Graph alone;
  std::map<ValueId, ValueId> ids{{absent, absent}};
  const auto id = [&](ValueId v) {
    const auto [at, fresh] = ids.try_emplace(v);
    if (fresh) {
      Value value = graph.value(v);
      if (!value.constant) value.dims.reset();
      at->second = alone.add_value(std::move(value));
    }
    return at->second;
  };
  const auto set = [&](ValueId v, ConstantPtr contents) {
    Value& value = alone.value(id(v));
    value.dims.emplace(contents->shape.dims().begin(), contents->shape.dims().end());
    value.constant = std::move(contents);
  };
  std::vector<std::uint8_t> all(static_cast<std::size_t>(bytes));
  std::iota(all.begin(), all.end(), std::uint8_t{0});
  Constant source = *graph::make_constant<std::uint8_t>({bytes}, all);
  source.dtype = graph.value(group.source).dtype;
  set(group.source, std::make_shared<Constant>(std::move(source)));
  ConstantPtr result;
  for (const int n : group.nodes) {
    const Node& original = graph.nodes[static_cast<std::size_t>(n)];
    Node node = original;
    for (ValueId& v : node.inputs) v = id(v);
    node.outputs = {id(original.outputs[0])};
    const auto results = graph::evaluate(alone, node);
    if (!results) return nullptr;
    result = (*results)[0];
    set(original.outputs[0], result);
  }
  return result->shape.elements() == bytes ? reshaped(*result, {bytes}) : nullptr;
}

void tabulate_graph(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  Search search(rewriter);
  for (int n = rewriter.nodes() - 1; n >= 0; --n) {  // from the end: a group that is found is the largest
    if (rewriter.removed(n) || rewriter.node(n).outputs.empty()) continue;
    const ValueId result = rewriter.node(n).outputs[0];
    if (result == absent || !is_quantized8(rewriter.value(result).dtype)) continue;
    const Group group = search.group(n);
    if (group.source == absent) continue;
    if (group.nodes.size() == 1 && fewer_elements(rewriter.value(result))) continue;
    const ConstantPtr table = table_of(graph, group);
    if (!table) continue;
    Node look = make_node("LookupTable", {group.source, rewriter.add_constant(table, "table")}, {});
    for (const int part : group.nodes) append_names(look, rewriter.node(part));
    log.changed(graph::node_title(graph, look) + " became a table of 256 bytes");
    rewriter.set_output(n, 0, rewriter.like(result, "/computed"));
    look.outputs = {result};
    rewriter.add_node(std::move(look), n);
    rewriter.remove_unread(n);
  }
  rewriter.finish();
}

}  // namespace

void tabulate(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) tabulate_graph(graph, log);
}

}  // namespace lithe::passes
