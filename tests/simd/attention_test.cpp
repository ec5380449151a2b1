// SPDX-License-Identifier: Apache-2.0
#include "lithe/simd/attention.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/attention_reference.hpp"
#include "tests/simd/kernel_on_isa.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::Causal;

class SimdAttention : public OnEachIsa {
 protected:
  static void attention_matches(const ops::Attention::Attributes& a, std::vector<Input> inputs,
                                DType mask = f32) {
    std::vector<DType> types{f32, f32, f32};
    if (inputs.size() > 3) types.push_back(mask);
    matches<ops::Attention>(a, reference_attention, inputs, {.rows = {{types, {f32}}}});
  }
};
INSTANTIATE_TEST_SUITE_P(On, SimdAttention,
                         ::testing::ValuesIn(listed_on_baseline_and<simd::AttentionOn>(simd::isa::Every{})),
                         isa_name);

TEST_P(SimdAttention, EveryNumberOfQueries) {
  for (index_t queries = 1; queries < 70; queries += queries < 36 ? 1 : 7) {
    SCOPED_TRACE(queries);
    attention_matches({.heads = 2}, {{1, queries, 32}, {1, 21, 32}, {1, 21, 32}});
  }
}

TEST_P(SimdAttention, EveryNumberOfKeys) {
  for (index_t keys = 1; keys < 200; keys += keys < 20 ? 1 : 23)
    for (const index_t queries : {1, 18})
      attention_matches({}, {{1, 1, queries, 5}, {1, 1, keys, 5}, {1, 1, keys, 7}});
}

TEST_P(SimdAttention, EveryDepth) {
  for (index_t depth = 1; depth < 70; depth += depth < 36 ? 1 : 7)
    for (const index_t queries : {2, 20}) {
      SCOPED_TRACE(depth);
      attention_matches({.heads = 2}, {{1, queries, 2 * depth}, {1, 9, 2 * depth}, {1, 9, 2 * depth}});
    }
}

TEST_P(SimdAttention, Layouts) {
  for (const bool apart : {false, true})
    for (const index_t queries : {1, 3, 10, 40}) {
      attention_matches({.heads = 2, .heads_apart = apart}, {{3, queries, 40}, {3, 77, 40}, {3, 77, 36}});
      attention_matches({.heads_apart = apart}, {{3, 2, queries, 20}, {3, 2, 77, 20}, {3, 2, 77, 18}});
    }
}

TEST_P(SimdAttention, HeadsShareKeys) {
  for (const index_t queries : {1, 3, 10})
    attention_matches({.heads = 6, .kv_heads = 2},
                      {{2, queries, 96}, {2, 70, 32}, {2, 70, 10}, {2, 6, queries, 70}});
}

TEST_P(SimdAttention, Masks) {
  for (const DType dtype : {f32, boolean})
    for (const index_t queries : {3, 20})
      for (const Shape& mask : {Shape{2, 3, queries, 71}, Shape{2, 1, 1, 71}, Shape{queries, 71},
                                Shape{3, 1, 1}, Shape{71}, Shape{}, Shape{1, 3, queries, 1}})
        attention_matches({.fill = -3}, {{2, 3, queries, 16}, {2, 3, 71, 16}, {2, 3, 71, 16}, Input(mask)},
                          dtype);
}

TEST_P(SimdAttention, Causal) {
  for (const Causal causal : {Causal::from_first, Causal::from_last})
    for (const index_t queries : {1, 3, 33, 130})
      for (const index_t keys : {130, 140})
        attention_matches({.heads = 2, .causal = causal}, {{1, queries, 32}, {1, keys, 32}, {1, keys, 32}});
}

TEST_P(SimdAttention, ScaleAndCap) {
  for (const index_t queries : {2, 20})
    attention_matches({.heads = 2, .scale = 0.7f, .softcap = 1.5f},
                      {{1, queries, 32}, {1, 70, 32}, {1, 70, 32}, {queries, 70}});
}

TEST_P(SimdAttention, Half) {
  ops::Attention::Attributes a{.heads = 2, .scale = 0.2f};
  const Cpu all = every_feature();
  const std::vector<ValueInfo> inputs(3, {f16, {1, 4, 8}}), outputs(1, {f16, {1, 4, 8}});
  if (!GetParam().supports(&a, {inputs, outputs, &all}))
    GTEST_SKIP() << GetParam().isa << " does not convert f16";
  for (const index_t queries : {2, 20, 40})
    for (const index_t depth : {5, 32}) {
      const std::vector<DType> types{f16, f16, f16, f16};
      matches<ops::Attention>(
          a, reference_attention,
          {{1, queries, 2 * depth}, {1, 70, 2 * depth}, {1, 70, 2 * depth}, {queries, 70}},
          {.rows = {{types, {f16}}}});
    }
}

/// Later scores are far larger than earlier ones, or the other way round; most weights vanish.
TEST_P(SimdAttention, LargeScores) {
  for (const index_t queries : {2, 20})
    for (const double sign : {-1.0, 1.0}) {
      std::vector<double> mask;
      for (int j = 0; j < 300; ++j) mask.push_back(sign * 0.9 * j);
      attention_matches({.heads = 2},
                        {{1, queries, 32}, {1, 300, 32}, {1, 300, 32}, Input::values({300}, mask)});
    }
}

TEST_P(SimdAttention, Empty) {
  attention_matches({.heads = 2}, {{0, 5, 8}, {0, 7, 8}, {0, 7, 8}});
  attention_matches({.heads = 2}, {{1, 0, 8}, {1, 7, 8}, {1, 7, 8}});
  attention_matches({.heads = 2}, {{1, 5, 8}, {1, 0, 8}, {1, 0, 8}});
  attention_matches({.heads = 2}, {{1, 5, 8}, {1, 7, 8}, {1, 7, 0}});
}

/// Queries that see no key in any block, in the first, or in the last; scores that are no number.
TEST_P(SimdAttention, NotFinite) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  constexpr index_t keys = 150;
  for (const index_t queries : {4, 20})
    for (const bool zero : {false, true}) {
      std::vector<double> mask(static_cast<std::size_t>(queries * keys), 0);
      const auto fill = [&](index_t row, index_t first, index_t last, double value) {
        for (index_t j = first; j < last; ++j) mask[static_cast<std::size_t>(row * keys + j)] = value;
      };
      fill(0, 0, keys, -inf);
      fill(1, 0, 70, -inf);
      fill(2, 70, keys, -inf);
      fill(3, 3, 4, nan);
      if (queries > 4) {
        fill(5, 140, 141, nan);
        fill(6, 5, 6, inf);
        fill(7, 140, 141, inf);
        fill(8, 0, 149, -inf);
      }
      attention_matches(
          {.nan_is_zero = zero},
          {{1, 1, queries, 16}, {1, 1, keys, 16}, {1, 1, keys, 16}, Input::values({queries, keys}, mask)});
    }
  attention_matches({.causal = Causal::from_last}, {{1, 1, 20, 8}, {1, 1, 3, 8}, {1, 1, 3, 8}});
}

}  // namespace
}  // namespace lithe::test
