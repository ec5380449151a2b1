// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/evaluate.hpp"

#include <algorithm>
#include <utility>

#include "tools/graph/bound_node.hpp"

namespace lithe::graph {

std::optional<std::vector<ConstantPtr>> evaluate(const Graph& graph, const Node& node,
                                                 const EvaluationLimits& limits) {
  BoundNode bound(graph, node);
  return evaluate(bound, limits);
}

std::optional<std::vector<ConstantPtr>> evaluate(BoundNode& bound, const EvaluationLimits& limits) {
  if (!bound.status().ok()) return std::nullopt;
  const OpSpec& spec = *bound.kernel()->op->spec;
  if (spec.subgraphs > 0 || spec.accuracy == Accuracy::random) return std::nullopt;
  if (spec.reads_shapes_only ? !bound.shapes_known() : !bound.constant()) return std::nullopt;
  if (!bound.infer(limits.result_bytes).ok()) return std::nullopt;
  std::uint64_t results = 0;
  for (const auto& o : bound.outputs)
    if (o.dtype != DType::none) results += static_cast<std::uint64_t>(o.shape.elements());
  if (std::max(bound.multiply_adds(), results) > limits.work) return std::nullopt;
  auto values = bound.run();
  if (!values.ok()) return std::nullopt;
  return *std::move(values);
}

}  // namespace lithe::graph
