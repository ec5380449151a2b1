// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/attention.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/attention_reference.hpp"
#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::Attention;
using ops::Causal;

TEST(Attention, Shapes) {
  EXPECT_EQ(OpTest<Attention>({.heads = 2}).infer({{3, 5, 8}, {3, 7, 8}, {3, 7, 6}}), (Shape{3, 5, 6}));
  EXPECT_EQ(OpTest<Attention>().infer({{3, 2, 5, 4}, {3, 2, 7, 4}, {3, 2, 7, 3}}), (Shape{3, 5, 6}));
  EXPECT_EQ(OpTest<Attention>({.heads_apart = true}).infer({{3, 2, 5, 4}, {3, 2, 7, 4}, {3, 2, 7, 3}}),
            (Shape{3, 2, 5, 3}));
  EXPECT_EQ(OpTest<Attention>({.heads = 6, .kv_heads = 2}).infer({{3, 5, 24}, {3, 7, 8}, {3, 7, 10}}),
            (Shape{3, 5, 30}));
  EXPECT_EQ(OpTest<Attention>({.heads = 4}).infer({{1, 5, 8}, {1, 2, 7, 2}, {1, 2, 7, 3}, {7}}),
            (Shape{1, 5, 12}));
}

TEST(Attention, Refusals) {
  OpTest<Attention>({.heads = 2})
      .refuses({{{{5, 8}, {1, 7, 8}, {1, 7, 8}}, Code::shape},
                {{{1, 5, 8}, {1, 7, 6}, {1, 7, 8}}, Code::shape},
                {{{1, 5, 7}, {1, 7, 7}, {1, 7, 8}}, Code::shape},
                {{{1, 5, 8}, {1, 7, 8}, {1, 7, 9}}, Code::shape},
                {{{1, 5, 8}, {1, 7, 8}, {1, 6, 8}}, Code::shape},
                {{{1, 5, 8}, {2, 7, 8}, {2, 7, 8}}, Code::shape},
                {{{1, 5, 8}, {1, 7, 8}, {2, 7, 8}}, Code::shape},
                {{{1, 5, 8}, {1, 4, 7, 4}, {1, 4, 7, 4}}, Code::invalid_model},
                {{{1, 5, 8}, {1, 7, 8}, {1, 7, 8}, {6}}, Code::shape},
                {{{1, 5, 8}, {1, 7, 8}, {1, 7, 8}, {1, 1, 1, 1, 7}}, Code::shape},
                {{{1, 5, 8}, {1, 7, 8}, {1, 7, 8}, {3, 5, 7}}, Code::shape}});
  const std::vector<Input> good{{1, 5, 8}, {1, 7, 8}, {1, 7, 8}};
  for (const Attention::Attributes& a : {Attention::Attributes{},
                                         {.heads = -1},
                                         {.heads = 2, .kv_heads = -1},
                                         {.heads = 2, .kv_heads = 4},
                                         {.heads = 2, .scale = INFINITY},
                                         {.heads = 2, .softcap = -1},
                                         {.heads = 2, .softcap = INFINITY},
                                         {.heads = 2, .fill = std::nanf("")}})
    EXPECT_EQ(OpTest<Attention>(a).infer(good).code(), Code::invalid_model);
}

TEST(Attention, Layouts) {
  for (const bool apart : {false, true}) {
    OpTest<Attention>({.heads = 2, .heads_apart = apart})
        .matches(reference_attention, {{3, 5, 8}, {3, 7, 8}, {3, 7, 70}});
    OpTest<Attention>({.heads_apart = apart})
        .matches(reference_attention, {{3, 2, 5, 4}, {3, 2, 7, 4}, {3, 2, 7, 3}});
    OpTest<Attention>({.heads = 2, .heads_apart = apart})
        .matches(reference_attention, {{3, 5, 8}, {3, 2, 7, 4}, {3, 7, 6}});
  }
}

TEST(Attention, HeadsShareKeys) {
  OpTest<Attention>({.heads = 6, .kv_heads = 2})
      .matches(reference_attention, {{2, 5, 24}, {2, 7, 8}, {2, 7, 10}});
  OpTest<Attention>({.heads_apart = true})
      .matches(reference_attention, {{1, 4, 3, 2}, {1, 1, 5, 2}, {1, 1, 5, 2}});
}

TEST(Attention, Masks) {
  for (const DType dtype : {f32, boolean})
    for (const Shape& mask : {Shape{2, 3, 5, 7}, Shape{2, 1, 1, 7}, Shape{5, 7}, Shape{3, 1, 1}, Shape{7},
                              Shape{}, Shape{1, 3, 5, 1}}) {
      SCOPED_TRACE(name(dtype));
      const std::vector<DType> types =
          dtype == f32 ? std::vector<DType>{f32, f32, f32, f32} : std::vector<DType>{f32, f32, f32, boolean};
      OpTest<Attention>({.fill = -3})
          .matches(reference_attention, {{2, 3, 5, 4}, {2, 3, 7, 4}, {2, 3, 7, 4}, Input(mask)},
                   {.rows = {{types, {f32}}}});
    }
  OpTest<Attention>({.heads = 2}).matches(reference_attention, {{1, 3, 8}, {1, 4, 8}, {1, 4, 8}, {3, 4}});
}

TEST(Attention, Causal) {
  for (const Causal causal : {Causal::from_first, Causal::from_last})
    for (const index_t keys : {5, 9})
      OpTest<Attention>({.heads = 2, .causal = causal})
          .matches(reference_attention, {{2, 5, 8}, {2, keys, 8}, {2, keys, 8}});
}

TEST(Attention, ScaleAndCap) {
  OpTest<Attention>({.heads = 1, .scale = 0.7f, .softcap = 1.5f})
      .matches(reference_attention, {{1, 5, 8}, {1, 7, 8}, {1, 7, 8}, {5, 7}});
}

TEST(Attention, ManyRowsOnThreads) {
  OpTest<Attention>({.heads = 4})
      .on(reversed_threads)
      .matches(reference_attention, {{2, 33, 16}, {2, 40, 16}, {2, 40, 16}});
}

TEST(Attention, Empty) {
  OpTest<Attention>({.heads = 2}).matches(reference_attention, {{0, 5, 8}, {0, 7, 8}, {0, 7, 8}});
  OpTest<Attention>({.heads = 2}).matches(reference_attention, {{1, 0, 8}, {1, 7, 8}, {1, 7, 8}});
  OpTest<Attention>({.heads = 2}).matches(reference_attention, {{1, 5, 8}, {1, 0, 8}, {1, 0, 8}});
  OpTest<Attention>({.heads = 2}).matches(reference_attention, {{1, 5, 8}, {1, 7, 8}, {1, 7, 0}});
}

/// Rows that see no key, and rows with scores that are no number.
TEST(Attention, NotFinite) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const Input mask = Input::values({6, 3}, {0, 0, 0, -inf, 0, -inf, -inf, -inf, -inf,  //
                                            -inf, nan, -inf, inf, 0, 0, 0, -inf, 1});
  for (const bool zero : {false, true})
    OpTest<Attention>({.nan_is_zero = zero})
        .matches(reference_attention, {{1, 1, 6, 2}, {1, 1, 3, 2}, {1, 1, 3, 2}, mask});
  OpTest<Attention>({.causal = Causal::from_last})
      .matches(reference_attention, {{1, 1, 6, 2}, {1, 1, 3, 2}, {1, 1, 3, 2}});
}

}  // namespace
}  // namespace lithe::test
