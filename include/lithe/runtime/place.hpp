// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lithe/core/align.hpp"
#include "lithe/memory/planner.hpp"
#include "lithe/runtime/plan.hpp"

/// Decides where tensors and workspaces lie.
namespace lithe::inline v0::runtime {

/// Gives every root and every workspace a block, and sets tensor_bytes.
[[gnu::cold]] inline void place(Plan& plan) {
  std::int32_t n = 0;
  const auto add = [&](std::size_t bytes, std::int32_t first, std::int32_t last) {
    plan.blocks[static_cast<std::size_t>(n)] = {bytes, first, last, 0};
    return n++;
  };
  for (std::size_t i = 0; i < plan.values.size(); ++i) {
    PlanValue& v = plan.values[i];
    v.block = -1;
    const bool stored = v.root == static_cast<std::int32_t>(i) && !v.external && v.contents == nullptr &&
                        v.buffer < 0 && v.extent != Extent::unknown && v.bytes > 0;
    if (stored) v.block = add((v.stored != 0 ? v.stored : v.bytes) + tensor_slack, v.first, v.last);
  }
  for (std::int32_t step = 0; step < plan.steps(); ++step) {
    PlanNode& node = plan.node(step);
    node.block = -1;
    const std::size_t bytes = add_sizes(node.workspace_bytes, node.children_bytes);
    if (bytes == 0) continue;
    const bool streamed = node.chain >= 0;
    node.block =
        add(bytes, streamed ? plan.chain_of(node).first : step, streamed ? plan.chain_of(node).last : step);
  }
  const auto count = static_cast<std::size_t>(n);
  plan.tensor_bytes = plan_blocks(plan.blocks.first(count), plan.scratch.order.first(count),
                                  plan.scratch.placed.first(count));
}

}  // namespace lithe::inline v0::runtime
