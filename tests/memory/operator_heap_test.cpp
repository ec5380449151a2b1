// SPDX-License-Identifier: Apache-2.0
#include "lithe/memory/operator_heap.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace lithe::test {
namespace {

struct Range {
  explicit Range(std::size_t size) : bytes(size) {}
  std::vector<std::byte> bytes;
  OperatorHeap heap{bytes};
};

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % OperatorHeap::alignment == 0; }

TEST(OperatorHeap, AlignsAndRefuses) {
  Range r(4096);
  void* a = r.heap.allocate(1);
  void* b = r.heap.allocate(0);
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_TRUE(aligned(a) && aligned(b));
  EXPECT_NE(a, b);
  EXPECT_EQ(r.heap.allocate(8, 128), nullptr);
  EXPECT_EQ(r.heap.allocate(4096), nullptr);
  EXPECT_EQ(r.heap.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(r.heap.reallocate(a, SIZE_MAX), nullptr);
  EXPECT_EQ(r.heap.used(), 4 * OperatorHeap::alignment);
}

TEST(OperatorHeap, TinyOrNoRange) {
  EXPECT_FALSE(OperatorHeap{});
  EXPECT_EQ(OperatorHeap{}.allocate(1), nullptr);
  Range r(100);
  EXPECT_EQ(r.heap.allocate(1), nullptr);
  r.heap.seal();
  EXPECT_EQ(r.heap.high_water(), 0u);
}

TEST(OperatorHeap, FindsLiveBlocksByTheirStart) {
  Range r(4096);
  auto* a = static_cast<std::byte*>(r.heap.allocate(100));
  void* b = r.heap.allocate(64);
  EXPECT_EQ(r.heap.block_at(a).data(), a);
  EXPECT_EQ(r.heap.block_at(a).size(), 128u);
  EXPECT_TRUE(r.heap.block_at(a + 64).empty());
  EXPECT_TRUE(r.heap.block_at(&r).empty());
  r.heap.deallocate(a);
  EXPECT_TRUE(r.heap.block_at(a).empty());
  EXPECT_EQ(r.heap.block_at(b).size(), 64u);
  EXPECT_TRUE(OperatorHeap{}.block_at(b).empty());
}

TEST(OperatorHeap, FreedBlocksAreSplitMergedAndGivenBack) {
  Range r(1 << 16);
  void* a = r.heap.allocate(1000);
  void* b = r.heap.allocate(1000);
  void* c = r.heap.allocate(1000);
  void* end = r.heap.allocate(64);
  const std::size_t water = r.heap.high_water();
  r.heap.deallocate(a);
  r.heap.deallocate(c);
  r.heap.deallocate(b);
  EXPECT_EQ(r.heap.allocate(3000), a) << "three neighbours became one block";
  r.heap.deallocate(a);
  EXPECT_EQ(r.heap.allocate(100), a);
  EXPECT_LT(r.heap.allocate(2000), end) << "the rest of the block serves too";
  EXPECT_EQ(r.heap.high_water(), water);
  r.heap.deallocate(end);
  EXPECT_LE(r.heap.allocate(5000), end) << "the top came down";
}

TEST(OperatorHeap, BestFit) {
  Range r(1 << 16);
  void* wide = r.heap.allocate(2000);
  r.heap.allocate(64);
  void* narrow = r.heap.allocate(500);
  r.heap.allocate(64);
  r.heap.deallocate(wide);
  r.heap.deallocate(narrow);
  EXPECT_EQ(r.heap.allocate(400), narrow);
  EXPECT_EQ(r.heap.allocate(400), wide);
}

TEST(OperatorHeap, ReallocateKeepsContents) {
  Range r(1 << 16);
  auto* a = static_cast<std::uint8_t*>(r.heap.allocate(100));
  for (int i = 0; i < 100; ++i) a[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(r.heap.reallocate(a, 120), a) << "within its capacity";
  EXPECT_EQ(r.heap.reallocate(a, 3000), a) << "the last block grows in place";
  r.heap.allocate(10);
  auto* moved = static_cast<std::uint8_t*>(r.heap.reallocate(a, 5000));
  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, a);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(moved[i], i);
}

TEST(OperatorHeap, HandlesShareOneStateAndBlocksKnowIt) {
  Range r(4096);
  OperatorHeap copy = r.heap;
  void* a = copy.allocate(100);
  EXPECT_EQ(r.heap.used(), copy.used());
  OperatorHeap owner = OperatorHeap::owner(a);
  owner.deallocate(a);
  EXPECT_EQ(r.heap.used(), 0u);
  EXPECT_TRUE(r.heap.contains(a));
  EXPECT_FALSE(r.heap.contains(&r));
}

TEST(OperatorHeap, SealedServesWhatItServedBefore) {
  Range r(1 << 16);
  void* scratch = r.heap.allocate(900);
  void* small = r.heap.allocate(500);
  void* large = r.heap.allocate(3000);
  r.heap.deallocate(scratch);
  r.heap.seal();
  EXPECT_EQ(r.heap.allocate(64), nullptr) << "neither the top nor what was free at sealing";
  EXPECT_EQ(r.heap.high_water(), 64u + 3 * 64 + 960 + 512 + 3008);
  for (int i = 0; i < 3; ++i) {
    // As average pooling does: free, then allocate less, then as much as planned.
    r.heap.deallocate(small);
    EXPECT_EQ(r.heap.allocate(10), small);
    EXPECT_EQ(r.heap.reallocate(large, 100), large);
    EXPECT_EQ(r.heap.reallocate(large, 3000), large);
    EXPECT_EQ(r.heap.reallocate(small, 500), small);
    EXPECT_EQ(r.heap.reallocate(small, 600), nullptr);
  }
}

/// Blocks never overlap, contents survive, and the accounting agrees, through a long random life.
TEST(OperatorHeap, RandomLife) {
  Range r(1 << 18);
  std::mt19937 random(7);
  struct Live {
    std::uint8_t* data;
    std::size_t bytes;
    std::uint8_t mark;
  };
  std::vector<Live> live;
  const auto check = [](const Live& l) {
    for (std::size_t i = 0; i < l.bytes; ++i)
      if (l.data[i] != l.mark) return false;
    return true;
  };
  for (int step = 0; step < 20000; ++step) {
    const std::size_t bytes = random() % (random() % 8 == 0 ? 20000 : 700);
    const auto mark = static_cast<std::uint8_t>(random());
    if (live.empty() || random() % 5 < 2) {
      auto* data = static_cast<std::uint8_t*>(r.heap.allocate(bytes));
      if (data == nullptr) continue;
      ASSERT_TRUE(aligned(data) && r.heap.contains(data) && r.heap.contains(data + bytes - (bytes > 0)));
      std::memset(data, mark, bytes);
      live.push_back({data, bytes, mark});
      continue;
    }
    Live& one = live[random() % live.size()];
    ASSERT_TRUE(check(one)) << "step " << step;
    if (random() % 3 == 0) {
      auto* data = static_cast<std::uint8_t*>(r.heap.reallocate(one.data, bytes));
      if (data == nullptr) continue;
      one.data = data;
      one.bytes = std::min(one.bytes, bytes);
      ASSERT_TRUE(check(one)) << "moved, step " << step;
      std::memset(data, mark, bytes);
      one.bytes = bytes;
      one.mark = mark;
    } else {
      r.heap.deallocate(one.data);
      one = live.back();
      live.pop_back();
    }
  }
  for (const Live& one : live) {
    ASSERT_TRUE(check(one));
    r.heap.deallocate(one.data);
  }
  EXPECT_EQ(r.heap.used(), 0u);
  EXPECT_NE(r.heap.allocate((1 << 18) - 3 * 64), nullptr) << "everything merged again";
}

TEST(OperatorHeap, SameCallsSameAddresses) {
  Range a(1 << 16), b(1 << 16);
  const auto live = [](Range& r) {
    std::vector<std::ptrdiff_t> offsets;
    std::vector<void*> blocks;
    std::mt19937 random(3);
    for (int i = 0; i < 200; ++i) {
      if (i % 3 == 2) {
        r.heap.deallocate(blocks[random() % blocks.size() / 2 * 2 % blocks.size()]);
        blocks.clear();
      }
      void* p = r.heap.allocate(random() % 600);
      blocks.assign(1, p);
      void* base = r.bytes.data();
      std::size_t room = r.bytes.size();
      std::align(64, 1, base, room);
      offsets.push_back(static_cast<std::byte*>(p) - static_cast<std::byte*>(base));
    }
    return offsets;
  };
  EXPECT_EQ(live(a), live(b));
}

}  // namespace
}  // namespace lithe::test
