// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lithe/core/kernel.hpp"
#include "lithe/core/services.hpp"

namespace lithe::inline v0 {
namespace runtime {
struct Plan;
struct PlanNode;
struct Planning;
struct RowStreaming;
}  // namespace runtime

/// Nodes [first, last] of the main graph run in strips of `rows` output rows of the last node's axis 1.
struct StripChain {
  std::int32_t first = 0;
  std::int32_t last = 0;
  std::int32_t rows = 0;
};

/// A new shape for an input, and for shape-deciding (host) inputs their contents, which are copied.
struct InputShape {
  std::string_view name;
  Shape shape;
  const void* contents = nullptr;
};

/// What a session is made of. lithe.hpp's options() fills in all that this machine offers.
struct SessionOptions {
  std::span<const KernelEntry> kernels;  ///< KernelList<...>::entries: the first that supports a node runs it
  std::string_view signature;            ///< empty: the first
  std::span<const InputShape> shapes;    ///< initial shapes; needed only where symbols have no upper bound
  std::span<std::byte> arena;            ///< all memory of the session; empty: taken from `source`
  ArenaSource source;
  HeapHooks heap_hooks;
  PackedWeights* packed_weights = nullptr;  ///< shared between sessions; null: the session's own
  PackedWeightsSource packed_weights_source;
  const ThreadPool* threads = nullptr;
  Cpu cpu;
  std::span<const StripChain> strips;  ///< row-streaming chains of the main graph; they need `streaming`
  const runtime::RowStreaming* streaming = nullptr;  ///< &row_streaming; null: none is linked
  /// For tools that plan for another target: &runtime::survey_kernels; null: only the chosen kernels are asked.
  Status (*survey)(runtime::Planning&, runtime::Plan&, runtime::PlanNode&) = nullptr;
  const std::atomic<bool>* stop = nullptr;
  std::uint64_t max_bytes = std::uint64_t{1}
                            << (sizeof(void*) == 8 ? 30 : 29);  ///< of one tensor, and of the arena
  std::uint64_t max_iterations = 1'000'000;
  bool growable = false;  ///< run() may allocate where the data decides sizes
};

/// Bytes by purpose.
struct MemoryReport {
  std::size_t tables = 0;          ///< plan, kernels, attributes, widened constants, shape values
  std::size_t operator_heap = 0;   ///< what the kernel library allocates for its operators
  std::size_t ports = 0;           ///< inputs, states and converted outputs
  std::size_t tensors = 0;         ///< everything between, with the kernels' workspaces
  std::size_t grown = 0;           ///< blocks of data-dependent size
  std::size_t packed_weights = 0;  ///< of all sessions that share them
  bool heap_is_ours =
      true;  ///< false: someone else initialized the kernel library, which then uses its own memory
  std::size_t arena() const { return tables + operator_heap + ports + tensors; }
  std::size_t total() const { return arena() + grown + packed_weights; }
};

}  // namespace lithe::inline v0
