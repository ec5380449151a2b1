// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/alias.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/split.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/runtime/choose.hpp"
#include "tests/support/bare_plan.hpp"

namespace lithe::test {
namespace {

/// Strided kernels of everything; Neg alone reads and writes dense rows.
using Kernels =
    KernelList<AddOne<ops::Relu, true>, AddOne<ops::Neg>, AddOne<ops::Add, true>, AddOne<ops::Concat, true>,
               AddOne<ops::Split, true>, AddOne<ops::Reshape, true>, AddOne<ops::Cast, true>>;

/// A graph up to the phase after alias.
class Aliased : public BarePlan {
 public:
  Aliased(const ModelBuilder& b, std::initializer_list<Shape> shapes) : BarePlan(b, Kernels::entries) {
    EXPECT_TRUE(infer(shapes).ok());
    EXPECT_TRUE(choose(planning, plan).ok());
    alias(plan);
  }
  /// Number of the value in whose storage result 0 of node `n` lies.
  std::int32_t root(std::int32_t n) const { return runtime::find_root(plan, plan.node(n).output_ids()[0]); }
  std::int32_t id(std::int32_t n) const { return plan.node(n).output_ids()[0]; }
};

TEST(Alias, AnElementWiseResultOverwritesAnInputThatNobodyNeedsLater) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {8});
  const int a = b.node<ops::Relu>("a", {}, {x});
  const int c = b.node<ops::Relu>("c", {}, {a});
  b.output(b.node<ops::Add>("y", {}, {c, a}));
  const Aliased p(b, {{8}});
  EXPECT_EQ(p.root(0), p.id(0)) << "inputs belong to the caller";
  EXPECT_EQ(p.root(1), p.id(1)) << "a is read again";
  EXPECT_EQ(p.root(2), p.id(1));
  EXPECT_EQ(p.plan.value(p.id(1)).members, 2);
  EXPECT_EQ(p.plan.value(p.id(1)).last, p.plan.steps()) << "y is an output";
  EXPECT_TRUE(p.plan.value(p.id(1)).pinned);
}

TEST(Alias, AResultOfAnotherSizeDoesNot) {
  ModelBuilder b;
  const int small = b.node<ops::Relu>("small", {}, {b.input("x", DType::f32, {1})});
  b.output(b.node<ops::Add>("y", {}, {small, b.input("z", DType::f32, {8})}));
  const Aliased p(b, {{1}, {8}});
  EXPECT_EQ(p.root(1), p.id(1));
}

TEST(Alias, AReshapeMovesNothing) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {2, 4});
  const int flat = b.constant<std::int64_t>({1}, {8});
  const int r = b.node<ops::Relu>("r", {}, {x});
  b.output(b.node<ops::Relu>("y", {}, {b.node<ops::Reshape>("inner", {}, {r, flat})}));
  b.output(b.node<ops::Reshape>("of an input", {}, {x, flat}));
  const Aliased p(b, {{2, 4}});
  EXPECT_TRUE(p.plan.node(1).skip);
  EXPECT_EQ(p.root(1), p.id(0));
  EXPECT_EQ(p.root(2), p.id(0)) << "and is overwritten like its input";
  EXPECT_FALSE(p.plan.node(3).skip) << "an output cannot lie in an input";
}

TEST(Alias, ACastBetweenTypesThatArePlannedAsOneMovesNothing) {
  ModelBuilder b;
  const int x = b.input("x", DType::f16, {4});
  const int wide = b.node<ops::Cast>("wide", {}, {b.node<ops::Relu>("r", {}, {x}, DType::f16)}, DType::f32);
  b.output(b.node<ops::Relu>("y", {}, {wide}));
  const Aliased p(b, {{4}});
  EXPECT_TRUE(p.plan.node(1).skip);
  EXPECT_EQ(p.root(1), p.id(0));
}

/// Two results of Relu joined along `axis`; `dense`: the second by Neg, which writes dense rows only.
ModelBuilder joined(std::int64_t axis, bool dense = false) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {2, 4});
  const int left = b.node<ops::Relu>("left", {}, {x});
  const int right = dense ? b.node<ops::Neg>("right", {}, {x}) : b.node<ops::Relu>("right", {}, {x});
  b.output(b.node<ops::Concat>("y", {.axis = axis}, {left, right}));
  return b;
}

TEST(Alias, PartsAreComputedInTheirWhole) {
  for (const std::int64_t axis : {0, 1}) {
    const Aliased p(joined(axis), {{2, 4}});
    EXPECT_TRUE(p.plan.node(2).skip) << axis;
    EXPECT_EQ(p.root(0), p.id(2));
    std::size_t offset = 0;
    EXPECT_EQ(runtime::find_root(p.plan, p.id(1), offset), p.id(2));
    EXPECT_EQ(offset, axis == 0 ? 32U : 16U);
    EXPECT_EQ(p.plan.value(p.id(1)).pitch, axis == 0 ? 4 : 8);
  }
  EXPECT_FALSE(Aliased(joined(1, true), {{2, 4}}).plan.node(2).skip)
      << "rows with gaps for a kernel of dense rows";
  EXPECT_TRUE(Aliased(joined(0, true), {{2, 4}}).plan.node(2).skip);
}

TEST(Alias, APartCannotLieInTwoPlaces) {
  ModelBuilder b;
  const int r = b.node<ops::Relu>("r", {}, {b.input("x", DType::f32, {4})});
  b.output(b.node<ops::Concat>("y", {}, {r, r}));
  b.output(b.node<ops::Concat>("z", {}, {b.input("w", DType::f32, {4}), b.node<ops::Relu>("s", {}, {r})}));
  const Aliased p(b, {{4}, {4}});
  EXPECT_FALSE(p.plan.node(1).skip) << "one value twice";
  EXPECT_FALSE(p.plan.node(3).skip) << "an input of the graph";
}

TEST(Alias, PiecesAreReadWhereTheyLie) {
  for (const std::int64_t axis : {0, 1}) {
    for (const bool dense : {false, true}) {
      ModelBuilder b;
      const int r = b.node<ops::Relu>("r", {}, {b.input("x", DType::f32, {2, 4})});
      const std::vector<int> pieces =
          b.nodes<ops::Split>("piece", {.axis = axis}, {r}, {DType::f32, DType::f32});
      b.output(b.node<ops::Add>("y", {}, pieces));
      if (dense) b.output(b.node<ops::Neg>("z", {}, {pieces[1]}));
      const Aliased p(b, {{2, 4}});
      const bool moves = axis == 1 && dense;
      EXPECT_EQ(p.plan.node(1).skip, !moves) << axis << dense;
      if (moves) continue;
      std::size_t offset = 0;
      EXPECT_EQ(runtime::find_root(p.plan, p.plan.node(1).output_ids()[1], offset), p.id(0));
      EXPECT_EQ(offset, axis == 0 ? 16U : 8U);
    }
  }
}

TEST(Alias, TheAxisOfAJoinIsTheFirstOnWhichAPartDiffers) {
  BarePlan p(joined(1), Kernels::entries);
  ASSERT_TRUE(p.infer({{2, 4}}).ok());
  const std::span<const std::int32_t> parts = p.node(2).input_ids();
  EXPECT_EQ(runtime::cut_axis(p.plan, {2, 8}, parts), 1);
  EXPECT_EQ(runtime::cut_axis(p.plan, {4, 4}, parts), 0);
  EXPECT_EQ(runtime::cut_axis(p.plan, {2, 4}, parts), 0) << "one part, and empty ones";
}

}  // namespace
}  // namespace lithe::test
