// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tools/graph/hash.hpp"
#include "tools/graph/operators.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"

namespace lithe::passes {
namespace {

std::string bytes_key(const ConstantPtr& constant) {
  if (!constant) return "-";
  std::string key = std::to_string(static_cast<int>(constant->dtype));
  for (index_t d : constant->shape.dims()) key += ',' + std::to_string(d);
  return key + ':' +
         std::string(reinterpret_cast<const char*>(constant->bytes.data()), constant->bytes.size());
}

std::string quantization_key(const Value& value) {
  if (!value.quantization) return {};
  const ValueQuantization& q = *value.quantization;
  return bytes_key(q.scale) + '/' + bytes_key(q.zero_point) + '/' + std::to_string(q.axis) + '/' +
         std::to_string(q.block);
}

/// Constants by what they hold; found by a hash, for weights are large.
class EqualConstants {
 public:
  /// The first one given that has this type, shape and these bytes.
  ConstantPtr first_equal(const ConstantPtr& constant) {
    const auto key = graph::hash(constant->bytes);
    for (auto [at, end] = by_hash_.equal_range(key); at != end; ++at) {
      const Constant& known = *at->second;
      if (known.dtype == constant->dtype && known.shape == constant->shape && known.bytes == constant->bytes)
        return at->second;
    }
    return by_hash_.emplace(key, constant)->second;
  }

 private:
  std::multimap<std::array<std::uint64_t, 2>, ConstantPtr> by_hash_;
};

/// Equal constants of all graphs of a model share their bytes; equal ones of a graph become one value.
void merge_constants(Rewriter& rewriter, EqualConstants& known, PassLog& log) {
  std::map<std::pair<const Constant*, std::string>, ValueId> first;
  for (ValueId v = 0; v < static_cast<ValueId>(rewriter.graph().values.size()); ++v) {
    Value& value = rewriter.graph().value(v);
    if (!value.constant || rewriter.uses(v) == 0) continue;
    value.constant = known.first_equal(value.constant);
    const auto [it, added] = first.emplace(std::pair(value.constant.get(), quantization_key(value)), v);
    if (added || rewriter.is_output(v)) continue;
    log.changed(value.name + " is the same constant as " + rewriter.value(it->second).name);
    rewriter.replace(v, it->second);
  }
}

std::string node_key(const Graph& graph, const Node& node) {
  std::string key = node.op + '#' + std::to_string(node.version);
  for (const auto& [name, attribute] : node.attributes) {
    key += '|' + name + '=' + attribute.text;
    for (auto i : attribute.ints) key += ',' + std::to_string(i);
    for (float f : attribute.floats) key += ';' + std::to_string(std::bit_cast<std::uint32_t>(f));
  }
  for (ValueId v : node.inputs) key += '<' + std::to_string(v);
  for (ValueId v : node.outputs) {
    key += '>';
    if (v >= 0)
      key += std::to_string(static_cast<int>(graph.value(v).dtype)) + quantization_key(graph.value(v));
  }
  return key;
}

bool random_numbers(const Node& node) {
  const KernelEntry* kernel = graph::find_kernel(node.op, node.version);
  return kernel == nullptr || kernel->op->spec->accuracy == Accuracy::random;
}

/// Node `n` computes what `first` does: its readers read that one.
bool merge_nodes(Rewriter& rewriter, int first, int n) {
  const std::vector<ValueId> kept = rewriter.node(first).outputs, dropped = rewriter.node(n).outputs;
  for (ValueId v : dropped)
    if (v >= 0 && rewriter.is_output(v)) return false;
  append_names(rewriter.node(first), rewriter.node(n));
  rewriter.remove_node(n);
  for (std::size_t o = 0; o < kept.size(); ++o) {
    if (dropped[o] < 0) continue;
    Value& to = rewriter.graph().value(kept[o]);
    const Value& from = rewriter.value(dropped[o]);
    if (to.onnx_name.empty()) {
      to.onnx_name = from.onnx_name;
      to.permutation = from.permutation;
    }
    rewriter.replace(dropped[o], kept[o]);
  }
  return true;
}

}  // namespace

void eliminate_common_subexpressions(Model& model, PassLog& log) {
  EqualConstants known;
  for (Graph& graph : model.graphs) {
    Rewriter rewriter(graph);
    merge_constants(rewriter, known, log);
    std::map<std::string, int> first;
    for (int n = 0; n < rewriter.nodes(); ++n) {  // in running order: inputs are merged before their readers
      if (rewriter.removed(n) || !rewriter.node(n).subgraphs.empty() || random_numbers(rewriter.node(n)))
        continue;
      const auto [it, added] = first.emplace(node_key(graph, rewriter.node(n)), n);
      if (added) continue;
      const std::string name = graph::node_title(graph, rewriter.node(n));
      if (merge_nodes(rewriter, it->second, n))
        log.changed(name + " merged with an equal node, " +
                    graph::node_title(graph, rewriter.node(it->second)));
    }
    rewriter.finish();
  }
}

}  // namespace lithe::passes
