// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>

#include "lithe/core/align.hpp"
#include "lithe/model.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"

/// For firmware: no operating system, no heap, no XNNPACK. The model lies in flash, all memory is one static
/// arena:
///   alignas(64) static std::byte arena[48 * 1024];
///   auto model = lithe::Model::open(flash);
///   auto session = lithe::Session::create(*model, lithe::options<lithe::KernelList<...>>(arena));
namespace lithe::inline v0 {

/// Options for a session with these kernels, as `lithe embed` prints them for a model, and this arena, which
/// must outlive it. Row streaming is linked only if SessionOptions::streaming names it
/// (runtime/row_streaming.hpp).
template <class Kernels>
SessionOptions options(std::span<std::byte> arena) {
  SessionOptions o;
  o.kernels = Kernels::entries;
  o.arena = arena;
  return o;
}

/// What the arena of a plan holds, counted by `lithe embed`.
struct PlanSize {
  runtime::TableCounts tables;  ///< counts of all graphs together
  std::size_t ports = 0;        ///< inputs and outputs of the signature
  std::size_t symbols = 0;
  std::size_t kept_bytes = 0;    ///< values known while planning, and widened constants
  std::size_t tensor_bytes = 0;  ///< inputs, outputs, tensors and workspaces
};

/// The bytes of an arena, aligned to 64, that suffice for a plan of this size on this target. nodes[i] nodes
/// have the i-th operator, in the order in which the list first names an operator. The largest of the kernels
/// that run one operator counts.
template <class Kernels>
constexpr std::size_t arena_bytes(const PlanSize& plan, std::initializer_list<std::size_t> nodes) {
  std::size_t kernels = 0;
  const std::size_t* count = nodes.begin();
  for (const KernelEntry& entry : Kernels::entries) {
    const auto same = [&](const KernelEntry& k) { return k.op->spec == entry.op->spec; };
    std::size_t bytes = 0;
    bool first = true;
    for (const KernelEntry& k : Kernels::entries) {
      if (&k < &entry && same(k)) first = false;
      if (same(k))
        bytes = std::max(bytes, k.bytes + k.align + k.op->attributes_bytes + k.op->attributes_align);
    }
    if (first && count != nodes.end()) kernels += *count++ * bytes;
  }
  const std::size_t tables = sizeof(runtime::SessionCore) + runtime::table_bytes(plan.tables) + kernels +
                             plan.ports * sizeof(runtime::Port) + plan.symbols * sizeof(runtime::SymbolValue);
  return align_up(tables, 64) + plan.kept_bytes + plan.tensor_bytes;
}

}  // namespace lithe::inline v0
