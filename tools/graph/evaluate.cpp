// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/evaluate.hpp"

#include <algorithm>
#include <utility>

#include "tools/graph/bound_node.hpp"
#include "tools/graph/multiply_adds.hpp"

namespace lithe::graph {

namespace {

std::uint64_t work_of(const Node& node, const BoundNode& bound) {
  if (bound.outputs.empty()) return 0;
  std::vector<Shape> shapes;
  for (const auto& input : bound.inputs) shapes.push_back(input.tensor.shape);
  const auto transposed = node.attributes.find("transpose_a");
  return multiply_adds(
      node.op, shapes, bound.outputs[0].shape,
      transposed != node.attributes.end() && transposed->second.ints == std::vector<std::int64_t>{1});
}

}  // namespace

std::optional<std::vector<ConstantPtr>> evaluate(const Graph& graph, const Node& node,
                                                 const EvaluationLimits& limits) {
  if (!node.subgraphs.empty()) return std::nullopt;
  BoundNode bound(graph, node);
  if (!bound.status().ok()) return std::nullopt;
  const OpSpec& spec = *bound.kernel()->op->spec;
  if (spec.accuracy == Accuracy::random) return std::nullopt;
  if (spec.reads_shapes_only ? !bound.shapes_known() : !bound.constant()) return std::nullopt;
  if (!bound.infer(limits.result_bytes).ok()) return std::nullopt;
  std::uint64_t results = 0;
  for (const auto& o : bound.outputs)
    if (o.dtype != DType::none) results += static_cast<std::uint64_t>(o.shape.elements());
  if (std::max(work_of(node, bound), results) > limits.work) return std::nullopt;
  auto values = bound.run();
  if (!values.ok()) return std::nullopt;
  return *std::move(values);
}

}  // namespace lithe::graph
