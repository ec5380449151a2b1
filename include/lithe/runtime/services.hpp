// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/dtype.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/services.hpp"
#include "lithe/core/status.hpp"
#include "lithe/memory/arena.hpp"
#include "lithe/memory/operator_heap.hpp"
#include "lithe/model.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/options.hpp"

namespace lithe::inline v0::runtime {

struct Plan;
struct PlanNode;
struct Planning;
struct RunObserver;

/// What the phases call for the chains of a plan: functions of chains.hpp and strips.hpp, none of them null.
struct RowStreaming {
  Status (*mark)(Planning&, Plan&, std::span<const StripChain>);
  Fit (*cut)(Planning&, Plan&);
  Fit (*reshape)(Planning&, Plan&);
  Status (*run)(Planning&, Plan&, const StripChain&);
};

/// What a session is given when it is created: constant from then on.
struct Services {
  const Model* model = nullptr;
  std::span<const KernelEntry> kernels;
  Cpu cpu;
  const ThreadPool* threads = nullptr;
  PackedWeights* packed_weights = nullptr;
  HeapHooks heap_hooks;
  ArenaSource source;
  const RowStreaming* streaming = nullptr;  ///< not null where a plan has chains
  Status (*survey)(Planning&, Plan&, PlanNode&) = nullptr;
  const std::atomic<bool>* stop = nullptr;
  std::uint64_t max_bytes = 0;       ///< of one tensor
  std::uint64_t max_iterations = 0;  ///< of a loop
  bool growable = false;             ///< a run may allocate where the data decides sizes

  /// The dtype a value is planned with: half precision is computed in f32 where the CPU has no arithmetic for it.
  DType lowered(DType dtype) const {
    const bool widen = dtype == DType::bf16 || (dtype == DType::f16 && !cpu.f16_arithmetic);
    return widen ? DType::f32 : dtype;
  }
  bool stopped() const { return stop != nullptr && stop->load(std::memory_order_relaxed); }
};

/// What changes while a session plans and runs.
struct Planning {
  const Services* services = nullptr;
  Arena* arena = nullptr;
  OperatorHeap* heap = nullptr;
  const RunObserver* observer = nullptr;
  std::size_t grown_bytes = 0;
  bool variable = false;  ///< shapes may change: there are symbols, or inputs or data that decide shapes
  bool first = false;     ///< the first plan: the arena still grows
};

/// Serves the kernel library's allocations from the session's heap while it lives.
class HeapScope {
 public:
  explicit HeapScope(const Planning& planning) : hooks_(planning.services->heap_hooks) {
    if (hooks_.enter == nullptr || planning.heap == nullptr) return;
    previous_ = hooks_.enter(planning.heap);
    entered_ = true;
  }
  HeapScope(const HeapScope&) = delete;
  HeapScope& operator=(const HeapScope&) = delete;
  ~HeapScope() {
    if (entered_) hooks_.leave(previous_);
  }

 private:
  const HeapHooks& hooks_;
  OperatorHeap* previous_ = nullptr;
  bool entered_ = false;
};

}  // namespace lithe::inline v0::runtime
