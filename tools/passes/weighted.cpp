// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/weighted.hpp"

#include "tools/graph/operators.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/stored.hpp"

namespace lithe::passes {

bool is_weighted(const Node& node) { return graph::facts_of(node).weights != nullptr; }

int quantized_inputs(const Node& node) {
  return is_weighted(node) ? 1 : graph::facts_of(node).quantizable.inputs;
}

std::optional<Weighted> weighted_producer(Rewriter& rewriter, ValueId v, const std::string& what,
                                          PassLog& log) {
  const int n = rewriter.producer(v);
  if (n < 0 || !is_weighted(rewriter.node(n))) return std::nullopt;
  const Node& node = rewriter.node(n);
  const auto miss = [&](const std::string& reason) {
    log.near_miss(graph::node_title(rewriter.graph(), node) + " + " + what + " not fused: " + reason);
    return std::nullopt;
  };
  if (rewriter.uses(v) != 1) return miss("the first one's output has another reader");
  if (clamp_attribute(node).active()) return miss("the first one's output is clamped before");
  Weighted weighted;
  weighted.node = n;
  weighted.filter = stored_constant(rewriter, node.inputs[1]);
  if (!weighted.filter || weighted.filter->shape.rank() < 2) return miss("the weights are not constant");
  weighted.weights = *graph::facts_of(node).weights;
  return weighted;
}

void absorb(Rewriter& rewriter, int into, int n) {
  const ValueId result = rewriter.node(n).outputs[0];
  append_names(rewriter.node(into), rewriter.node(n));
  rewriter.remove_node(n);
  rewriter.set_output(into, 0, result);
}

}  // namespace lithe::passes
