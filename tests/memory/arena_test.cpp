// SPDX-License-Identifier: Apache-2.0
#include "lithe/memory/arena.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

#include "lithe/memory/system_arena.hpp"

namespace lithe::test {
namespace {

bool is_aligned(const void* p, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(p) % alignment == 0;
}

TEST(AlignUp, GoesToTheNextMultiple) {
  EXPECT_EQ(align_up(0U, 64), 0U);
  EXPECT_EQ(align_up(1U, 64), 64U);
  EXPECT_EQ(align_up(64U, 64), 64U);
  EXPECT_EQ(align_up(65U, 64), 128U);
}

TEST(Arena, StartsAtTheFirstMultipleOf64InTheCallersMemory) {
  alignas(64) std::array<std::byte, 256> memory;
  for (std::size_t skip = 0; skip <= 130; ++skip) {
    Arena arena{std::span(memory).subspan(skip)};
    const std::size_t first = align_up(skip, 64);
    EXPECT_EQ(arena.base(), memory.data() + first);
    EXPECT_EQ(arena.size(), memory.size() - first);
    EXPECT_EQ(arena.allocate(1), memory.data() + first);
  }
}

TEST(Arena, IsEmptyWithoutAnAlignedByte) {
  alignas(64) std::array<std::byte, 64> memory;
  for (const auto bytes : {std::span<std::byte>(), std::span(memory).subspan(1)}) {
    Arena arena(bytes);
    EXPECT_EQ(arena.size(), 0U);
    EXPECT_EQ(arena.allocate(1), nullptr);
  }
}

TEST(Arena, GivesAlignedBytesUntilItIsFull) {
  alignas(64) std::array<std::byte, 256> memory;
  Arena arena{std::span(memory)};
  EXPECT_EQ(arena.allocate(3), memory.data());
  EXPECT_EQ(arena.allocate(8, 8), memory.data() + 8);
  EXPECT_EQ(arena.used(), 16U);
  EXPECT_EQ(arena.allocate(1), memory.data() + 64);
  EXPECT_EQ(arena.rest().data(), memory.data() + 65);
  EXPECT_EQ(arena.rest().size(), 256U - 65);
  EXPECT_EQ(arena.allocate(129), nullptr) << "there are 128 bytes after the next multiple of 64";
  EXPECT_EQ(arena.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(arena.used(), 65U) << "a refusal takes nothing";
  EXPECT_EQ(arena.allocate(128), memory.data() + 128);
  EXPECT_EQ(arena.allocate(1, 1), nullptr);
  EXPECT_EQ(arena.allocate(0, 1), memory.data() + 256) << "nothing always fits";
}

TEST(Arena, KnowsItsOwnAddresses) {
  alignas(64) std::array<std::byte, 256> memory;
  const Arena arena{std::span(memory).subspan(64, 128)};
  EXPECT_FALSE(arena.contains(memory.data() + 63));
  EXPECT_TRUE(arena.contains(memory.data() + 64));
  EXPECT_TRUE(arena.contains(memory.data() + 191));
  EXPECT_FALSE(arena.contains(memory.data() + 192));
}

TEST(Arena, ArraysAreAlignedAndInitialized) {
  struct Pair {
    std::int64_t number = 7;
    void* address = nullptr;
  };
  alignas(64) std::array<std::byte, 256> memory;
  memory.fill(std::byte{0xEE});
  Arena arena{std::span(memory)};
  ASSERT_NE(arena.allocate(1, 1), nullptr);
  std::span<Pair> pairs;
  ASSERT_TRUE(arena.array(3, pairs));
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_TRUE(is_aligned(pairs.data(), alignof(Pair)));
  for (const Pair& p : pairs) {
    EXPECT_EQ(p.number, 7);
    EXPECT_EQ(p.address, nullptr);
  }
  std::span<int> zeros;
  ASSERT_TRUE(arena.array(2, zeros));
  EXPECT_EQ(zeros[1], 0);
  EXPECT_FALSE(arena.array(100, pairs));
  EXPECT_FALSE(arena.array(SIZE_MAX / 2, pairs)) << "the product does not wrap around";
  EXPECT_TRUE(arena.array(0, zeros));
  EXPECT_TRUE(zeros.empty());
}

/// A source that counts; its memory is the heap's.
struct Counted {
  inline static std::size_t most = SIZE_MAX, reserved = 0, kept = 0, released = 0;
  static void reset(std::size_t room) {
    most = room;
    reserved = kept = released = 0;
  }
  static constexpr ArenaSource source{.reserve = [](std::size_t bytes) -> void* {
                                        if (bytes > most) return nullptr;
                                        reserved = bytes;
                                        return std::aligned_alloc(4096, bytes);
                                      },
                                      .trim = [](void*, std::size_t, std::size_t used) { kept = used; },
                                      .release =
                                          [](void* base, std::size_t bytes) {
                                            released = bytes;
                                            std::free(base);
                                          }};
};

TEST(Arena, ReservesLessWhereTheSystemHasLess) {
  Counted::reset(40'000);
  {
    const Arena arena(Counted::source, 1 << 17);
    EXPECT_EQ(arena.size(), 1U << 15);
    EXPECT_EQ(Counted::reserved, 1U << 15);
  }
  EXPECT_EQ(Counted::released, 1U << 15);
  Counted::reset(4095);
  EXPECT_EQ(Arena(Counted::source, 1 << 17).size(), 0U);
  EXPECT_EQ(Counted::released, 0U) << "nothing was reserved";
  EXPECT_EQ(Arena(ArenaSource{}, 1 << 17).size(), 0U);
}

TEST(Arena, TrimGivesWholePagesBack) {
  Counted::reset(SIZE_MAX);
  {
    Arena arena(Counted::source, 1 << 16);
    ASSERT_NE(arena.allocate(4097), nullptr);
    arena.trim();
    EXPECT_EQ(arena.size(), 8192U);
    EXPECT_EQ(Counted::kept, 8192U);
    Counted::kept = 0;
    arena.trim();
    EXPECT_EQ(Counted::kept, 0U) << "there is nothing more to give";
    EXPECT_NE(arena.allocate(3000), nullptr);
    EXPECT_EQ(arena.allocate(4096), nullptr);
  }
  EXPECT_EQ(Counted::released, 8192U);
}

TEST(Arena, TrimLeavesTheCallersMemory) {
  alignas(64) std::array<std::byte, 8192> memory;
  Arena arena{std::span(memory)};
  arena.trim();
  EXPECT_EQ(arena.size(), memory.size());
}

TEST(Arena, MovesWithWhatItReserved) {
  Counted::reset(SIZE_MAX);
  Arena last;
  {
    Arena first(Counted::source, 1 << 16);
    const auto* at = first.allocate(10);
    Arena second(std::move(first));
    EXPECT_EQ(second.base(), at);
    EXPECT_EQ(second.used(), 10U);
    last = std::move(second);
  }
  EXPECT_EQ(Counted::released, 0U);
  EXPECT_EQ(last.used(), 10U);
  last = Arena();
  EXPECT_EQ(Counted::released, 1U << 16);
}

TEST(SystemArena, CanBeWrittenAfterItWasTrimmed) {
  Arena arena(system_arena, std::size_t{1} << 24);
  ASSERT_EQ(arena.size(), std::size_t{1} << 24);
  auto* bytes = static_cast<std::byte*>(arena.allocate(5000));
  ASSERT_NE(bytes, nullptr);
  arena.trim();
  EXPECT_EQ(arena.size(), 8192U);
  EXPECT_EQ(bytes[4999], std::byte{0});
  bytes[0] = bytes[4999] = std::byte{1};
  EXPECT_EQ(bytes[4999], std::byte{1});
}

}  // namespace
}  // namespace lithe::test
