// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/create.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/reshape.hpp"
#include "lithe/runtime/services.hpp"

/// Early nodes run while planning, because they depend on constants, shapes and the contents of host inputs
/// alone. Later shapes may depend on their results.
namespace lithe::inline v0::runtime {

/// Nodes whose results are larger are left to ordinary runs.
inline constexpr std::size_t max_early_bytes = 64 * 1024;

/// Whether a node may run early: everything that it depends on is known by now. The first plan decides.
[[gnu::cold]] inline bool can_run_early(const Planning& planning, const Plan& plan, const PlanNode& node) {
  if (!planning.first) return node.early;
  const OpSpec& spec = *node.op->spec;
  if (node.varies() || spec.subgraphs != 0 || spec.accuracy == Accuracy::random) return false;
  for (std::int32_t id : node.input_ids())
    if (id >= 0 && !spec.reads_shapes_only && (plan.value(id).contents == nullptr || plan.value(id).widen))
      return false;
  std::size_t total = 0;
  for (std::int32_t id : node.output_ids()) {
    if (id < 0) continue;
    if (plan.value(id).extent != Extent::exact) return false;
    total += plan.value(id).bytes;
  }
  return total <= max_early_bytes;
}

/// Runs the node now and keeps its outputs.
[[gnu::cold]] inline Fit run_early(Planning& planning, Plan& plan, PlanNode& node) {
  node.early = true;
  if (node.kernel.entry == nullptr) {
    LITHE_TRY(choose_node(planning, plan, node, Preference::last));
    LITHE_TRY(create_node(planning, plan, node, node.preferred));
  }
  LITHE_TRY(select(*planning.services, plan, node));
  const auto in = node.input_ids(), out = node.output_ids();
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] < 0) continue;
    const PlanValue& v = plan.value(in[i]);
    node.inputs[i] = TensorView(v.contents, v.dtype, v.shape, v.quantization);
  }
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (out[o] < 0) continue;
    PlanValue& v = plan.value(out[o]);
    LITHE_TRY(keep(planning, v.own, v.bytes + tensor_slack));
    node.outputs[o] = Tensor(v.own.data, v.dtype, v.shape, v.quantization);
    v.data = v.own.data;
    v.contents = v.own.data;
  }
  std::size_t workspace_bytes = 0;
  LITHE_TRY(reshape_kernel(*planning.services, plan, node, workspace_bytes));
  LITHE_TRY(keep(planning, node.own_workspace, workspace_bytes));
  RunContext run(node.inputs, node.outputs, {node.own_workspace.data, workspace_bytes},
                 planning.services->threads);
  return node.kernel.entry->run(node.kernel.object, node.attributes, run);
}

}  // namespace lithe::inline v0::runtime
