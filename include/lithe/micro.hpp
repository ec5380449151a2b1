// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include "lithe/model.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"

/// For firmware: no operating system, no heap, no XNNPACK. The model lies in flash, all memory is one static
/// arena:
///   alignas(64) static std::byte arena[48 * 1024];
///   auto model = lithe::Model::open(flash);
///   auto session = lithe::Session::create(*model, lithe::options<lithe::KernelList<...>>(arena));
namespace lithe::inline v0 {

/// Plain C++ kernels only: name those the model needs, as `lithe embed` prints them.
template <class Kernels>
SessionOptions options(std::span<std::byte> arena) {
  SessionOptions o;
  o.kernels = Kernels::entries;
  o.arena = arena;
  return o;
}

/// What a plan is made of, counted by `lithe embed`.
struct PlanSize {
  std::size_t graphs, values, nodes, links;  ///< of all graphs; links: inputs and outputs of nodes
  std::size_t blocks;                        ///< values, nodes, inputs and outputs of all graphs
  std::size_t quantized, ports, symbols;  ///< values with a quantization; inputs and outputs of the signature
  std::size_t widest;                     ///< most inputs and outputs of one node or graph
  std::size_t kept_bytes;                 ///< shape values and widened constants
  std::size_t tensor_bytes;               ///< inputs, outputs, tensors and workspaces
};

/// Bytes of an arena, aligned to 64, that suffices for a plan of this size on this target; `nodes[i]` of them
/// run on kernel number i of the list.
template <class Kernels>
constexpr std::size_t arena_bytes(const PlanSize& plan, std::initializer_list<std::size_t> nodes) {
  std::size_t kernels = 0, i = 0;
  for (const std::size_t n : nodes) {
    const KernelEntry& k = Kernels::entries[i++];
    kernels += n * (k.bytes + k.align + k.op->attributes_bytes + k.op->attributes_align);
  }
  const std::size_t scratch =
      sizeof(InferContext::Input) + sizeof(InferContext::Output) + 2 * sizeof(ValueInfo) + sizeof(TensorView);
  const std::size_t arrays_of_a_graph =
      12 * alignof(std::max_align_t);  // what aligning each of them may cost
  const std::size_t tables =
      sizeof(runtime::State) +
      plan.graphs * (sizeof(runtime::GraphPlan) + sizeof(void*) + plan.widest * scratch + arrays_of_a_graph) +
      plan.values * sizeof(runtime::PlanValue) + plan.nodes * sizeof(runtime::PlanNode) + kernels +
      plan.links * sizeof(TensorView) + plan.blocks * (sizeof(PlannedBlock) + 2 * sizeof(std::int32_t)) +
      plan.quantized * sizeof(Quantization) + plan.ports * sizeof(runtime::Port) +
      plan.symbols * sizeof(runtime::SymbolValue);
  return align_up(tables, 64) + plan.kept_bytes + plan.tensor_bytes;
}

}  // namespace lithe::inline v0
