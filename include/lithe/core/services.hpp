// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/status.hpp"

/// What the platform lends to a session; the runtime itself never calls an operating system.
namespace lithe::inline v0 {

/// What kernels may ask of the processor. runtime/cpu.hpp fills it in; a microcontroller leaves the defaults.
struct Cpu {
  bool f16_arithmetic = false;  ///< native half-precision arithmetic (ARMv8.2 FP16, AVX512-FP16)
  bool bf16 = false;            ///< dot products of bfloat16
  bool ssse3 = false, sse41 = false, avx = false, f16c = false, fma3 = false, avx2 = false;
  bool avx_vnni = false, avx_vnni_int8 = false, gfni = false;
  bool avx512 = false;  ///< F, BW, DQ and VL
  bool avx512_vbmi = false, avx512_vnni = false, amx = false;
  bool neon = false, neon_dot = false, i8mm = false, sve = false, sve2 = false;
  bool dsp = false;  ///< Cortex-M: the DSP extension (16-bit products in pairs)
  bool mve = false;  ///< Cortex-M: Helium
  std::uint32_t l1d_bytes = 32 * 1024, l2_bytes = 256 * 1024;
  std::uint32_t performance_cores = 1;
};

/// Threads that a session may use; sessions that share them take turns.
struct ThreadPool {
  using Task = void (*)(void* context, std::size_t i);

  void* handle = nullptr;  ///< a pthreadpool_t, or null: the calling thread alone
  std::size_t threads = 1;
  /// Runs tasks on the threads; set by runtime/threads.hpp.
  void (*parallel)(void* handle, Task task, void* context, std::size_t count) = nullptr;
  void (*start_run)(void* affinity) = nullptr;  ///< each run begins with it; may be null
  void* affinity = nullptr;                     ///< its argument

  /// Calls task(context, i) for each i below `count`, on these threads, and waits.
  void for_each(Task task, void* context, std::size_t count) const {
    if (parallel != nullptr && threads > 1) return parallel(handle, task, context, count);
    for (std::size_t i = 0; i < count; ++i) task(context, i);
  }
};

/// Read-only bytes with an owner: a mapping, a copy, or memory that lives elsewhere (flash).
class Storage {
 public:
  using Release = void (*)(void* data, std::size_t size);
  Storage() = default;
  /// Borrows the bytes, which must outlive every model that uses them.
  explicit Storage(std::span<const std::byte> bytes) : data_(bytes.data()), size_(bytes.size()) {}
  Storage(const std::byte* data, std::size_t size, Release release)
      : data_(data), size_(size), release_(release) {}
  Storage(Storage&& other) noexcept : data_(other.data_), size_(other.size_), release_(other.release_) {
    other.release_ = nullptr;
  }
  Storage& operator=(Storage&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = other.data_;
      size_ = other.size_;
      release_ = other.release_;
      other.release_ = nullptr;
    }
    return *this;
  }
  ~Storage() { reset(); }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  void reset() {
    if (release_ != nullptr) release_(const_cast<std::byte*>(data_), size_);
    release_ = nullptr;
  }
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  Release release_ = nullptr;
};

/// Where a session's arena comes from if the caller does not bring one: the session reserves an address range
/// once, uses it from its start, and gives the unused rest back. Either all functions are set, or all are
/// null: there is no such source (a microcontroller).
struct ArenaSource {
  void* (*reserve)(std::size_t bytes) = nullptr;  ///< aligned to 64; null if refused
  /// Gives [used, reserved) back; `used` is a multiple of 4,096.
  void (*trim)(void* base, std::size_t reserved, std::size_t used) = nullptr;
  void (*release)(void* base, std::size_t bytes) = nullptr;
};

class OperatorHeap;

/// Lets a kernel library allocate from the session's operator heap while operators are created and reshaped;
/// filled in by xnn/runtime.hpp. Either all functions are set, or all are null: no kernel allocates (portable
/// kernels never do).
struct HeapHooks {
  Status (*start)() = nullptr;  ///< makes the library ready; cheap after the first call in a process
  /// The library allocates on this thread from that heap until leave(); returns the heap that was set before.
  OperatorHeap* (*enter)(OperatorHeap*) = nullptr;
  void (*leave)(OperatorHeap* previous) = nullptr;  ///< sets the heap that enter() returned
  /// After start(): false if another part of the program gave the library its allocator.
  bool (*heap_is_ours)() = nullptr;
};

class PackedWeights;

/// Makes the packed weights of a session that is given none to share. If the functions are null, kernels keep
/// their packing in the operator heap.
struct PackedWeightsSource {
  PackedWeights* (*create)() = nullptr;  ///< gives null if there is no memory
  void (*destroy)(PackedWeights*) = nullptr;
  std::size_t (*bytes)(const PackedWeights*) = nullptr;
};

}  // namespace lithe::inline v0
