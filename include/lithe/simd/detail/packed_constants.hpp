// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>

#include "lithe/core/align.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/runtime/packed_weights.hpp"

namespace lithe::inline v0::simd::detail {

/// Floats that a kernel made of its constants: in PackedWeights, or where a session has none in memory of its
/// own, which no bill counts.
class PackedConstants {
 public:
  PackedConstants() = default;
  PackedConstants(const PackedConstants&) = delete;
  PackedConstants& operator=(const PackedConstants&) = delete;
  ~PackedConstants() { std::free(own_); }

  /// Calls fill(float*) to write `count` floats, unless PackedWeights has the entry of `key`, which tells all
  /// that `fill` reads. A null key: they are not shared. Errors: Code::out_of_memory.
  template <class Fill>
  [[gnu::cold]] Status pack(const CreateContext& context, const PackingKey* key, std::uint64_t count,
                            Fill fill) {
    if (count > std::numeric_limits<std::size_t>::max() / 2 / sizeof(float)) return out_of_memory();
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
    if (context.packed_weights == nullptr || key == nullptr) {
      own_ = std::aligned_alloc(PackedWeights::alignment, align_up(bytes, PackedWeights::alignment));
      if (own_ == nullptr) return out_of_memory();
      fill(static_cast<float*>(own_));
      data_ = static_cast<const float*>(own_);
      return {};
    }
    PackedWeights& shared = *context.packed_weights;
    const auto lock = shared.lock();
    const std::span<const std::byte> found = shared.find(*key);
    data_ = reinterpret_cast<const float*>(found.data());
    if (data_ != nullptr) return {};
    const std::span<std::byte> fresh = shared.reserve(*key, bytes);
    if (fresh.empty()) return out_of_memory();
    data_ = reinterpret_cast<const float*>(fresh.data());
    fill(reinterpret_cast<float*>(fresh.data()));
    shared.commit();
    return {};
  }
  const float* data() const { return data_; }

 private:
  static Status out_of_memory() { return {Code::out_of_memory, "no memory for packed weights"}; }

  const float* data_ = nullptr;
  void* own_ = nullptr;
};

}  // namespace lithe::inline v0::simd::detail
