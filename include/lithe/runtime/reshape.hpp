// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lithe/core/align.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/place.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/services.hpp"

/// Tells kernels the current shapes; they answer how much scratch memory a run needs.
namespace lithe::inline v0::runtime {

/// Reshapes the node's kernel for its tensors as they are now, or for a strip if `step` is not null, and sets
/// `workspace_bytes` to what the kernel asks for.
inline Status reshape_kernel(const Services& services, Plan& plan, const PlanNode& node,
                             std::size_t& workspace_bytes, const StripStep* step = nullptr) {
  const std::span<TensorView> outputs = plan.scratch.output_views.first(node.outputs.size());
  for (std::size_t o = 0; o < outputs.size(); ++o) outputs[o] = node.outputs[o];
  const NodeDescription description(plan, node, services.cpu);
  ReshapeContext context{description.info(),
                         node.inputs,
                         outputs,
                         step == nullptr ? nullptr : &step->strip,
                         step == nullptr ? 0 : step->slot,
                         services.threads,
                         0};
  LITHE_TRY(node.kernel.entry->reshape(node.kernel.object, node.attributes, context));
  workspace_bytes = align_up(context.workspace_bytes, 64);
  return {};
}

/// What the status of a kernel's reshape means for the plan. After the first plan the operator heap is
/// sealed: if an operator grows beyond its block, the session must plan again.
inline Fit fit_of(const Planning& planning, const Status& status) {
  if (status.code() != Code::out_of_memory || planning.first) return status;
  return Fit::replan("an operator is larger than the plan foresaw");
}

[[gnu::cold]] inline Fit reshape(Planning& planning, Plan& plan);

[[gnu::cold]] inline Fit reshape_node(Planning& planning, Plan& plan, PlanNode& node) {
  node.workspace_bytes = 0;
  node.children_bytes = 0;
  if (!laid_out(plan, node)) return {};
  for (Plan* child : node.children) {
    LITHE_TRY(reshape(planning, *child));
    place(*child);
    if (child->tensor_bytes > node.children_bytes) node.children_bytes = child->tensor_bytes;
  }
  view(plan, node);
  const Services& services = *planning.services;
  Status status = reshape_kernel(services, plan, node, node.workspace_bytes);
  if (status.ok() && services.survey != nullptr) status = services.survey(planning, plan, node);
  return fit_of(planning, status);
}

/// Reshapes every kernel at the current shapes, children included, and places the children's tensors.
inline Fit reshape(Planning& planning, Plan& plan) {
  const HeapScope scope(planning);
  for (std::int32_t n = 0; n < plan.steps(); ++n)
    if (plan.node(n).chain < 0) LITHE_TRY(reshape_node(planning, plan, plan.node(n)).at(plan.index, n));
  return plan.chains.empty() ? Fit() : planning.services->streaming->reshape(planning, plan);
}

}  // namespace lithe::inline v0::runtime
