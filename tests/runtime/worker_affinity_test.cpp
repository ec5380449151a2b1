// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/worker_affinity.hpp"

#include <gtest/gtest.h>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <vector>

#include "lithe/runtime/threads.hpp"

namespace lithe::test {
namespace {

using runtime::WorkerAffinity;

std::vector<int> processors(const cpu_set_t& set) {
  std::vector<int> all;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(static_cast<unsigned>(i), &set)) all.push_back(i);
  return all;
}

std::vector<int> processors_of_this_thread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  return processors(set);
}

void move_this_thread(const std::vector<int>& to) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int i : to) CPU_SET(static_cast<unsigned>(i), &set);
  ASSERT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

/// The processors of the worker of a pool of two: both threads begin their task before either ends it.
std::vector<int> processors_of_worker(pthreadpool_t pool) {
  struct Meeting {
    pthread_t caller = pthread_self();
    std::atomic<int> here{0};
    std::vector<int> found;
  } meeting;
  pthreadpool_parallelize_1d(
      pool,
      [](void* context, std::size_t) {
        auto& m = *static_cast<Meeting*>(context);
        if (pthread_equal(pthread_self(), m.caller) == 0) m.found = processors_of_this_thread();
        for (++m.here; m.here < 2;) sched_yield();
      },
      &meeting, 2, 0);
  return meeting.found;
}

class WorkerAffinityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (allowed_.size() < 2)
      GTEST_SKIP()
          << "this thread may use one processor only: run the test on a machine, or in a container, with two";
  }
  void TearDown() override { move_this_thread(allowed_); }

  std::vector<int> without(int processor) const {
    std::vector<int> others = allowed_;
    std::erase(others, processor);
    return others;
  }
  const std::vector<int> allowed_ = processors_of_this_thread();
};

TEST_F(WorkerAffinityTest, FollowsTheCaller) {
  const Threads threads(2);
  const pthreadpool_t pool = native(&threads.pool());
  const auto affinity = WorkerAffinity::create(pool);
  ASSERT_NE(affinity, nullptr);
  EXPECT_EQ(processors_of_worker(pool), allowed_);
  for (const int processor : {allowed_[0], allowed_[1], allowed_[0]}) {
    move_this_thread({processor});
    affinity->avoid_caller();
    EXPECT_EQ(processors_of_worker(pool), without(processor));
    EXPECT_EQ(processors_of_this_thread(), std::vector<int>{processor});
  }
}

TEST_F(WorkerAffinityTest, NeedsAProcessorForEachThread) {
  const Threads threads(2);
  move_this_thread({allowed_[0]});
  EXPECT_EQ(WorkerAffinity::create(native(&threads.pool())), nullptr);
}

TEST_F(WorkerAffinityTest, ThreadsUseItWhereItIsUseful) {
  const Threads threads(2);
  ASSERT_EQ(threads.pool().start_run != nullptr, WorkerAffinity::useful());
  if (!WorkerAffinity::useful())
    GTEST_SKIP() << "Threads uses it on virtual x86 machines with Linux only: run the test on one";
  move_this_thread({allowed_[1]});
  threads.pool().start_run(threads.pool().affinity);
  EXPECT_EQ(processors_of_worker(native(&threads.pool())), without(allowed_[1]));
}

}  // namespace
}  // namespace lithe::test
#else
TEST(WorkerAffinity, NeedsLinux) { EXPECT_FALSE(lithe::runtime::WorkerAffinity::useful()); }
#endif
