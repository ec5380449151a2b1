// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "lithe/core/align.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/services.hpp"

/// Creates the kernels that choose() constructed: they pack their constants.
namespace lithe::inline v0::runtime {

/// Creates one kernel. Half-precision constants that it packs are widened in memory that is freed afterwards.
[[gnu::cold]] inline Status create_node(Planning& planning, Plan& plan, PlanNode& node,
                                        const NodeKernel& kernel) {
  if (kernel.entry == nullptr) return {};
  const Services& services = *planning.services;
  NodeDescription description(plan, node, services.cpu);
  const auto ids = node.input_ids();
  std::size_t total = 0;
  for (std::int32_t id : ids)
    if (id >= 0 && plan.value(id).widen) total += align_up(plan.value(id).bytes + segment_slack, 64);
  TemporaryMemory temporary(planning);
  std::byte* memory = total == 0 ? nullptr : temporary.allocate(total);
  if (total != 0 && memory == nullptr)
    return {Code::out_of_memory, "no memory to widen half-precision constants"};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || !plan.value(ids[i]).widen) continue;
    const PlanValue& v = plan.value(ids[i]);
    widen(v.file_dtype, v.contents, reinterpret_cast<float*>(memory),
          static_cast<std::size_t>(v.shape.elements()));
    description.set_contents(i, memory);
    memory += align_up(v.bytes + segment_slack, 64);
  }
  CreateContext context{description.info(), services.packed_weights, services.model->id(), services.threads};
  const HeapScope scope(planning);
  return kernel.entry->create(kernel.object, node.attributes, context);
}

/// Creates every chosen kernel, children included. Early nodes have theirs already.
[[gnu::cold]] inline Status create(Planning& planning, Plan& plan) {
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    PlanNode& node = plan.node(n);
    for (Plan* child : node.children) LITHE_TRY(create(planning, *child));
    if (node.early) continue;
    LITHE_TRY(create_node(planning, plan, node, node.preferred).at(plan.index, n));
    LITHE_TRY(create_node(planning, plan, node, node.fallback).at(plan.index, n));
  }
  return {};
}

/// Destroys the kernels and gives back the memory that runs reserved.
[[gnu::cold]] inline void destroy(Planning& planning, Plan& plan) {
  for (PlanNode& node : plan.nodes) {
    for (NodeKernel* kernel : {&node.preferred, &node.fallback})
      if (kernel->object != nullptr) kernel->entry->destroy(std::exchange(kernel->object, nullptr));
    release(planning, node);
    for (Plan* child : node.children)
      if (child != nullptr) destroy(planning, *child);
  }
  for (PlanValue& v : plan.values) release(planning, v.own);
}

}  // namespace lithe::inline v0::runtime
