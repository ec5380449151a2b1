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

/// The functions of chains.hpp and strips.hpp that phases call for the chains of a plan; none is null.
struct RowStreaming {
  Status (*mark)(Planning&, Plan&, std::span<const StripChain>);
  Fit (*cut)(Planning&, Plan&);
  Fit (*reshape)(Planning&, Plan&);
  Status (*run)(Planning&, Plan&, const StripChain&);
};

/// What a session is given when it is created; it is constant from then on. See SessionOptions.
struct Services {
  const Model* model = nullptr;
  std::span<const KernelEntry> kernels;
  Cpu cpu;
  const ThreadPool* threads = nullptr;
  PackedWeights* packed_weights = nullptr;
  HeapHooks heap_hooks;
  ArenaSource source;
  const RowStreaming* streaming = nullptr;  ///< not null if the plan has chains
  Status (*survey)(Planning&, Plan&, PlanNode&) = nullptr;
  const std::atomic<bool>* stop = nullptr;
  std::uint64_t max_bytes = 0;       ///< the limit of one tensor
  std::uint64_t max_iterations = 0;  ///< the limit of one loop
  bool growable = false;             ///< a run may allocate where the data decides sizes

  /// The dtype that a value is planned with: half precision becomes f32 if the CPU has no arithmetic for it.
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
  bool variable = false;  ///< shapes may change: there are symbols, host inputs, or data that decide shapes
  bool first = false;     ///< the first plan: the arena still grows
};

/// While it lives, the kernel library allocates from the session's operator heap.
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
