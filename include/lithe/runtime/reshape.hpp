// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/core/status.hpp"
#include "lithe/memory/arena.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/place.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/services.hpp"

/// Kernels learn the current shapes and say how much scratch memory a run needs.
namespace lithe::inline v0::runtime {

/// Reshapes the node's kernel for what its tensors say now; `workspace_bytes` is what it asks for. `step`: for a strip.
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

/// What a kernel's reshape means for the plan: after the first plan the operator heap is sealed, and an operator that
/// grows beyond its block needs a plan of its own.
inline Fit fit_of(const Planning& planning, const Status& status) {
  if (status.code() != Code::out_of_memory || planning.first) return status;
  return Fit::replan("an operator is larger than the plan foresaw");
}

/// The tensors of a node as its strip `s` sees them: windows of rows.
inline void view_strip(const Plan& plan, PlanNode& node, std::size_t s) {
  view(plan, node);
  const std::span<const StripWindow> windows = node.windows_of(s);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].count == 0) continue;
    TensorView& input = node.inputs[i];
    const auto row = input.bytes() / static_cast<std::size_t>(input.shape[1]);
    if (input.data != nullptr)
      input.data = static_cast<const std::byte*>(input.data) +
                   static_cast<std::size_t>(windows[i].first - windows[i].front) * row;
    input.shape[1] = windows[i].count;
  }
  const StripStep& step = node.strips[s];
  Tensor& output = node.outputs[0];
  const auto row = output.bytes() / static_cast<std::size_t>(output.shape[1]);
  if (output.data != nullptr)
    output.data =
        static_cast<std::byte*>(output.data) + static_cast<std::size_t>(step.strip.first - step.kept) * row;
  output.shape[1] = step.strip.count;
}

/// Whether two strips of the node have one shape.
[[gnu::cold]] inline bool alike(const PlanNode& node, std::size_t a, std::size_t b) {
  const Strip &one = node.strips[a].strip, &other = node.strips[b].strip;
  bool same = one.count == other.count && one.pad_top == other.pad_top && one.pad_bottom == other.pad_bottom;
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    same &= node.windows_of(a)[i].count == node.windows_of(b)[i].count;
  return same;
}

/// Takes the slot of an earlier strip of the same shape, or reshapes the kernel into the next one.
[[gnu::cold]] inline Status reshape_strip(const Services& services, Plan& plan, PlanNode& node,
                                          std::size_t s) {
  StripStep& step = node.strips[s];
  if (step.strip.count == 0) return {};
  int slots = 0;
  for (std::size_t earlier = 0; earlier < s; ++earlier) {
    const int slot = node.strips[earlier].slot;
    if (slot >= slots) slots = slot + 1;
    if (!alike(node, earlier, s)) continue;
    step.slot = slot;
    return {};
  }
  if (slots == strip_slots)
    return {Code::unsupported,
            "a chain needs more than three shapes of strip here: choose another number of rows"};
  step.slot = slots;
  view_strip(plan, node, s);
  std::size_t bytes = 0;
  LITHE_TRY(reshape_kernel(services, plan, node, bytes, &step));
  if (bytes > node.workspace_bytes) node.workspace_bytes = bytes;
  return {};
}

/// A chain's node: its kernel for each shape of strip, and the size of its rolling buffer.
[[gnu::cold]] inline Status reshape_streamed(const Services& services, Plan& plan, PlanNode& node,
                                             bool last) {
  node.workspace_bytes = 0;
  index_t rows = 0;
  for (std::size_t s = 0; s < node.strips.size(); ++s) {
    const StripStep& step = node.strips[s];
    if (!last && step.end() - step.kept > rows) rows = step.end() - step.kept;
    LITHE_TRY(reshape_strip(services, plan, node, s));
  }
  PlanValue& out = plan.value(node.output_ids()[0]);
  out.stored = last ? 0 : static_cast<std::size_t>(rows) * out.bytes / static_cast<std::size_t>(out.shape[1]);
  return {};
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
  return fit_of(planning, reshape_kernel(*planning.services, plan, node, node.workspace_bytes));
}

/// Reshapes every kernel at the current shapes, children's included, which are placed too.
inline Fit reshape(Planning& planning, Plan& plan) {
  const HeapScope scope(planning);
  for (std::int32_t n = 0; n < plan.steps(); ++n)
    if (plan.node(n).chain < 0) LITHE_TRY(reshape_node(planning, plan, plan.node(n)).at(plan.index, n));
  for (const StripChain& chain : plan.chains)
    for (std::int32_t n = chain.first; n <= chain.last; ++n)
      LITHE_TRY(fit_of(planning, reshape_streamed(*planning.services, plan, plan.node(n), n == chain.last))
                    .at(plan.index, n));
  return {};
}

}  // namespace lithe::inline v0::runtime
