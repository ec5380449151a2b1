// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lithe/core/half.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/services.hpp"

/// Which kernel runs a node.
namespace lithe::inline v0::runtime {

/// Converts `count` f16 or bf16 elements to f32.
inline void widen(DType from, const void* source, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    to[i] = from == DType::f16 ? static_cast<float>(static_cast<const half*>(source)[i])
                               : static_cast<float>(static_cast<const bfloat16*>(source)[i]);
}

/// Whether the kernel reads constant input `i` only in create.
inline bool packs(const KernelEntry& kernel, std::size_t i) {
  return i < 32 && (kernel.packed_inputs >> i & 1u) != 0;
}

enum class Preference : std::uint8_t { first, last };

/// The first kernel of the list that supports the node, or the last one that does; null if none does.
[[gnu::cold]] inline const KernelEntry* find_kernel(const Services& services, Plan& plan,
                                                    const PlanNode& node, Preference preference) {
  const NodeDescription description(plan, node, services.cpu);
  const std::size_t count = services.kernels.size();
  for (std::size_t i = 0; i < count; ++i) {
    const KernelEntry& kernel = services.kernels[preference == Preference::last ? count - 1 - i : i];
    const bool same =
        kernel.op == node.op || is_operator(*kernel.op->spec, node.op->spec->name, node.op->spec->version);
    if (same && kernel.supports(node.attributes, description.info())) return &kernel;
  }
  return nullptr;
}

/// Constructs a kernel in the arena, and widens the half-precision constants that it reads in every run.
[[gnu::cold]] inline Fit construct(Planning& planning, Plan& plan, PlanNode& node, NodeKernel& kernel) {
  kernel.object = planning.arena->allocate(kernel.entry->bytes, kernel.entry->align);
  if (kernel.object == nullptr) return out_of_arena();
  kernel.entry->construct(kernel.object);
  const auto ids = node.input_ids();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || !plan.value(ids[i]).widen || packs(*kernel.entry, i)) continue;
    PlanValue& v = plan.value(ids[i]);
    LITHE_TRY(keep(planning, v.own, v.bytes + segment_slack));
    widen(v.file_dtype, v.contents, reinterpret_cast<float*>(v.own.data),
          static_cast<std::size_t>(v.shape.elements()));
    v.contents = v.own.data;
    v.widen = false;
  }
  return {};
}

/// Constructs the node's kernel: the first that supports it, or the last if the node's shapes are not known.
/// If shapes may change, the last one is constructed too, as the fallback, unless it needs half-precision
/// constants widened that the first one packs.
[[gnu::cold]] inline Fit choose_node(Planning& planning, Plan& plan, PlanNode& node, Preference preference) {
  const Services& services = *planning.services;
  node.preferred.entry = find_kernel(services, plan, node, preference);
  if (node.preferred.entry == nullptr)
    return Status{Code::unsupported,
                  "no kernel in the session's list supports this node's types, shapes or attributes"};
  LITHE_TRY(construct(planning, plan, node, node.preferred));
  node.kernel = node.preferred;
  if (preference == Preference::last || !planning.variable) return {};
  const KernelEntry* other = find_kernel(services, plan, node, Preference::last);
  if (other == node.preferred.entry) return {};
  const auto ids = node.input_ids();
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] >= 0 && plan.value(ids[i]).widen && !packs(*other, i)) return {};
  node.fallback.entry = other;
  return construct(planning, plan, node, node.fallback);
}

/// Chooses and constructs the kernels of all nodes that have none yet, children included. create() creates
/// them.
[[gnu::cold]] inline Fit choose(Planning& planning, Plan& plan) {
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    PlanNode& node = plan.node(n);
    for (Plan* child : node.children) LITHE_TRY(choose(planning, *child));
    if (node.kernel.entry != nullptr) continue;
    const Preference preference = unknown_until_run(plan, node) ? Preference::last : Preference::first;
    LITHE_TRY(choose_node(planning, plan, node, preference).at(plan.index, n));
  }
  return {};
}

/// Switches the node to the first of its two kernels that supports the current shapes.
inline Fit select(const Services& services, Plan& plan, PlanNode& node) {
  const NodeDescription description(plan, node, services.cpu);
  for (const NodeKernel* kernel : {&node.preferred, &node.fallback})
    if (kernel->entry != nullptr && kernel->entry->supports(node.attributes, description.info())) {
      node.kernel = *kernel;
      return {};
    }
  return Fit::replan("no kernel of the plan supports this node's new shapes");
}

/// Selects the kernel of every node whose shapes are known, children included.
[[gnu::cold]] inline Fit select(const Services& services, Plan& plan) {
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    PlanNode& node = plan.node(n);
    if (node.early || unknown_until_run(plan, node) || always_empty(plan, node)) continue;
    LITHE_TRY(select(services, plan, node).at(plan.index, n));
    for (Plan* child : node.children)
      if (!child->refused) LITHE_TRY(select(services, *child));
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
