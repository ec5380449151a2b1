// SPDX-License-Identifier: Apache-2.0
#include "lithe/memory/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace lithe::test {
namespace {

using Blocks = std::vector<PlannedBlock>;

std::size_t plan(Blocks& blocks) {
  std::vector<std::int32_t> order(blocks.size(), -7), placed(blocks.size(), -7);  // scratch may hold anything
  return plan_blocks(blocks, order, placed);
}

bool live_together(const PlannedBlock& a, const PlannedBlock& b) {
  return a.first <= b.last && b.first <= a.last;
}

/// What any plan needs: the largest sum of blocks that live at one step.
std::size_t least_bytes(const Blocks& blocks) {
  std::size_t most = 0;
  for (const PlannedBlock& at : blocks) {  // a sum grows only where a block begins
    std::size_t sum = 0;
    for (const PlannedBlock& b : blocks)
      if (b.first <= at.first && at.first <= b.last) sum += align_up(b.bytes, 64);
    most = std::max(most, sum);
  }
  return most;
}

void expect_valid(const Blocks& blocks, std::size_t total) {
  std::size_t end = 0, sum = 0;
  for (const PlannedBlock& b : blocks) {
    EXPECT_EQ(b.offset % 64, 0U);
    if (b.bytes != 0) end = std::max(end, b.offset + align_up(b.bytes, 64));
    sum += align_up(b.bytes, 64);
  }
  EXPECT_EQ(total, end);
  EXPECT_LE(total, sum);
  EXPECT_GE(total, least_bytes(blocks));
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) {
      const PlannedBlock &a = blocks[i], &b = blocks[k];
      if (a.bytes == 0 || b.bytes == 0 || !live_together(a, b)) continue;
      EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset)
          << "blocks " << k << " and " << i << " overlap";
    }
}

/// Up to 60 blocks, of few sizes so that gaps fit often, in up to 40 steps.
Blocks random_blocks(std::mt19937& random) {
  Blocks blocks(random() % 61);
  const unsigned steps = 1 + random() % 40, longest = 1 + random() % steps;
  const unsigned largest = random() % 2 == 0 ? 256 : 100'000;
  for (PlannedBlock& b : blocks) {
    b.bytes = random() % 8 == 0 ? 0 : random() % largest;
    b.first = static_cast<std::int32_t>(random() % steps);
    b.last = b.first + static_cast<std::int32_t>(random() % longest);
    b.offset = 12345;  // an earlier plan's
  }
  return blocks;
}

TEST(PlanBlocks, BlocksThatLiveTogetherNeverOverlap) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(i);
    Blocks blocks = random_blocks(random);
    expect_valid(blocks, plan(blocks));
  }
}

TEST(PlanBlocks, IsDeterministic) {
  std::mt19937 random(2);
  for (int i = 0; i < 100; ++i) {
    Blocks once = random_blocks(random), again = once;
    EXPECT_EQ(plan(once), plan(again));
    EXPECT_TRUE(std::ranges::equal(once, again, {}, &PlannedBlock::offset, &PlannedBlock::offset));
  }
}

TEST(PlanBlocks, NothingNeedsNothing) {
  Blocks none, empty = {{.bytes = 0, .first = 0, .last = 9}};
  EXPECT_EQ(plan(none), 0U);
  EXPECT_EQ(plan(empty), 0U);
  EXPECT_EQ(empty[0].offset, 0U);
}

TEST(PlanBlocks, AChainAlternatesBetweenTwoBlocks) {
  Blocks chain;
  for (std::int32_t i = 0; i < 10; ++i) chain.push_back({.bytes = 1000, .first = i, .last = i + 1});
  EXPECT_EQ(plan(chain), 2U * 1024);
  for (std::size_t i = 0; i < chain.size(); ++i) EXPECT_EQ(chain[i].offset, chain[i % 2].offset) << i;
}

TEST(PlanBlocks, TakeTheSmallestGapThatFits) {
  // The first two steps leave a gap of 256 bytes and one of 128 for what begins at step 2.
  Blocks blocks = {{.bytes = 640, .first = 0, .last = 9}, {.bytes = 512, .first = 0, .last = 9},
                   {.bytes = 448, .first = 0, .last = 9}, {.bytes = 256, .first = 0, .last = 1},
                   {.bytes = 192, .first = 0, .last = 9}, {.bytes = 128, .first = 0, .last = 1},
                   {.bytes = 64, .first = 0, .last = 9},  {.bytes = 60, .first = 2, .last = 3}};
  EXPECT_EQ(plan(blocks), least_bytes(blocks));
  EXPECT_EQ(blocks.back().offset, blocks[5].offset);
}

}  // namespace
}  // namespace lithe::test
