// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "lithe/core/kernel.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/execute.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/options.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/reshape.hpp"
#include "lithe/runtime/services.hpp"

/// Row streaming, after the chains are cut (chains.hpp): reshape and execute for their strips.
namespace lithe::inline v0::runtime {

/// Makes the node's tensors the windows of rows that its strip `s` reads and writes.
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

/// Whether two strips of the node have the same shape.
[[gnu::cold]] inline bool alike(const PlanNode& node, std::size_t a, std::size_t b) {
  const Strip &one = node.strips[a].strip, &other = node.strips[b].strip;
  bool same = one.count == other.count && one.pad_top == other.pad_top && one.pad_bottom == other.pad_bottom;
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    same &= node.windows_of(a)[i].count == node.windows_of(b)[i].count;
  return same;
}

/// Gives a strip the slot of an earlier strip of the same shape, or reshapes the kernel for the next slot.
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

/// Reshapes the kernel of a chain's node for each shape of strip, and sets the size of the node's rolling
/// buffer.
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

/// Reshapes the kernels of every chain.
[[gnu::cold]] inline Fit reshape_chains(Planning& planning, Plan& plan) {
  for (const StripChain& chain : plan.chains)
    for (std::int32_t n = chain.first; n <= chain.last; ++n)
      LITHE_TRY(fit_of(planning, reshape_streamed(*planning.services, plan, plan.node(n), n == chain.last))
                    .at(plan.index, n));
  return {};
}

/// Runs one strip of one node: the rows that stay move to the front of its rolling buffer, then the node
/// computes the new ones.
inline Status run_strip(Planning& planning, Plan& plan, PlanNode& node, std::size_t s) {
  const StripStep& step = node.strips[s];
  const PlanValue& out = plan.value(node.output_ids()[0]);
  const std::size_t row = out.bytes / static_cast<std::size_t>(out.shape[1]);
  const index_t moved = s == 0 ? 0 : step.kept - node.strips[s - 1].kept;
  const index_t stay = step.strip.first - step.kept;
  if (moved > 0 && stay > 0)
    std::memmove(out.data, out.data + static_cast<std::size_t>(moved) * row,
                 static_cast<std::size_t>(stay) * row);
  if (step.strip.count == 0) return {};
  view_strip(plan, node, s);
  return run_node(planning, plan, node, &step);
}

inline Status run_chain(Planning& planning, Plan& plan, const StripChain& chain) {
  const std::size_t strips = plan.node(chain.first).strips.size();
  for (std::size_t s = 0; s < strips; ++s)
    for (std::int32_t n = chain.first; n <= chain.last; ++n) {
      if (planning.services->stopped())
        return Status{Code::stopped, "the stop flag was set"}.at(plan.index, n);
      LITHE_TRY(run_strip(planning, plan, plan.node(n), s).at(plan.index, n));
    }
  return {};
}

}  // namespace lithe::inline v0::runtime
