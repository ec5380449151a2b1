// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "lithe/core/align.hpp"
#include "lithe/core/services.hpp"
#include "lithe/core/status.hpp"
#include "lithe/memory/operator_heap.hpp"
#include "lithe/runtime/cpu.hpp"

/// XNNPACK's start-up, its allocator and its operators, as our types. Written against commit 4ea82e5. Kernels
/// read up to XNN_EXTRA_BYTES after inputs, and after outputs too where they compute in several passes
/// (softmax, clamped sums): every tensor needs that much readable memory after it.
namespace lithe::inline v0::xnn {

namespace detail {

[[gnu::cold]] inline Status failure(xnn_status status) {
  switch (status) {
    case xnn_status_out_of_memory:
      return {Code::out_of_memory, "XNNPACK could not allocate memory"};
    case xnn_status_unsupported_parameter:
      return {Code::unsupported, "XNNPACK does not support a parameter"};
    case xnn_status_unsupported_hardware:
      return {Code::unsupported, "XNNPACK does not support this processor"};
    case xnn_status_invalid_parameter:
      return {Code::kernel, "XNNPACK refused a parameter"};
    case xnn_status_invalid_state:
      return {Code::kernel, "an XNNPACK operator is in the wrong state"};
    case xnn_status_uninitialized:
      return {Code::kernel, "XNNPACK is not initialized"};
    default:
      return {Code::kernel, "XNNPACK reported a failure"};
  }
}

}  // namespace detail

/// Turns XNNPACK's status into ours.
inline Status check(xnn_status status) {
  return status == xnn_status_success ? Status{} : detail::failure(status);
}

namespace detail {

inline thread_local OperatorHeap* current_heap = nullptr;
inline std::atomic<std::uint64_t> allocations{0};

/// Allocates from the system, with the header that the heap's blocks have, so that a free finds the owner of
/// its pointer.
inline void* system_allocate(std::size_t bytes) {
  constexpr std::size_t align = OperatorHeap::alignment;
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t capacity = align_up(bytes, align);
  auto* block = static_cast<std::byte*>(std::aligned_alloc(align, align + capacity));
  if (block == nullptr) return nullptr;
  new (block) OperatorHeap::Header{nullptr, capacity, 0, OperatorHeap::Block::used};
  return block + align;
}

inline void* allocate(void*, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return current_heap != nullptr ? current_heap->allocate(bytes) : system_allocate(bytes);
}
inline void* aligned_allocate(void* context, std::size_t align, std::size_t bytes) {
  return align <= OperatorHeap::alignment ? allocate(context, bytes) : nullptr;
}
inline void deallocate(void*, void* pointer) {
  if (pointer == nullptr) return;
  if (OperatorHeap owner = OperatorHeap::owner(pointer))
    owner.deallocate(pointer);
  else
    std::free(OperatorHeap::header(pointer));
}
/// Reallocates within the block's owner, whatever heap is current.
inline void* reallocate(void* context, void* pointer, std::size_t bytes) {
  if (pointer == nullptr) return allocate(context, bytes);
  if (OperatorHeap owner = OperatorHeap::owner(pointer)) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return owner.reallocate(pointer, bytes);
  }
  const std::size_t capacity = OperatorHeap::header(pointer)->capacity;
  if (bytes <= capacity) return pointer;
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* moved = system_allocate(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, pointer, capacity);
  deallocate(context, pointer);
  return moved;
}

inline constexpr xnn_allocator allocator{nullptr,    allocate,         reallocate,
                                         deallocate, aligned_allocate, deallocate};

struct Start {
  Status status;
  bool ours = false;
};

/// Initializes XNNPACK. The first xnn_initialize of a process decides on the allocator and does not report
/// it: creating an operator shows whose allocator is called.
inline Start start() {
  Start result{check(xnn_initialize(&allocator))};
  if (!result.status.ok()) return result;
  const std::uint64_t before = allocations.load(std::memory_order_relaxed);
  xnn_operator_t probe = nullptr;
  result.status = check(xnn_create_slice_nd_x8(0, &probe));
  result.ours = allocations.load(std::memory_order_relaxed) != before;
  if (probe != nullptr) (void)xnn_delete_operator(probe);
  return result;
}

inline const Start& started() {
  static const Start once = start();
  return once;
}

}  // namespace detail

/// Initializes XNNPACK with our allocator, once in a process; every kernel's create calls it. Thread-safe.
inline Status initialize() { return detail::started().status; }
/// Whether XNNPACK allocates through us. It does not if someone else in the process initialized it first:
/// then operators use that allocator and heaps stay empty.
inline bool heap_is_ours() { return detail::started().ours; }
/// The number of allocations that XNNPACK has asked us for in this process. A run must not change it.
inline std::uint64_t allocations() { return detail::allocations.load(std::memory_order_relaxed); }

/// Switches off CPU features for the whole process, with all that builds on them: in cpu(), and in XNNPACK,
/// which reads cpuinfo once, when it is initialized. `names` are those of runtime/cpu.hpp, separated by
/// commas. Call it before any session, custom kernel or other thread. Errors, with nothing changed:
/// Code::invalid_argument for an unknown name, or where XNNPACK is already initialized, by us or by someone
/// else; Code::unsupported for a feature that is part of the architecture.
inline Status restrict_cpu(std::string_view names) {
  xnn_operator_t probe = nullptr;
  const xnn_status status = xnn_create_slice_nd_x8(0, &probe);
  if (probe != nullptr) (void)xnn_delete_operator(probe);
  if (status != xnn_status_uninitialized)
    return {Code::invalid_argument, "XNNPACK has chosen its microkernels already: mask features before"};
  return lithe::detail::mask_process(names);
}

/// The hooks by which a session serves XNNPACK from its arena.
inline constexpr HeapHooks heap_hooks{
    .start = initialize,
    .enter = [](OperatorHeap* heap) { return std::exchange(detail::current_heap, heap); },
    .leave = [](OperatorHeap* previous) { detail::current_heap = previous; },
    .heap_is_ours = heap_is_ours};

/// Owns an XNNPACK operator.
class Handle {
 public:
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { reset(); }

  void reset() {
    if (op_ != nullptr) (void)xnn_delete_operator(std::exchange(op_, nullptr));
  }
  /// The address for a create function; deletes the operator that was held.
  xnn_operator_t* out() {
    reset();
    return &op_;
  }
  xnn_operator_t get() const { return op_; }
  explicit operator bool() const { return op_ != nullptr; }

 private:
  xnn_operator_t op_ = nullptr;
};

}  // namespace lithe::inline v0::xnn
