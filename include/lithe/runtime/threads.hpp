// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthreadpool.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "lithe/core/services.hpp"
#include "lithe/runtime/worker_affinity.hpp"

namespace lithe::inline v0 {

/// The pthreadpool of a core ThreadPool, or null.
inline pthreadpool_t native(const ThreadPool* pool) {
  return pool == nullptr ? nullptr : static_cast<pthreadpool_t>(pool->handle);
}

/// Owns the threads that sessions run on. Sessions that share an object take turns; they must not outlive it.
class Threads {
 public:
  /// The calling thread alone.
  Threads() = default;
  /// `count` threads, the caller of run() among them; 0: one for each processor. Falls back to the calling
  /// thread alone if the system refuses; see threads().
  explicit Threads(std::size_t count) {
    if (count == 1) return;
    pool_.handle = pthreadpool_create(count);
    if (pool_.handle == nullptr) return;
    pool_.threads = pthreadpool_get_threads_count(native(&pool_));
    pool_.parallel = [](void* handle, ThreadPool::Task task, void* context, std::size_t n) {
      pthreadpool_parallelize_1d(static_cast<pthreadpool_t>(handle), task, context, n, 0);
    };
    if (runtime::WorkerAffinity::useful()) affinity_ = runtime::WorkerAffinity::create(native(&pool_));
    if (affinity_ == nullptr) return;
    pool_.affinity = affinity_.get();
    pool_.start_run = [](void* affinity) { static_cast<runtime::WorkerAffinity*>(affinity)->avoid_caller(); };
  }
  Threads(Threads&& other) noexcept
      : pool_(std::exchange(other.pool_, {})), affinity_(std::move(other.affinity_)) {}
  Threads& operator=(Threads&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(affinity_, other.affinity_);
    return *this;
  }
  ~Threads() {
    if (pool_.handle != nullptr) pthreadpool_destroy(native(&pool_));
  }

  /// What SessionOptions::threads points to. Valid until this object is moved or destroyed.
  const ThreadPool& pool() const { return pool_; }
  std::size_t threads() const { return pool_.threads; }

 private:
  ThreadPool pool_;
  std::unique_ptr<runtime::WorkerAffinity> affinity_;
};

/// How many elements of a simple operation, or multiply-adds, one thread computes before other threads have
/// woken up and fetched their part from its caches.
inline constexpr std::int64_t least_shared_work = 48 * 1024;

/// The pthreadpool for a node of so much work: null if threads would only cost time.
inline pthreadpool_t native(const ThreadPool* pool, std::int64_t work) {
  return work < least_shared_work ? nullptr : native(pool);
}

}  // namespace lithe::inline v0
