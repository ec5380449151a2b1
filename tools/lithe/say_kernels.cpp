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
void say_nodes(const Session& session, const runtime::PlanView& plan, const std::string& place) {
  for (const runtime::NodeView node : plan.nodes()) {
    const std::string number = place + std::to_string(node.number());
    const bool created = node.kernel() != nullptr && node.kernel_object().data() != nullptr;
    std::fprintf(stderr, "node %s: %s by %s  %s  %s\n", number.c_str(), node.op().spec->name,
                 node.kernel() == nullptr ? "no kernel" : node.kernel_name(),
                 created ? code_path(session, node).c_str() : "not created", node_title(node).c_str());
    for (std::size_t i = 0; i < node.children(); ++i) say_nodes(session, node.child(i), number + ".");
  }
}

}  // namespace

void say_kernels(const Common& common, const Session& session) {
  if (!common.verbose) return;
  if (session.planned())
    say_nodes(session, session.inspect(), "");
  else
    std::fprintf(stderr, "note: kernels are not chosen before the shapes are given\n");
}

}  // namespace lithe::cli
