// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/infer_dims.hpp"

#include "tools/graph/sampled_shapes.hpp"

namespace lithe::graph {

Status infer_dims(Graph& graph, const Node& node) { return SampledShapes().infer(graph, node); }

void infer_dims(Graph& graph) {
  SampledShapes shapes;
  for (const Node& node : graph.nodes) (void)shapes.infer(graph, node).ok();
}

}  // namespace lithe::graph
