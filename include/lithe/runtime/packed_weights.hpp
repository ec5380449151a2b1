// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

#include "lithe/core/align.hpp"

namespace lithe::inline v0 {

/// FNV-1a over everything that went into a packing; the same on every machine of one byte order.
class PackingHash {
 public:
  PackingHash& add_bytes(const void* data, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
      value_ = (value_ ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001B3u;
    return *this;
  }
  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  PackingHash& add(T number) {
    const auto wide = static_cast<std::int64_t>(number);
    return add_bytes(&wide, sizeof wide);
  }
  PackingHash& add(float number) { return add(std::bit_cast<std::uint32_t>(number)); }
  PackingHash& add(std::string_view text) { return add_bytes(text.data(), text.size()); }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

/// What a packing was made from. It holds no pointers, so that a file can hold it: the file adds the kernel
/// library's commit and the CPU's features once, for all its entries.
struct PackingKey {
  std::array<std::uint64_t, 2> model_id{};  ///< content hash of the model
  std::uint64_t kernel = 0;                 ///< hash of the kernel's name
  std::uint64_t arguments = 0;              ///< hash of dtype, dimensions, flags, zero points and scales
  std::int32_t filter = -1, bias = -1;      ///< numbers of the constants' buffers; bias -1: none

  friend bool operator==(const PackingKey&, const PackingKey&) = default;
};

/// Constants as kernels packed them, shared by every session that is given this object, which must outlive
/// them all. Addresses never move, entries never change. Thread-safe: a kernel that looks for an entry which
/// it may have to make holds `lock()` until the entry is committed. Allocates only while sessions are
/// created; a refusal is an empty span, from which the caller makes Code::out_of_memory.
class PackedWeights {
 public:
  static constexpr std::size_t alignment = 64;
  static constexpr std::size_t slack = 64;  ///< zero bytes after each entry

  PackedWeights() = default;
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;
  ~PackedWeights() {
    while (head_ != nullptr) remove(&head_);
  }

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  /// The committed entry of `key`, or an empty span. The caller holds lock().
  std::span<const std::byte> find(const PackingKey& key) const {
    for (const Entry* e = head_; e != nullptr; e = e->next)
      if (e->committed && e->key == key) return {e->data, e->bytes};
    return {};
  }
  /// Room for an entry that find() does not show until it is committed; empty when there is no memory. At
  /// most one entry is open: an earlier one that was not committed is dropped. The caller holds lock().
  std::span<std::byte> reserve(const PackingKey& key, std::size_t bytes) {
    discard();
    if (bytes == 0 || bytes > SIZE_MAX - slack - alignment) return {};
    const std::size_t total = align_up(bytes + slack, alignment);
    auto* entry = new (std::nothrow) Entry{key};
    if (entry == nullptr) return {};
    entry->data = allocate(total);
    if (entry->data == nullptr) {
      delete entry;
      return std::span<std::byte>{};
    }
    std::memset(entry->data + bytes, 0, total - bytes);
    entry->bytes = bytes;
    entry->total = total;
    entry->next = head_;
    head_ = entry;
    return {entry->data, bytes};
  }
  /// Publishes the reserved entry. The caller holds lock().
  void commit() {
    if (head_ == nullptr || head_->committed) return;
    head_->committed = true;
    bytes_ += head_->total;
    ++entries_;
  }
  /// Drops the reserved entry, if there is one. The caller holds lock().
  void discard() {
    if (head_ != nullptr && !head_->committed) remove(&head_);
  }

  /// Bytes of all entries, slack included: their line in the memory bill.
  std::size_t bytes() const {
    const std::lock_guard guard(mutex_);
    return bytes_;
  }
  std::size_t entries() const {
    const std::lock_guard guard(mutex_);
    return entries_;
  }

 private:
  struct Entry {
    PackingKey key;
    std::byte* data = nullptr;
    std::size_t bytes = 0, total = 0;
    bool committed = false;
    Entry* next = nullptr;
  };
  /// Entries of a huge page or more lie on huge pages, where the system has them: a kernel that
  /// streams a large filter then misses fewer addresses.
  static std::byte* allocate(std::size_t bytes) {
    constexpr std::size_t huge_page = std::size_t{1} << 21;
    void* data = nullptr;
    if (posix_memalign(&data, bytes < huge_page ? alignment : huge_page, bytes) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
    if (bytes >= huge_page) madvise(data, bytes / huge_page * huge_page, MADV_HUGEPAGE);
#endif
    return static_cast<std::byte*>(data);
  }
  static void remove(Entry** at) {
    Entry* gone = *at;
    *at = gone->next;
    std::free(gone->data);
    delete gone;
  }

  mutable std::mutex mutex_;
  Entry* head_ = nullptr;
  std::size_t bytes_ = 0, entries_ = 0;
};

}  // namespace lithe::inline v0
