// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"

namespace lithe::passes {

void remove_dead(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) {
    const std::size_t before = graph.nodes.size();
    Rewriter(graph).finish();
    if (graph.nodes.size() != before)
      log.changed(std::to_string(before - graph.nodes.size()) + " nodes that nobody reads removed");
  }
}

}  // namespace lithe::passes
