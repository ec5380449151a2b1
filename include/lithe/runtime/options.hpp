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

/// A row-streaming chain: nodes [first, last] of the main graph run in strips of `rows` output rows (axis 1)
/// of the last node. create() refuses with Code::invalid_argument what is no chain: each node must be able to
/// run in rows, take a batch of one image, and be read by the chain alone.
struct StripChain {
  std::int32_t first = 0;
  std::int32_t last = 0;
  std::int32_t rows = 0;  ///< at least 1
};

/// A new shape for an input. An input whose contents decide shapes (a host input) needs its contents too.
struct InputShape {
  std::string_view name;
  Shape shape;
  /// Dense elements of the input's dtype, `shape.elements()` of them, which are copied; null for other
  /// inputs, and to keep the contents that the session has.
  const void* contents = nullptr;
};

/// What a session is made of. lithe.hpp's options() fills in all that this machine offers, micro.hpp's what
/// firmware needs; a session must be given at least `kernels`, and an `arena` or a `source`.
///
/// Session::create() copies the struct. Everything that it points to must outlive the session, except
/// `shapes`, which are read by create() alone. Session::create() does not check pointers.
struct SessionOptions {
  std::span<const KernelEntry> kernels;  ///< KernelList<...>::entries: the first that supports a node runs it
  std::string_view signature;            ///< empty: the model's first
  std::span<const InputShape> shapes;    ///< initial shapes; needed only where symbols have no upper bound
  /// All memory of the session but packed weights, used by this session alone. Up to 63 bytes are lost if it
  /// is not aligned to 64. Empty: the memory comes from `source`.
  std::span<std::byte> arena;
  ArenaSource source;                         ///< null functions: `arena` must be given
  HeapHooks heap_hooks;                       ///< null functions: the list has no kernel of XNNPACK
  PackedWeights* packed_weights = nullptr;    ///< shared between sessions; null: the session's own
  PackedWeightsSource packed_weights_source;  ///< makes the session's own; null: kernels pack into the arena
  const ThreadPool* threads = nullptr;        ///< null: the calling thread alone
  Cpu cpu;                                    ///< what kernels may use of the processor
  std::span<const StripChain> strips;  ///< row-streaming chains; they must not overlap, and need `streaming`
  const runtime::RowStreaming* streaming = nullptr;  ///< &row_streaming; null: row streaming is not linked
  /// For tools that plan for another target: &runtime::survey_kernels. Null: only the chosen kernels are
  /// asked for their workspaces.
  Status (*survey)(runtime::Planning&, runtime::Plan&, runtime::PlanNode&) = nullptr;
  const std::atomic<bool>* stop = nullptr;  ///< true ends run() with Code::stopped; null: nothing stops it
  /// The limit of one tensor, and of an arena that comes from `source`. 1 GiB; 512 MiB with 32-bit pointers.
  std::uint64_t max_bytes = std::uint64_t{1} << (sizeof(void*) == 8 ? 30 : 29);
  std::uint64_t max_iterations = 1'000'000;  ///< the limit of one loop in the model
  bool growable = false;  ///< run() may allocate from `source` where the data decides sizes
};

/// The bytes of a session by purpose. Those of the arena are fixed when it is planned.
struct MemoryReport {
  std::size_t tables = 0;          ///< plan, kernels, attributes, early results, widened constants
  std::size_t operator_heap = 0;   ///< what the kernel library allocates for its operators
  std::size_t ports = 0;           ///< inputs, states and converted outputs
  std::size_t tensors = 0;         ///< everything between them, with the kernels' workspaces
  std::size_t grown = 0;           ///< what runs allocated because the data decides sizes
  std::size_t packed_weights = 0;  ///< counted whole, though other sessions may share them
  /// False: another part of the program started XNNPACK first, which then allocates outside of the arena.
  bool heap_is_ours = true;
  std::size_t arena() const { return tables + operator_heap + ports + tensors; }
  std::size_t total() const { return arena() + grown + packed_weights; }
};

}  // namespace lithe::inline v0
