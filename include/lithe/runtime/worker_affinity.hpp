// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthreadpool.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__linux__) && (defined(__x86_64__) || defined(__i386__))
#include <cpuid.h>
#endif

namespace lithe::inline v0::runtime {

/// Keeps the workers of a pool off the processor of the thread that runs a session.
///
/// Linux as a guest on x86 takes an idle processor that halted for one that the hypervisor took away
/// (available_idle_cpu() and vcpu_is_preempted() in its scheduler), so it wakes a worker on the processor
/// where it slept last, even if its caller runs there by now. Both then wait for each other until the load
/// balancer parts them, some milliseconds later: as long as a burst of runs of a small network.
class WorkerAffinity {
 public:
  /// Whether the scheduler needs this help: Linux on a virtual x86 machine.
  static bool useful() {
#if defined(__linux__) && (defined(__x86_64__) || defined(__i386__))
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx >> 31) != 0;  // the bit of hypervisors
#else
    return false;
#endif
  }

#if defined(__linux__)
  /// Null without memory, or where each thread cannot have a processor of its own.
  static std::unique_ptr<WorkerAffinity> create(pthreadpool_t pool) {
    const std::size_t threads = pthreadpool_get_threads_count(pool);
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return nullptr;
    if (static_cast<std::size_t>(CPU_COUNT(&allowed)) < threads) return nullptr;
    std::unique_ptr<WorkerAffinity> made(new (std::nothrow) WorkerAffinity(allowed, threads));
    if (made == nullptr || made->ids_ == nullptr) return nullptr;
    pthreadpool_parallelize_1d(pool, enlist, made.get(), threads, 0);
    return made;
  }

  /// Called by the thread that is about to use the pool. It costs a read where that thread stayed on its
  /// processor, else a system call for each worker.
  void avoid_caller() {
    const int processor = sched_getcpu();
    if (processor < 0 || caller_.exchange(processor, std::memory_order_relaxed) == processor) return;
    cpu_set_t others = allowed_;
    CPU_CLR(static_cast<unsigned>(processor), &others);
    for (std::size_t i = 0; i < threads_; ++i)
      if (ids_[i] != creator_) sched_setaffinity(ids_[i], sizeof others, &others);  // refused: as before
  }

 private:
  WorkerAffinity(const cpu_set_t& allowed, std::size_t threads)
      : allowed_(allowed),
        threads_(threads),
        creator_(this_thread()),
        ids_(new (std::nothrow) pid_t[threads]) {}

  static pid_t this_thread() { return static_cast<pid_t>(syscall(SYS_gettid)); }

  /// Task of every thread of the pool: none ends before all have begun, so that none has two.
  static void enlist(void* self, std::size_t i) {
    auto& affinity = *static_cast<WorkerAffinity*>(self);
    affinity.ids_[i] = this_thread();
    affinity.enlisted_.fetch_add(1);
    while (affinity.enlisted_.load() < affinity.threads_) sched_yield();
  }

  cpu_set_t allowed_;  ///< processors that this process may use
  std::size_t threads_;
  pid_t creator_;
  std::unique_ptr<pid_t[]> ids_;  ///< [threads], the creator's among them
  std::atomic<std::size_t> enlisted_{0};
  std::atomic<int> caller_{-1};  ///< processor that the workers keep off
#else
  static std::unique_ptr<WorkerAffinity> create(pthreadpool_t) { return nullptr; }
  void avoid_caller() {}
#endif
};

}  // namespace lithe::inline v0::runtime
