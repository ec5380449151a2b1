// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/packed_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace lithe::test {
namespace {

PackingKey key(std::int32_t filter) { return {{1, 2}, 3, 4, filter, -1}; }

TEST(PackedWeights, FindsWhatWasCommitted) {
  PackedWeights weights;
  const auto lock = weights.lock();
  EXPECT_TRUE(weights.find(key(0)).empty());
  const auto room = weights.reserve(key(0), 100);
  ASSERT_EQ(room.size(), 100u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(room.data()) % PackedWeights::alignment, 0u);
  std::memset(room.data(), 7, 100);
  EXPECT_TRUE(weights.find(key(0)).empty()) << "not yet";
  weights.commit();
  EXPECT_EQ(weights.find(key(0)).data(), room.data());
  EXPECT_TRUE(std::all_of(room.data() + 100, room.data() + 100 + PackedWeights::slack,
                          [](std::byte b) { return b == std::byte{0}; }));
  PackingKey other = key(0);
  other.arguments = 5;
  EXPECT_TRUE(weights.find(other).empty());
}

TEST(PackedWeights, DropsWhatWasNot) {
  PackedWeights weights;
  {
    const auto lock = weights.lock();
    (void)weights.reserve(key(0), 100);
    weights.discard();
    weights.commit();
    EXPECT_TRUE(weights.find(key(0)).empty());
    (void)weights.reserve(key(1), 100);
    (void)weights.reserve(key(2), 200);
    weights.commit();
    EXPECT_TRUE(weights.find(key(1)).empty());
    EXPECT_EQ(weights.find(key(2)).size(), 200u);
    EXPECT_TRUE(weights.reserve(key(3), SIZE_MAX - 10).empty()) << "no memory is no crash";
    EXPECT_TRUE(weights.reserve(key(3), 0).empty());
  }
  EXPECT_EQ(weights.entries(), 1u);
  EXPECT_EQ(weights.bytes(), 320u);
}

TEST(PackedWeights, TwoThreadsPackEachEntryOnce) {
  PackedWeights weights;
  std::vector<const std::byte*> seen[2];
  const auto work = [&](int t) {
    for (std::int32_t i = 0; i < 200; ++i) {
      const auto lock = weights.lock();
      auto found = weights.find(key(i));
      if (found.empty()) {
        const auto room = weights.reserve(key(i), 64);
        std::memset(room.data(), i % 128, 64);
        weights.commit();
        found = room;
      }
      seen[t].push_back(found.data());
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(weights.entries(), 200u);
}

TEST(PackingHash, IsFnv1aOnEveryMachine) {
  EXPECT_EQ(PackingHash{}.value(), 0xCBF29CE484222325U);
  EXPECT_EQ(PackingHash{}.add(std::string_view("a")).value(), 0xAF63DC4C8601EC8CU);
  EXPECT_EQ(PackingHash{}.add(std::string_view("foobar")).value(), 0x85944171F73967E8U);
  EXPECT_EQ(PackingHash{}.add(std::int8_t{-1}).value(), PackingHash{}.add(std::int64_t{-1}).value())
      << "the width of an argument's type does not count";
}

TEST(PackingHash, TellsEverythingApart) {
  const auto base = PackingHash{}.add(1).add(2.0f).add(std::string_view("x")).value();
  EXPECT_EQ(base, PackingHash{}.add(1).add(2.0f).add(std::string_view("x")).value());
  EXPECT_NE(base, PackingHash{}.add(2).add(2.0f).add(std::string_view("x")).value());
  EXPECT_NE(base, PackingHash{}.add(1).add(-2.0f).add(std::string_view("x")).value());
  EXPECT_NE(base, PackingHash{}.add(1).add(2.0f).add(std::string_view("y")).value());
  EXPECT_NE(PackingHash{}.add(1).add(2).value(), PackingHash{}.add(2).add(1).value()) << "the order counts";
  EXPECT_NE(PackingHash{}.add(0.0f).value(), PackingHash{}.add(-0.0f).value());
}

}  // namespace
}  // namespace lithe::test
