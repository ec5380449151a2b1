// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/plan_memory.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "lithe/memory/system_arena.hpp"

namespace lithe::test {
namespace {

/// What a plan's memory is asked from, with a growable session around it.
struct Growing {
  std::vector<std::byte> memory = std::vector<std::byte>(8192);
  Arena arena{memory};
  runtime::Services services;
  runtime::Planning planning;

  Growing() {
    services.source = system_arena;
    services.max_bytes = 1 << 20;
    services.growable = true;
    planning.services = &services;
    planning.arena = &arena;
    planning.first = true;
  }
};

TEST(PlanMemory, TheFirstPlanKeepsWhatLaterOnesMustFit) {
  Growing g;
  runtime::MemoryBlock block;
  ASSERT_TRUE(keep(g.planning, block, 100).ok());
  EXPECT_TRUE(g.arena.contains(block.data));
  const std::byte* const place = block.data;
  EXPECT_GE(block.capacity, 100U);
  g.planning.first = false;
  EXPECT_TRUE(keep(g.planning, block, block.capacity).ok());
  EXPECT_EQ(block.data, place);
  EXPECT_TRUE(keep(g.planning, block, block.capacity + 1).replans());
  g.planning.first = true;
  const runtime::Fit fit = keep(g.planning, block, 1 << 20);
  EXPECT_EQ(fit.status().code(), Code::out_of_memory);
  EXPECT_FALSE(fit.replans()) << "a larger plan would not fit the arena either";
}

TEST(PlanMemory, EmptyContentsHaveAnAddress) {
  Growing g;
  runtime::MemoryBlock block;
  ASSERT_TRUE(keep(g.planning, block, 0).ok());
  EXPECT_NE(block.data, nullptr);
}

TEST(PlanMemory, GrowthIsRefused) {
  const auto refusal = [](auto change, std::size_t bytes = 100) {
    Growing g;
    change(g.services);
    runtime::MemoryBlock block;
    const Status status = grow(g.planning, block, bytes);
    EXPECT_EQ(status.code(), Code::out_of_memory);
    EXPECT_EQ(block.data, nullptr);
    EXPECT_EQ(g.planning.grown_bytes, 0U);
    return std::string_view(status.text());
  };
  constexpr std::string_view fixed =
      "a size that depends on the data is beyond the plan: create the session with growable set";
  EXPECT_EQ(refusal([](runtime::Services& s) { s.growable = false; }), fixed);
  EXPECT_EQ(refusal([](runtime::Services& s) { s.source = {}; }), fixed);
  EXPECT_EQ(refusal([](runtime::Services&) {}, (1 << 20) + 1),
            "a size that depends on the data is beyond max_bytes");
  EXPECT_EQ(
      refusal([](runtime::Services& s) { s.source.reserve = [](std::size_t) -> void* { return nullptr; }; }),
      "the system has no memory for a size that depends on the data");
}

TEST(PlanMemory, GrownBytesAreCountedAndGivenBack) {
  Growing g;
  runtime::MemoryBlock block;
  ASSERT_TRUE(grow(g.planning, block, 5000).ok());
  EXPECT_EQ(block.capacity, 8192U);
  EXPECT_EQ(g.planning.grown_bytes, 8192U);
  const std::byte* const place = block.data;
  ASSERT_TRUE(grow(g.planning, block, 8192).ok());
  EXPECT_EQ(block.data, place);
  ASSERT_TRUE(grow(g.planning, block, 8193).ok());
  EXPECT_EQ(g.planning.grown_bytes, 12288U);
  release(g.planning, block);
  EXPECT_EQ(g.planning.grown_bytes, 0U);
  EXPECT_EQ(block.data, nullptr);
  ASSERT_TRUE(keep(g.planning, block, 100).ok());
  release(g.planning, block);  // the arena's: nothing to give back
  EXPECT_EQ(g.planning.grown_bytes, 0U);
}

TEST(PlanMemory, AValueGrowsWithItsContents) {
  Growing g;
  runtime::PlanValue v;
  std::vector<std::byte> planned(64, std::byte{5});
  v.data = planned.data();
  v.capacity = planned.size();
  v.bytes = planned.size();
  ASSERT_TRUE(store(g.planning, v, 60, 60).ok());
  EXPECT_EQ(v.data, planned.data()) << "inside the plan";
  ASSERT_TRUE(store(g.planning, v, 6000, 60).ok());
  EXPECT_EQ(v.data, v.own.data);
  EXPECT_EQ(v.data[59], std::byte{5});
  std::memset(v.data, 6, 6000);
  ASSERT_TRUE(store(g.planning, v, 10000, 6000).ok());
  EXPECT_EQ(v.data[5999], std::byte{6});
  EXPECT_GE(v.own.capacity, 12000U) << "doubled, so that appending is cheap";
  EXPECT_EQ(g.planning.grown_bytes, v.own.capacity);
  const std::byte* const place = v.data;
  ASSERT_TRUE(store(g.planning, v, 12000, 10000).ok());
  EXPECT_EQ(v.data, place);
  EXPECT_EQ(store(g.planning, v, (1 << 20) + 1, 12000).code(), Code::out_of_memory);
  EXPECT_EQ(v.data, place) << "after an error everything is as it was";
  EXPECT_EQ(v.bytes, 12000U);
  release(g.planning, v.own);
  EXPECT_EQ(g.planning.grown_bytes, 0U);
}

TEST(PlanMemory, ScratchBlocksKeepTheirNumbersAndContents) {
  Growing g;
  runtime::PlanNode node;
  runtime::ScratchBlock *first = nullptr, *second = nullptr, *again = nullptr;
  ASSERT_TRUE(grow_scratch(g.planning, node, 3, 100, first).ok());
  ASSERT_TRUE(grow_scratch(g.planning, node, 7, 5000, second).ok());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first->data()) % 64, 0U);
  std::memset(first->data(), 3, first->capacity);
  std::memset(second->data(), 7, second->capacity);
  const std::size_t old = first->capacity;
  ASSERT_TRUE(grow_scratch(g.planning, node, 3, old + 1, first).ok());
  EXPECT_GT(first->capacity, old);
  EXPECT_EQ(first->data()[old - 1], std::byte{3});
  ASSERT_TRUE(grow_scratch(g.planning, node, 7, 1, again).ok());
  EXPECT_EQ(again, second) << "its links survived the other's growth";
  EXPECT_EQ(again->data()[4999], std::byte{7});
  EXPECT_EQ(grow_scratch(g.planning, node, 3, 1 << 21, again).code(), Code::out_of_memory);
  release(g.planning, node);
  EXPECT_EQ(g.planning.grown_bytes, 0U);
  EXPECT_EQ(node.scratch, nullptr);
}

TEST(PlanMemory, TemporaryMemoryComesFromTheSystemOrTheOperatorHeap) {
  Growing g;
  {
    runtime::TemporaryMemory system(g.planning);
    ASSERT_NE(system.allocate(100), nullptr);
    EXPECT_EQ(g.arena.used(), 0U);
  }
  g.services.source = {};
  EXPECT_EQ(runtime::TemporaryMemory(g.planning).allocate(100), nullptr) << "neither is there";
  OperatorHeap heap(g.arena.rest());
  g.planning.heap = &heap;
  {
    runtime::TemporaryMemory temporary(g.planning);
    EXPECT_TRUE(g.arena.contains(temporary.allocate(100)));
  }
  runtime::TemporaryMemory again(g.planning);
  EXPECT_TRUE(g.arena.contains(again.allocate(4096))) << "the first was given back";
}

}  // namespace
}  // namespace lithe::test
