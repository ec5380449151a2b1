// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "lithe/core/align.hpp"
#include "lithe/core/services.hpp"

namespace lithe::inline v0 {

/// One range of bytes: the caller's, or reserved from an ArenaSource. Memory is taken from its start and
/// never given back piece by piece.
class Arena {
 public:
  Arena() = default;
  explicit Arena(std::span<std::byte> bytes) {
    // Tensors are aligned to 64 bytes: skip what the caller's range lacks.
    const std::size_t skip = align_up(reinterpret_cast<std::uintptr_t>(bytes.data()), 64) -
                             reinterpret_cast<std::uintptr_t>(bytes.data());
    if (skip < bytes.size()) {
      base_ = bytes.data() + skip;
      size_ = bytes.size() - skip;
    }
  }
  /// Reserves up to `bytes`; less if the source has no room for that much.
  Arena(const ArenaSource& source, std::size_t bytes) : source_(source) {
    for (; base_ == nullptr && source.reserve != nullptr && bytes >= 4096; bytes /= 2) {
      base_ = static_cast<std::byte*>(source.reserve(bytes));
      size_ = reserved_ = base_ == nullptr ? 0 : bytes;
    }
  }
  Arena(Arena&& other) noexcept { swap(other); }
  Arena& operator=(Arena&& other) noexcept {
    Arena taken(static_cast<Arena&&>(other));
    swap(taken);
    return *this;
  }
  ~Arena() {
    if (reserved_ != 0) source_.release(base_, reserved_);
  }

  std::byte* base() const { return base_; }
  std::size_t size() const { return size_; }
  std::size_t used() const { return used_; }
  std::span<std::byte> rest() const { return {base_ + used_, size_ - used_}; }
  bool contains(const void* p) const { return p >= base_ && p < base_ + size_; }

  /// Takes memory from the range; null if there is no room.
  void* allocate(std::size_t bytes, std::size_t alignment = 64) {
    const std::size_t start = align_up(used_, alignment);
    if (start > size_ || bytes > size_ - start) return nullptr;
    used_ = start + bytes;
    return base_ + start;
  }
  /// Takes `count` value-initialized objects that need no destructor. Returns false if there is no room.
  template <class T>
  bool array(std::size_t count, std::span<T>& result) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count > size_ / sizeof(T)) return false;
    auto* memory = static_cast<std::byte*>(allocate(count * sizeof(T), alignof(T)));
    if (memory == nullptr) return false;
    for (std::size_t i = 0; i < count; ++i) new (memory + i * sizeof(T)) T{};
    result = {std::launder(reinterpret_cast<T*>(memory)), count};
    return true;
  }
  /// Gives the unused end of the range back to its source; does nothing for a caller's range.
  void trim() {
    if (reserved_ == 0) return;
    const std::size_t keep = align_up(used_, 4096);
    if (keep >= reserved_) return;
    source_.trim(base_, reserved_, keep);
    size_ = reserved_ = keep;
  }

 private:
  void swap(Arena& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    std::swap(used_, other.used_);
    std::swap(reserved_, other.reserved_);
    std::swap(source_, other.source_);
  }

  std::byte* base_ = nullptr;
  std::size_t size_ = 0, used_ = 0, reserved_ = 0;
  ArenaSource source_;
};

}  // namespace lithe::inline v0
