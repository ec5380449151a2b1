// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/threads.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <utility>

namespace lithe::test {
namespace {

TEST(Threads, OneThreadNeedsNoPool) {
  EXPECT_EQ(Threads{}.pool().handle, nullptr);
  EXPECT_EQ(Threads(1).pool().handle, nullptr);
  EXPECT_EQ(Threads(1).threads(), 1u);
  EXPECT_EQ(native(nullptr), nullptr);
}

TEST(Threads, NoNumberIsOneForEachProcessor) {
  const Threads all(0);
  EXPECT_GE(all.threads(), std::thread::hardware_concurrency())
      << "which counts those that this process may use";
  EXPECT_NE(all.pool().handle, nullptr);
}

TEST(Threads, OwnAPool) {
  Threads three(3);
  EXPECT_EQ(three.threads(), 3u);
  EXPECT_NE(native(&three.pool()), nullptr);
  EXPECT_EQ(native(&three.pool(), least_shared_work - 1), nullptr);
  EXPECT_EQ(native(&three.pool(), least_shared_work), native(&three.pool()));
  Threads moved(std::move(three));
  EXPECT_EQ(moved.threads(), 3u);
  EXPECT_EQ(three.pool().handle, nullptr);  // NOLINT(bugprone-use-after-move)
  three = std::move(moved);
  EXPECT_EQ(three.threads(), 3u);
}

TEST(Threads, ForEachVisitsAllOnce) {
  for (std::size_t count : {1u, 4u}) {
    const Threads threads(count);
    std::array<std::atomic<int>, 100> visits{};
    threads.pool().for_each([](void* v, std::size_t i) { ++(*static_cast<decltype(visits)*>(v))[i]; },
                            &visits, visits.size());
    for (const auto& v : visits) EXPECT_EQ(v, 1);
  }
}

}  // namespace
}  // namespace lithe::test
