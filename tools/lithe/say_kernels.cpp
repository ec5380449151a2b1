// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/say_kernels.hpp"

#include <cstddef>
#include <cstdio>
#include <string>

#include "tools/lithe/code_path.hpp"
#include "tools/lithe/node_title.hpp"

namespace lithe::cli {

namespace {

/// `place` is "" in the main graph, else the numbers of the nodes around this graph: "4." inside node 4.
void say_nodes(const Session& session, const runtime::GraphPlan& graph, const std::string& place) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto& node = graph.nodes[n];
    const std::string number = place + std::to_string(n);
    const bool runs = node.kernel != nullptr && node.object != nullptr;
    std::fprintf(stderr, "node %s: %s by %s  %s  %s\n", number.c_str(), node.op->spec->name,
                 node.kernel == nullptr ? "no kernel" : node.kernel->name,
                 runs ? code_path(session, node).c_str() : "not created", node_title(graph, node).c_str());
    for (const runtime::GraphPlan* child : node.children)
      if (child != nullptr) say_nodes(session, *child, number + ".");
  }
}

}  // namespace

void say_kernels(const Common& common, const Session& session) {
  if (!common.verbose) return;
  if (session.planned())
    say_nodes(session, session.plan(), "");
  else
    std::fprintf(stderr, "note: kernels are not chosen before the shapes are given\n");
}

}  // namespace lithe::cli
