// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "lithe/core/align.hpp"

namespace lithe::inline v0 {

/// A heap inside a byte range, for the memory that a kernel library allocates while operators are created and
/// reshaped.
///
/// Before `seal()` the heap grows from the start of its range: it takes the freed block that fits best, else
/// memory from its top; freed blocks are split and merged. After `seal()` blocks keep their sizes for ever. A
/// block that is freed, or reallocated to fewer bytes, stays whole: a caller that frees or shrinks a block
/// gets the same bytes back later. A full heap returns null. The same calls give the same addresses, relative
/// to the range.
///
/// The heap's bookkeeping lies in the range itself: this object is a handle, which may be copied and moved.
/// Not thread-safe.
class OperatorHeap {
 public:
  static constexpr std::size_t alignment = 64;

  OperatorHeap() = default;
  /// Takes over `range`, whatever it contains. Below 192 bytes the heap is unusable: every allocation gives
  /// null.
  explicit OperatorHeap(std::span<std::byte> range) {
    void* start = range.data();
    std::size_t bytes = range.size();
    if (start == nullptr || std::align(alignment, 3 * alignment, start, bytes) == nullptr) return;
    control_ = new (start) ControlBlock{};
    control_->base = static_cast<std::byte*>(start);
    control_->size = bytes / alignment * alignment;
    control_->top = control_->high_water = alignment;
  }

  /// Allocates at least `bytes` bytes, aligned to 64; null where there is no room, or where `align` is above
  /// 64.
  void* allocate(std::size_t bytes, std::size_t align = alignment) {
    if (control_ == nullptr || align > alignment || bytes > control_->size) return nullptr;
    const std::size_t capacity = std::max(align_up(bytes, alignment), alignment);
    Header* block = best_fit(capacity);
    if (block != nullptr)
      split(block, capacity);
    else
      block = extend(capacity);
    if (block == nullptr) return nullptr;
    block->state = Block::used;
    control_->used += alignment + block->capacity;
    return data(block);
  }

  /// As std::realloc: null means that `pointer` is still valid and unchanged.
  void* reallocate(void* pointer, std::size_t bytes) {
    if (pointer == nullptr) return allocate(bytes);
    const std::size_t capacity = header(pointer)->capacity;
    if (bytes <= capacity) return pointer;
    // Before the seal the last block, often an indirection buffer, grows where it is.
    if (grow_last(pointer, bytes)) return pointer;
    void* moved = allocate(bytes);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, pointer, capacity);
    deallocate(pointer);
    return moved;
  }

  void deallocate(void* pointer) {
    if (pointer == nullptr) return;
    Header* block = header(pointer);
    block->state = Block::free;
    control_->used -= alignment + block->capacity;
    if (!control_->sealed) merge(block);
  }

  /// Freezes the heap: from now on nothing is split, merged or taken from the top. Blocks that are free at
  /// this moment are never used again.
  void seal() {
    if (control_ == nullptr || control_->sealed) return;
    for (Header* block = first(); block != nullptr; block = next(block))
      if (block->state == Block::free) block->state = Block::hole;
    control_->sealed = true;
    control_->high_water = control_->top;
  }
  bool sealed() const { return control_ != nullptr && control_->sealed; }

  /// Bytes of the live blocks, with their 64-byte headers.
  std::size_t used() const { return control_ == nullptr ? 0 : control_->used; }
  /// Bytes of the range, from its start, that were ever occupied. Once the heap is sealed, these must be
  /// kept.
  std::size_t high_water() const { return control_ == nullptr ? 0 : control_->high_water; }
  bool contains(const void* pointer) const {
    const auto at = reinterpret_cast<std::uintptr_t>(pointer),
               base = reinterpret_cast<std::uintptr_t>(control_);
    return control_ != nullptr && at >= base && at - base < control_->size;
  }
  /// The live block that starts at `pointer`; empty where there is none. For tools.
  std::span<const std::byte> block_at(const void* pointer) const {
    if (control_ == nullptr) return {};
    for (Header* block = first(); block != nullptr; block = next(block))
      if (data(block) == pointer && block->state == Block::used)
        return {static_cast<const std::byte*>(data(block)), block->capacity};
    return {};
  }
  explicit operator bool() const { return control_ != nullptr; }

 private:
  struct ControlBlock;

 public:
  enum class Block : std::uint8_t { used, free, hole };
  /// Precedes every block. Other allocators may put a header with a null owner before their own blocks, so
  /// that owner() works for all.
  struct alignas(alignment) Header {
    ControlBlock* owner = nullptr;
    std::size_t capacity = 0;  ///< bytes after the header
    std::size_t previous = 0;  ///< capacity of the block before this one; 0: this is the first
    Block state = Block::free;
  };
  static Header* header(void* pointer) {
    return reinterpret_cast<Header*>(static_cast<std::byte*>(pointer) - alignment);
  }
  /// The heap that owns a block which a Header precedes; an empty handle for a null owner.
  static OperatorHeap owner(void* pointer) {
    OperatorHeap heap;
    heap.control_ = header(pointer)->owner;
    return heap;
  }

 private:
  struct alignas(alignment) ControlBlock {
    std::byte* base = nullptr;
    std::size_t size = 0, top = 0, high_water = 0, used = 0;
    std::size_t last = 0;  ///< capacity of the block below `top`
    bool sealed = false;
  };
  static_assert(sizeof(Header) == alignment && sizeof(ControlBlock) == alignment);

  static void* data(Header* block) { return reinterpret_cast<std::byte*>(block) + alignment; }
  Header* first() const {
    return control_->top == alignment ? nullptr : reinterpret_cast<Header*>(control_->base + alignment);
  }
  Header* next(Header* block) const {
    std::byte* end = static_cast<std::byte*>(data(block)) + block->capacity;
    return end == control_->base + control_->top ? nullptr : reinterpret_cast<Header*>(end);
  }

  Header* best_fit(std::size_t capacity) const {
    Header* best = nullptr;
    for (Header* block = first(); block != nullptr; block = next(block))
      if (block->state == Block::free && block->capacity >= capacity &&
          (best == nullptr || block->capacity < best->capacity))
        best = block;
    return best;
  }

  void set_capacity(Header* block, std::size_t capacity) {
    block->capacity = capacity;
    Header* after = next(block);
    (after != nullptr ? after->previous : control_->last) = capacity;
  }

  void split(Header* block, std::size_t capacity) {
    const std::size_t rest = block->capacity - capacity;
    if (control_->sealed || rest < 2 * alignment) return;
    auto* tail =
        new (static_cast<std::byte*>(data(block)) + capacity) Header{control_, 0, capacity, Block::free};
    block->capacity = capacity;
    set_capacity(tail, rest - alignment);
  }

  void set_top(std::size_t top) {
    control_->top = top;
    control_->high_water = std::max(control_->high_water, top);
  }

  Header* extend(std::size_t capacity) {
    if (control_->sealed || control_->size - control_->top < alignment ||
        control_->size - control_->top - alignment < capacity)
      return nullptr;
    auto* block =
        new (control_->base + control_->top) Header{control_, capacity, control_->last, Block::free};
    control_->last = capacity;
    set_top(control_->top + alignment + capacity);
    return block;
  }

  bool grow_last(void* pointer, std::size_t bytes) {
    Header* block = header(pointer);
    if (control_->sealed || next(block) != nullptr || bytes > control_->size) return false;
    const std::size_t more = align_up(bytes, alignment) - block->capacity;
    if (more > control_->size - control_->top) return false;
    control_->used += more;
    block->capacity += more;
    control_->last = block->capacity;
    set_top(control_->top + more);
    return true;
  }

  void merge(Header* block) {
    if (Header* after = next(block); after != nullptr && after->state == Block::free)
      set_capacity(block, block->capacity + alignment + after->capacity);
    if (block->previous != 0) {
      auto* before = header(reinterpret_cast<std::byte*>(block) - block->previous);
      if (before->state == Block::free) {
        set_capacity(before, before->capacity + alignment + block->capacity);
        block = before;
      }
    }
    if (next(block) != nullptr) return;
    control_->last = block->previous;
    control_->top = static_cast<std::size_t>(reinterpret_cast<std::byte*>(block) - control_->base);
  }

  ControlBlock* control_ = nullptr;
};

}  // namespace lithe::inline v0
