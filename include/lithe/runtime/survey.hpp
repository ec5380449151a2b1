// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/create.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/reshape.hpp"
#include "lithe/runtime/services.hpp"

/// Planning for another target than this machine.
namespace lithe::inline v0::runtime {

/// For SessionOptions::survey: asks every kernel of the session's list that supports the node on
/// SessionOptions::cpu for its workspace. The node is given the largest, so that the plan's bytes suffice for
/// whichever kernel the target chooses. Needs SessionOptions::source. Errors: those of a kernel's create and
/// reshape.
[[gnu::cold]] inline Status survey_kernels(Planning& planning, Plan& plan, PlanNode& node) {
  const Services& services = *planning.services;
  const NodeKernel chosen = node.kernel;
  Status status;
  for (const KernelEntry& entry : services.kernels) {
    const bool same = is_operator(*entry.op->spec, node.op->spec->name, node.op->spec->version);
    if (!same || &entry == chosen.entry) continue;
    if (!entry.supports(node.attributes, NodeDescription(plan, node, services.cpu).info())) continue;
    TemporaryMemory memory(planning);
    node.kernel = {&entry, memory.allocate(entry.bytes)};
    if (node.kernel.object == nullptr) {
      status = {Code::out_of_memory, "no memory to ask a kernel for its workspace"};
      break;
    }
    entry.construct(node.kernel.object);
    std::size_t bytes = 0;
    status = create_node(planning, plan, node, node.kernel);
    if (status.ok()) status = reshape_kernel(services, plan, node, bytes);
    entry.destroy(node.kernel.object);
    if (!status.ok()) break;
    node.workspace_bytes = std::max(node.workspace_bytes, bytes);
  }
  node.kernel = chosen;
  return status;
}

}  // namespace lithe::inline v0::runtime
