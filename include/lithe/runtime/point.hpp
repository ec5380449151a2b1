// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lithe/runtime/alias.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/plan.hpp"

/// Gives every tensor the address of its block.
namespace lithe::inline v0::runtime {

inline void point(Plan& plan, std::byte* base);

inline void point_node(const Plan& plan, const PlanNode& node) {
  view(plan, node);
  if (node.workspace == nullptr) return;
  for (Plan* child : node.children) point(*child, node.workspace + node.workspace_bytes);
}

/// Points every value and workspace into `base`, and every node's tensors at the values. External values stay
/// where they are.
inline void point(Plan& plan, std::byte* base) {
  plan.base = base;
  for (PlanValue& v : plan.values) {
    v.capacity = 0;
    if (v.block < 0) continue;
    const PlannedBlock& block = plan.blocks[static_cast<std::size_t>(v.block)];
    v.data = base + block.offset;
    v.capacity = block.bytes - tensor_slack;
  }
  for (std::size_t i = 0; i < plan.values.size(); ++i) {
    std::size_t offset = 0;
    const std::int32_t root = find_root(plan, static_cast<std::int32_t>(i), offset);
    if (root == static_cast<std::int32_t>(i)) continue;
    std::byte* const start = plan.value(root).data;
    plan.values[i].data = start == nullptr ? nullptr : start + offset;
  }
  for (PlanNode& node : plan.nodes) {
    const PlannedBlock* block = node.block < 0 ? nullptr : &plan.blocks[static_cast<std::size_t>(node.block)];
    node.workspace = block == nullptr ? nullptr : base + block->offset;
    node.workspace_capacity = block == nullptr ? 0 : block->bytes;
    if (!node.early) point_node(plan, node);
  }
}

}  // namespace lithe::inline v0::runtime
