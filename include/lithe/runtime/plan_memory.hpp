// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "lithe/core/align.hpp"
#include "lithe/core/status.hpp"
#include "lithe/memory/arena.hpp"
#include "lithe/memory/operator_heap.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/services.hpp"

/// Memory beside the planned blocks: what planning keeps, and what runs grow.
namespace lithe::inline v0::runtime {

inline Status out_of_arena() {
  return {Code::out_of_memory,
          "the arena is too small: Session::memory() on a larger machine tells the size"};
}

/// Memory for data that planning keeps. The first plan takes it from the arena; later plans must fit the
/// capacity, or the session plans again.
[[gnu::cold]] inline Fit keep(Planning& planning, MemoryBlock& block, std::size_t bytes) {
  if (bytes <= block.capacity && block.data != nullptr) return {};
  if (!planning.first) return Fit::replan("a tensor is larger than the plan foresaw");
  const std::size_t capacity = align_up(bytes + 1, 64);
  block = {static_cast<std::byte*>(planning.arena->allocate(capacity)), capacity};
  return block.data == nullptr ? out_of_arena() : Status{};
}

/// Takes memory from the source for a size that only the data decides. Errors: Code::out_of_memory without
/// SessionOptions::growable, without a source, above max_bytes, or if the source refuses.
[[gnu::cold]] inline Status reserve(Planning& planning, std::size_t bytes, MemoryBlock& block) {
  const Services& services = *planning.services;
  if (!services.growable || services.source.reserve == nullptr)
    return {Code::out_of_memory,
            "a size that depends on the data is beyond the plan: create the session with growable set"};
  if (bytes > services.max_bytes)
    return {Code::out_of_memory, "a size that depends on the data is beyond max_bytes"};
  const std::size_t capacity = align_up(bytes, 4096);
  void* memory = services.source.reserve(capacity);
  if (memory == nullptr)
    return {Code::out_of_memory, "the system has no memory for a size that depends on the data"};
  planning.grown_bytes += capacity;
  block = {static_cast<std::byte*>(memory), capacity};
  return {};
}

/// Gives a reserved block back. A block of the arena stays where it is.
[[gnu::cold]] inline void release(Planning& planning, MemoryBlock& block) {
  if (block.data != nullptr && !planning.arena->contains(block.data)) {
    planning.services->source.release(block.data, block.capacity);
    planning.grown_bytes -= block.capacity;
  }
  block = {};
}

/// Ensures a capacity of `bytes` for a size that only the data decides; the old contents are lost.
inline Status grow(Planning& planning, MemoryBlock& block, std::size_t bytes) {
  if (bytes <= block.capacity) return {};
  MemoryBlock larger;
  LITHE_TRY(reserve(planning, bytes, larger));
  release(planning, block);
  block = larger;
  return {};
}

/// Ensures a capacity of `bytes` for a value whose size the data decides; its first `kept` bytes stay. If
/// `kept` is not 0 the capacity doubles, so that appending an element costs constant time.
inline Status store(Planning& planning, PlanValue& v, std::size_t bytes, std::size_t kept = 0) {
  if (bytes > v.capacity || v.data == nullptr) {
    MemoryBlock larger;
    if (bytes + tensor_slack > v.own.capacity) {
      const auto doubled =
          static_cast<std::size_t>(std::min<std::uint64_t>(2 * kept, planning.services->max_bytes));
      LITHE_TRY(reserve(planning, std::max(bytes + tensor_slack, doubled), larger));
    }
    std::byte* const to = larger.data != nullptr ? larger.data : v.own.data;
    if (kept != 0 && to != v.data) std::memcpy(to, v.data, kept);
    if (larger.data != nullptr) {
      release(planning, v.own);
      v.own = larger;
    }
    v.data = to;
  }
  v.bytes = bytes;
  return {};
}

/// Scratch block `number` of a running node with a capacity of at least `bytes`; its contents survive growth.
[[gnu::cold]] inline Status grow_scratch(Planning& planning, PlanNode& node, int number, std::size_t bytes,
                                         ScratchBlock*& result) {
  ScratchBlock** link = &node.scratch;
  while (*link != nullptr && (*link)->number != number) link = &(*link)->next;
  ScratchBlock* const old = *link;
  result = old;
  if (old != nullptr && bytes <= old->capacity) return {};
  MemoryBlock memory;
  const std::uint64_t doubled = old == nullptr ? 0 : 2 * old->capacity,
                      most = planning.services->max_bytes / 2;
  LITHE_TRY(reserve(planning,
                    std::max(bytes, static_cast<std::size_t>(std::min(doubled, most))) + sizeof(ScratchBlock),
                    memory));
  result = new (memory.data) ScratchBlock{nullptr, memory.capacity - sizeof(ScratchBlock), number};
  if (old != nullptr) {
    std::memcpy(result->data(), old->data(), old->capacity);
    result->next = old->next;
    MemoryBlock freed{reinterpret_cast<std::byte*>(old), old->capacity + sizeof(ScratchBlock)};
    release(planning, freed);
  }
  *link = result;
  return {};
}

/// Gives back everything that a node's runs reserved.
[[gnu::cold]] inline void release(Planning& planning, PlanNode& node) {
  release(planning, node.own_workspace);
  release(planning, node.own_children);
  release(planning, node.strip_table);
  while (node.scratch != nullptr) {
    ScratchBlock* const block = node.scratch;
    node.scratch = block->next;
    MemoryBlock memory{reinterpret_cast<std::byte*>(block), block->capacity + sizeof(ScratchBlock)};
    release(planning, memory);
  }
}

/// Memory for as long as this object lives: from the source if there is one, else from the operator heap.
class TemporaryMemory {
 public:
  explicit TemporaryMemory(const Planning& planning) : planning_(planning) {}
  TemporaryMemory(const TemporaryMemory&) = delete;
  TemporaryMemory& operator=(const TemporaryMemory&) = delete;
  ~TemporaryMemory() {
    if (data_ == nullptr) return;
    if (planning_.services->source.reserve != nullptr)
      planning_.services->source.release(data_, bytes_);
    else
      planning_.heap->deallocate(data_);
  }
  /// Null if there is no room. To be called once.
  std::byte* allocate(std::size_t bytes) {
    bytes_ = align_up(bytes, 4096);
    if (planning_.services->source.reserve != nullptr)
      data_ = planning_.services->source.reserve(bytes_);
    else if (planning_.heap != nullptr)
      data_ = planning_.heap->allocate(bytes_);
    return static_cast<std::byte*>(data_);
  }

 private:
  const Planning& planning_;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace lithe::inline v0::runtime
