// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/model.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"

/// For firmware: no operating system, no heap, no XNNPACK. The model lies in flash, all memory is one static arena:
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
  std::size_t graphs, values, nodes, links;  ///< links: inputs and outputs of all nodes
  std::size_t quantized, ports, widest;      ///< values with a quantization; inputs and outputs of the signature; of one node
  std::size_t kept_bytes;                    ///< shape values and widened constants
  std::size_t tensor_bytes;                  ///< inputs, outputs, tensors and workspaces
};

/// Bytes of an arena that suffices for a plan of this size on this target.
template <class Kernels>
constexpr std::size_t arena_bytes(const PlanSize& plan) {
  std::size_t kernel = 0;
  for (const KernelEntry& k : Kernels::entries) {
    const std::size_t bytes = k.bytes + k.op->attributes_bytes + 2 * alignof(std::max_align_t);
    kernel = bytes > kernel ? bytes : kernel;
  }
  const std::size_t blocks = plan.values + plan.nodes + plan.ports;
  const std::size_t scratch = sizeof(InferContext::Input) + sizeof(InferContext::Output) + 2 * sizeof(ValueInfo) + sizeof(TensorView);
  const std::size_t tables = sizeof(runtime::State) + plan.graphs * (sizeof(runtime::GraphPlan) + plan.widest * scratch) +
                             plan.values * sizeof(runtime::PlanValue) + plan.nodes * (sizeof(runtime::PlanNode) + kernel) +
                             plan.links * sizeof(TensorView) + blocks * (sizeof(PlannedBlock) + 2 * sizeof(std::int32_t)) +
                             plan.quantized * sizeof(Quantization) + plan.ports * sizeof(runtime::Port);
  return align_up(tables, 64) + plan.kept_bytes + plan.tensor_bytes + 4 * 64;
}

}  // namespace lithe::inline v0
