// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "lithe/core/align.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/runtime/packed_weights.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// The key of a filter's packing. XNNPACK's own key leaves out zero points and scales; ours has all that is
/// packed. `arguments` is the hash so far, of the kernel's dimensions and flags. A filter without a buffer
/// number is not shared: see `shareable`.
[[gnu::cold]] inline PackingKey packing_key(const CreateContext& context, const char* kernel,
                                            PackingHash arguments) {
  const ValueInfo& filter = context.node.input(1);
  arguments.add(filter.dtype);
  if (filter.quantization != nullptr) {
    const bool rows_bring_theirs =
        context.node.input(0).quantization == nullptr || context.node.output().quantization == nullptr;
    if (!rows_bring_theirs)
      arguments.add(scale_of(context.node.input(0)))
          .add(zero_point_of(context.node.input(0)))
          .add(scale_of(context.node.output()));
    for (index_t i = 0; i < filter.quantization->count; ++i)
      arguments.add(filter.quantization->scale_at(i)).add(filter.quantization->zero_point_at(i));
  }
  const bool has_bias = context.node.has(2);
  return {context.model_id, PackingHash{}.add(std::string_view(kernel)).value(),
          arguments.add(has_bias).value(), filter.buffer, has_bias ? context.node.input(2).buffer : -1};
}
inline bool shareable(const NodeInfo& node) {
  return node.input(1).buffer >= 0 && (!node.has(2) || node.input(2).buffer >= 0);
}

/// The packed filter and bias of one kernel, in PackedWeights or in memory of its own. XNNPACK sees a weights
/// cache with one entry, to which its operators point as long as they live: declare it before them, and never
/// move it.
class PackedFilter {
 public:
  PackedFilter() = default;
  PackedFilter(const PackedFilter&) = delete;
  PackedFilter& operator=(const PackedFilter&) = delete;
  ~PackedFilter() { release(); }

  /// Calls the first `create(cache)`, which packs the filter, unless PackedWeights has the entry of `key`.
  template <class Create>
  [[gnu::cold]] Status pack(CreateContext& context, const PackingKey& key, Create create) {
    PackedWeights* shared = shareable(context.node) ? context.packed_weights : nullptr;
    if (shared == nullptr) {
      const Status status = check(run(create));
      if (!status.ok()) release();
      return status;
    }
    const auto lock = shared->lock();
    const std::span<const std::byte> found = shared->find(key);
    data_ = const_cast<std::byte*>(found.data());
    bytes_ = found.size();
    shared_ = shared;
    key_ = &key;
    const Status status = check(run(create));
    shared_ = nullptr;
    key_ = nullptr;
    if (status.ok()) {
      shared->commit();
    } else {
      shared->discard();
      data_ = nullptr;
    }
    return status;
  }
  /// Calls a later `create(cache)` over what is packed, from byte `offset` on. It needs no filter: where
  /// XNNPACK insists on packing again, it reads stand_in() and writes to memory that is thrown away.
  template <class Create>
  Status reuse(Create create, std::size_t offset = 0) {
    offset_ = offset;
    return check(run(create));
  }
  /// Memory of at least as many readable bytes as the filter had.
  const void* stand_in() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void release() {
    if (owned_) detail::deallocate(nullptr, data_);
    data_ = nullptr;
    owned_ = false;
  }
  template <class Create>
  xnn_status run(Create create) {
    const xnn_status status = create(&provider_);
    std::free(scratch_);
    scratch_ = nullptr;
    return status;
  }

  /// Memory to pack into. XNNPACK's depthwise path packs without looking up; a shared entry may be in use and
  /// must not be written, so that it gets scratch memory.
  void* reserve(std::size_t bytes) {
    if (data_ != nullptr) {
      if (bytes != bytes_) return nullptr;
      constexpr std::size_t align = OperatorHeap::alignment;
      std::free(scratch_);
      return scratch_ = std::aligned_alloc(align, align_up(bytes, align));
    }
    if (shared_ != nullptr) return shared_->reserve(*key_, bytes).data();
    void* memory = detail::allocate(nullptr, bytes);
    owned_ = memory != nullptr;
    data_ = memory;
    bytes_ = bytes;
    return memory;
  }
  std::size_t insert(void* memory, std::size_t bytes) {
    if (data_ == nullptr) {
      data_ = memory;
      bytes_ = bytes;
    }
    return offset_;
  }

  static PackedFilter& self(void* context) { return *static_cast<PackedFilter*>(context); }

  xnn_weights_cache_provider provider_{
      .context = this,
      .look_up =
          [](void* c, const xnn_weights_cache_look_up_key*) {
            return self(c).data_ != nullptr ? self(c).offset_ : SIZE_MAX;
          },
      .reserve_space = [](void* c, std::size_t bytes) { return self(c).reserve(bytes); },
      .look_up_or_insert = [](void* c, const xnn_weights_cache_look_up_key*, void* memory,
                              std::size_t bytes) { return self(c).insert(memory, bytes); },
      .is_finalized = [](void*) { return true; },
      .offset_to_addr = [](void* c, std::size_t offset) -> void* {
        return static_cast<std::byte*>(self(c).data_) + offset;
      },
      .delete_cache = [](void*) { return xnn_status_success; }};
  void* data_ = nullptr;
  std::size_t bytes_ = 0, offset_ = 0;
  void* scratch_ = nullptr;
  PackedWeights* shared_ = nullptr;  ///< set during pack() only
  const PackingKey* key_ = nullptr;
  bool owned_ = false;
};

}  // namespace lithe::inline v0::xnn
